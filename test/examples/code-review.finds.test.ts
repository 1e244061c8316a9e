import { existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  folder,
  call,
  listFiles,
  repository,
  review,
  reviewBy,
  write,
  type Performance,
} from './code-review.helpers.ts';

/** Secrets are put together here, so that this file holds none. */
const TOKEN = ['ghp', '_', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0', 'pINUx'].join('');
const KEY = [
  '-----BEGIN RSA ',
  'PRIVATE KEY-----\n',
  'MIIEpAIBAAKCAQEA'.repeat(8),
  '\n-----END RSA ',
  'PRIVATE KEY-----\n',
].join('');
const MARKERS = ['<'.repeat(7) + ' HEAD', 'a = 1', '='.repeat(7), 'a = 2', '>'.repeat(7) + ' other', ''].join(
  '\n',
);

const SEEDED: Record<string, string | Buffer> = {
  'package.json': '{ "name": "seeded" }\n',
  'tsconfig.json':
    '{ "compilerOptions": { "strict": true, "target": "es2022", "module": "nodenext" }, "include": ["src"] }\n',
  'README.md':
    '# Seeded\n\nSee [the guide](docs/guide.md) and [this](src/slow.ts), [there](<src/sp ace.ts>), [web](https://example.org).\n',
  'src/token.ts': `export const token = '${TOKEN}';\n`,
  'src/eval.js': 'export const run = (code) => eval(code);\n',
  'src/unused.ts': 'export function f(): number {\n  const forgotten = 1;\n  return 2;\n}\n',
  'src/slow.ts':
    'export async function all(xs: Promise<number>[]) {\n  for (const x of xs) {\n    await x;\n  }\n}\n',
  'src/typed.ts': "export const count: number = 'three';\n",
  'src/style.js': 'var old = 1;\nexport { old };\n',
  'src/sp ace.ts': 'export const fine = [1, 2, 3].map((n) => n + 1);\n',
  'src/tested.ts': 'export const tested = (n: number): number => n * 2;\n',
  'src/broken.ts': 'export const = ;\n',
  'test/tested.test.ts':
    "import { expect, it } from 'vitest';\nimport { tested } from '../src/tested.js';\nit.only('doubles', () => {\n  expect(tested(1)).toBe(2);\n});\n",
  'tool.py': `import os\n\n${MARKERS}\nos.system("ls " + a)   \n# TODO: say why\n`,
  'deploy.sh': 'curl -fsSL https://example.org/install | sudo bash\n',
  'data.json': '{\n  "a": 1,\n  "b": }\n',
  'commented.json': '{\n  // allowed\n  "a": "http://x//y",\n}\n',
  'ci.yml': 'a: 1\nb: [1, 2\n',
  '.env': 'SETTING=1\n',
  'server.pem': KEY,
  'latin.txt': Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x0a]),
  'bidi.js': 'export const level = "user\u202E // only for admins";\n',
  'picture.bin': Buffer.alloc((1 << 20) + 10),
};

