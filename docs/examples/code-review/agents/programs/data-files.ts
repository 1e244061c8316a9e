/** Whether files of data can be read at all. */
import { createRequire } from 'node:module';
import type Typescript from 'typescript';
import { basename } from 'node:path/posix';
import { parseAllDocuments } from 'yaml';
import { isTemplate, languageOf } from '../lib/classify.ts';
import type { Hit, Text } from './text-file.ts';

const MAX_BYTES = 256 * 1024;

/** Many tools read JSON with comments and trailing commas under the name `.json`. So what JSON itself refuses
 *  is given to TypeScript's parser, which allows both, and which also says where it stumbles. It is loaded
 *  only then: most repositories never need it. */
export function* checkJson({ path, content }: Text): Generator<Hit> {
  if (languageOf(path) !== 'JSON' || content.length > MAX_BYTES || content.trim() === '') return;
  if (isTemplate(path, content)) return;
  try {
    JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch {
    const ts = createRequire(import.meta.url)('typescript') as typeof Typescript;
    const source = ts.parseJsonText(path, content);
    const { parseDiagnostics = [] } = source as unknown as { parseDiagnostics?: Typescript.Diagnostic[] };
    const [first] = parseDiagnostics;
    if (first === undefined) return;
    const message = ts.flattenDiagnosticMessageText(first.messageText, ' ');
    const line = source.getLineAndCharacterOfPosition(first.start ?? 0).line + 1;
    yield { line, message: `The file is not JSON: ${message}` };
  }
}

export function* checkYaml({ path, content }: Text): Generator<Hit> {
  if (languageOf(path) !== 'YAML' || content.length > MAX_BYTES) return;
  // A template is not YAML until it is filled in.
  if (/\{\{|\{%/.test(content) || basename(path).endsWith('.tpl.yaml')) return;
  const documents = parseAllDocuments(content, { logLevel: 'silent', customTags: ['binary', 'set', 'omap'] });
  if (!Array.isArray(documents)) return;
  for (const document of documents) {
    const [first] = document.errors;
    if (first === undefined) continue;
    const [message = ''] = first.message.split('\n');
    yield { line: first.linePos?.[0].line ?? 1, message: `The file is not YAML: ${message}` };
    return;
  }
}
