/** markdownlint over every Markdown file, with one rule of our own: a relative link must lead somewhere. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { lint } from 'markdownlint/sync';
import type { Configuration, MicromarkToken, Rule } from 'markdownlint';
import { eachFile, report, request } from './protocol.ts';

const MAX_BYTES = 256 * 1024;

/** Matters of taste (line length, bare URLs, HTML, the first heading, numbering, emphasis as heading) stay off:
 *  they would hide the findings that matter. */
const CONFIG: Configuration = {
  default: false,
  'heading-increment': true,
  'no-reversed-links': true,
  'no-missing-space-atx': true,
  'no-duplicate-heading': { siblings_only: true },
  'no-alt-text': true,
  'no-empty-links': true,
  'link-fragments': true,
  'reference-links-images': true,
  'link-image-reference-definitions': true,
  'table-column-count': true,
  'blanks-around-tables': true,
  'code-fence-style': true,
  'fenced-code-language': true,
  'relative-links': true,
};

const asked = request();

const links: Rule = {
  names: ['relative-links'],
  description: 'A relative link must lead to a file that exists.',
  tags: ['links'],
  parser: 'micromark',
  function: (params, onError) => {
    const visit = (token: MicromarkToken) => {
      if (token.type === 'resourceDestinationString' || token.type === 'definitionDestinationString') {
        const target = missing(params.name, token.text);
        if (target !== undefined) onError({ lineNumber: token.startLine, detail: target });
      }
      for (const child of token.children) visit(child);
    };
    for (const token of params.parsers.micromark.tokens) visit(token);
  },
};

/** What a link points at and does not find, or nothing. Outside the reviewed folder nothing is looked for. */
function missing(from: string, link: string): string | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/|#|\?|$)/i.test(link) || /[{}<>$]/.test(link)) return undefined;
  const [encoded = ''] = link.replaceAll(/\\([!-/:-@[-`{-~])/g, '$1').split(/[?#]/);
  let path: string;
  try {
    path = decodeURIComponent(encoded);
  } catch {
    path = encoded;
  }
  if (path === '' || path.includes('\0')) return undefined;
  const target = path.startsWith('/') ? join(asked.root, path) : resolve(asked.root, dirname(from), path);
  if (relative(asked.root, target).split(sep)[0] === '..') return undefined;
  if (isAddress(path) && isOfSite(dirname(from))) return undefined;
  return existsSync(target) ? undefined : `There is no ${path}`;
}

/** What a link to a page of a published site looks like: `/about/`, `guide/`, `2024/post.html`. */
const isAddress = (path: string): boolean => path.startsWith('/') || !/\.(?!html?$)[^./]+$/.test(path);

/** Files at the top of a site that a generator builds. Where its pages are published is in their settings. */
const SITES = ['_config.yml', '_config.toml', 'hugo.toml', 'hugo.yaml', 'mkdocs.yml', '.eleventy.js'];
const sites = new Map<string, boolean>();

function isOfSite(folder: string): boolean {
  let known = sites.get(folder);
  if (known === undefined) {
    known =
      SITES.some((name) => existsSync(join(asked.root, folder, name))) ||
      (folder !== '.' && isOfSite(dirname(folder)));
    sites.set(folder, known);
  }
  return known;
}

await eachFile(asked, (path, bytes) => {
  if (bytes.length > MAX_BYTES) return;
  const results = lint({
    strings: { [path]: bytes.toString('utf8') },
    config: CONFIG,
    customRules: [links],
    handleRuleFailures: true,
  });
  for (const { lineNumber, ruleNames, ruleDescription, errorDetail } of results[path] ?? []) {
    const ours = ruleNames.includes('relative-links');
    report({
      file: path,
      line: lineNumber,
      rule: ours ? 'broken-link' : `markdownlint/${ruleNames.at(-1) ?? 'rule'}`,
      severity: ours ? 'warning' : 'info',
      message: errorDetail ? `${ruleDescription} ${errorDetail}.` : ruleDescription,
    });
  }
});