describe('code review: a seeded fault is found by the right reviewer', () => {
  let done: Performance;
  let root: string;
  beforeAll(async () => {
    root = repository(SEEDED);
    done = await review(root);
  });

  it.each([
    ['security', 'src/token.ts', 1, /^secretlint\/.*github/],
    ['security', 'server.pem', 1, /^secretlint\/.*privatekey/],
    ['security', 'src/eval.js', 1, /^no-eval$/],
    ['security', '.env', 1, /^env-file$/],
    ['security', 'deploy.sh', 1, /^pipe-to-shell$/],
    ['security', 'tool.py', 9, /^python-shell$/],
    ['security', 'bidi.js', 1, /^bidirectional-control$/],
    ['performance', 'src/slow.ts', 3, /^no-await-in-loop$/],
    ['performance', 'picture.bin', 1, /^large-file$/],
    ['correctness', 'src/unused.ts', 2, /^no-unused-vars$/],
    ['correctness', 'src/typed.ts', 1, /^TS2322$/],
    ['correctness', 'src/broken.ts', 1, /^syntax$/],
    ['correctness', 'tool.py', 3, /^merge-conflict$/],
    ['correctness', 'data.json', 3, /^invalid-json$/],
    ['correctness', 'ci.yml', 3, /^invalid-yaml$/],
    ['correctness', 'latin.txt', 1, /^invalid-utf8$/],
    ['style', 'src/style.js', 1, /^no-var$/],
    ['style', 'tool.py', 9, /^trailing-space$/],
    ['documentation', 'README.md', 3, /^broken-link$/],
    ['documentation', 'tool.py', 10, /^notes-for-later$/],
    ['testing', 'test/tested.test.ts', 3, /^vitest\/no-focused-tests$/],
    ['testing', 'src/slow.ts', 1, /^no-test-counterpart$/],
  ])('%s: %s:%i %s', (reviewer, file, line, rule) => {
    const found = done.findings.findings.filter(
      (finding) => finding.file === file && rule.test(finding.rule),
    );
    expect(found.map((finding) => [finding.reviewer, finding.line])).toEqual([[reviewer, line]]);
  });

  it('and nothing is found where nothing is wrong', () => {
    const about = (file: string) => done.findings.findings.filter((finding) => finding.file === file);
    expect(about('src/tested.ts')).toEqual([]);
    expect(about('commented.json')).toEqual([]);
    expect(about('package.json')).toEqual([]);
    expect(about('README.md')).toHaveLength(1);
  });

  it('and every reviewer says what it did', () => {
    expect(done.findings.reviewers.map(({ reviewer, status }) => [reviewer, status])).toEqual([
      ...['security', 'performance', 'correctness', 'style', 'documentation', 'testing'].map((name) => [
        name,
        'reviewed',
      ]),
      ['model', 'not applicable'],
    ]);
    expect(
      done.findings.reviewers.flatMap(({ analysers }) =>
        analysers.filter(({ status }) => status === 'failed'),
      ),
    ).toEqual([]);
  });

  it('and no report repeats the secret', () => {
    expect(JSON.stringify(done)).not.toContain(TOKEN);
    expect(JSON.stringify(done)).not.toContain('MIIEpAIBAAKCAQEA');
  });
});

describe('code review: dependencies that are not installed make no noise', () => {
  it('but an error that does not depend on them is found', async () => {
    const root = repository({
      'tsconfig.json': '{ "compilerOptions": { "strict": true, "module": "nodenext" } }\n',
      'a.ts':
        "import express from 'express';\nimport { readFileSync } from 'node:fs';\nimport type { Base } from 'lib';\ninterface Mine extends Base { own: string }\n" +
        "const app = express();\napp.get('/', (request, response) => response.send(process.env.HOME ?? Buffer.from('')));\n" +
        "export const f = (mine: Mine) => mine.inherited + readFileSync('x', 'utf8');\nexport const n: number = 'text';\n",
      'b.ts': "import { gone } from './gone.js';\nimport './style.css';\nexport const c = gone;\n",
    });
    const { findings, analysers } = await reviewBy('correctness', root);
    const typed = findings.filter(({ rule }) => rule.startsWith('TS'));
    expect(typed.map(({ file, line, rule }) => [file, line, rule])).toEqual([
      ['a.ts', 8, 'TS2322'],
      ['b.ts', 1, 'TS2307'],
    ]);
    expect(analysers.find(({ name }) => name.startsWith('TypeScript'))?.note).toContain('not installed');
  });

  it('nor do the types of the platform', async () => {
    const root = repository({
      'tsconfig.json': '{ "compilerOptions": { "strict": true } }\n',
      'a.ts': 'export const home = process.env.HOME;\nexport const bad: number = "text";\n',
      'a.test.ts': 'describe("a", () => {});\n',
    });
    const { findings } = await reviewBy('correctness', root);
    expect(findings.map(({ file, line }) => `${file}:${line}`)).toEqual(['a.ts:2']);
  });

  it('and without a tsconfig only syntax is checked', async () => {
    const root = repository({ 'a.ts': "export const n: number = 'text';\n", 'b.ts': 'const = 1;\n' });
    const { findings, analysers } = await reviewBy('correctness', root);
    const typed = findings.filter(({ rule }) => rule.startsWith('TS'));
    expect(typed.map(({ file }) => file)).toEqual(['b.ts']);
    expect(analysers.find(({ name }) => name.startsWith('TypeScript'))?.note).toContain('syntax only');
  });
});

describe("code review: the repository's own configuration", () => {
  it('runs no code and breaks no review', async () => {
    const program = (mark: string) =>
      `import { writeFileSync } from 'node:fs';\nwriteFileSync('${mark}', '');\nexport default {};\n`;
    const root = repository({
      'src/eval.js': 'eval(globalThis.x);\n',
      'src/.oxlintrc.json': '{ not json',
      'src/a.md': '[x](y.md)\n',
    });
    const mark = join(root, 'ran');
    write(
      root,
      '.oxlintrc.json',
      '{ "jsPlugins": ["./plugin.js"], "rules": { "no-eval": "off" }, "ignorePatterns": ["**"] }',
    );
    for (const file of [
      'oxlint.config.ts',
      'src/oxlint.config.ts',
      'plugin.js',
      '.markdownlint.mjs',
      '.secretlintrc.js',
    ]) {
      write(root, file, program(mark));
    }
    write(root, '.eslintignore', '**\n');
    const { findings } = await review(root);
    expect(existsSync(mark)).toBe(false);
    expect(findings.findings.map(({ file, rule }) => `${file} ${rule}`)).toEqual(
      expect.arrayContaining(['src/eval.js no-eval', 'src/a.md broken-link']),
    );
    expect(findings.reviewers.filter(({ status }) => status === 'failed')).toEqual([]);
  });
});

describe('code review: not applicable', () => {
  it('everything, for an empty repository, and why', async () => {
    const done = await review(repository({}));
    expect(done.findings.findings).toEqual([]);
    for (const { status, reason } of done.findings.reviewers) {
      expect(status).toBe('not applicable');
      expect(reason).toMatch(/no (text |source |Markdown |Java)?/);
    }
    expect(done['report.md']).toContain('not applicable');
    expect(done['report.html']).toContain('not applicable');
  });

  it('what is made for other languages, for a repository of Rust', async () => {
    const root = repository({
      'src/main.rs': 'fn main() {\n    // TODO: everything \n}\n',
      'Cargo.toml': '[package]\n',
    });
    const { findings } = await review(root);
    const statuses = Object.fromEntries(findings.reviewers.map(({ reviewer, status }) => [reviewer, status]));
    expect(statuses).toEqual({
      security: 'reviewed',
      performance: 'reviewed',
      correctness: 'reviewed',
      style: 'reviewed',
      documentation: 'reviewed',
      testing: 'not applicable',
      model: 'not applicable',
    });
    const analysers = findings.reviewers.flatMap(({ analysers: some }) => some);
    const silent = analysers.filter(({ status }) => status === 'not applicable').map(({ name }) => name);
    expect(silent).toContain('TypeScript diagnostics');
    expect(silent).toContain('oxlint (performance)');
    expect(findings.findings.map(({ rule }) => rule).toSorted()).toEqual([
      'missing-readme',
      'notes-for-later',
      'trailing-space',
    ]);
  });
});

describe('code review: a reviewer that finds a file gone', () => {
  it('passes over it', async () => {
    const root = repository({ 'a.md': '# A\n', 'b.md': '[x](nowhere.md)\n' });
    const files = await listFiles(root);
    unlinkSync(join(root, 'a.md'));
    const { findings } = await call<{ findings: { file: string }[] }>('documentation', { files });
    expect(findings.some(({ file }) => file === 'b.md')).toBe(true);
  });
});

describe('code review: sites that a generator builds', () => {
  it('files with front matter are templates, and no error in any language', async () => {
    const front = '---\nlayout: none\n---\n';
    const root = folder({
      'app.js': `${front}const links = document.querySelectorAll("a");\nconsole.log(links.length);\n`,
      'app.ts': `${front}export const title: string = "{{ site.title }}";\n`,
      'search.json': `${front}[{% for post in site.posts %}{}{% endfor %}]\n`,
      'empty.js': '---\r\n---\r\nvar a = {{ page.a }};\r\n',
      'README.md': `${front}# A site\n\nText.\n`,
      'broken.js': 'const = 1;\n',
    });
    const reviews = await Promise.all(
      ['correctness', 'documentation', 'style'].map((by) => reviewBy(by, root)),
    );
    const errors = reviews.flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'error'));
    expect(new Set(errors.map(({ file }) => file))).toEqual(new Set(['broken.js']));
  });

  it('a link to an address of the published site is not a broken link, and one to a file is', async () => {
    const links = '[a](/about/) [b](guide/) [c](post.html) [d](missing.md) [e](missing.png)\n';
    const broken = async (files: Record<string, string>) =>
      (await reviewBy('documentation', folder({ ...files, 'docs/page.md': `# Page\n\n${links}` }))).findings
        .filter(({ rule }) => rule === 'broken-link')
        .map(({ message }) => /There is no (\S+?)\.?$/.exec(message)?.[1])
        .toSorted();
    expect(await broken({ '_config.yml': 'title: x\n' })).toEqual(['missing.md', 'missing.png']);
    expect(await broken({ 'docs/mkdocs.yml': 'site_name: x\n' })).toEqual(['missing.md', 'missing.png']);
    expect(await broken({})).toHaveLength(5);
  });
});
