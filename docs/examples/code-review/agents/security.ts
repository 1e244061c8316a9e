/** The security reviewer: secrets, dangerous constructs, private keys and text that hides what it does. */
import { basename, extname } from 'node:path/posix';
import { lintable, oxlint } from './lib/oxlint.ts';
import { runProgram } from './lib/program.ts';
import { fromList, notApplicable, review } from './lib/review.ts';
import type { Context, FileList, RawFinding, Review, SourceFile } from './lib/types.ts';

/** Secrets hide in lock files and built code as well, so generated files are searched too. */
const MAX_SECRETS_BYTES = 256 * 1024;

export default async function security(
  { files: list }: { files: FileList },
  { signal }: Context,
): Promise<Review> {
  const readable = list.files.filter((file) => file.text);
  const searched = readable.filter((file) => file.bytes <= MAX_SECRETS_BYTES).map(({ path }) => path);
  const written = readable.filter((file) => !file.generated).map(({ path }) => path);
  const left = readable.length - searched.length;
  const request = { root: list.root };
  return review('security', signal, [
    searched.length === 0
      ? notApplicable('secretlint', 'no text files')
      : runProgram('secrets', 'secretlint', { ...request, files: searched }, signal).then((found) => ({
          ...found,
          ...(left > 0 && {
            note: [found.note, `${left} files over 256 KiB not searched`].filter(Boolean).join('; '),
          }),
        })),
    oxlint('security', list, lintable(list.files), signal),
    written.length === 0
      ? notApplicable('text patterns', 'no text files')
      : runProgram('text', 'text patterns', { ...request, files: written, checks: ['security'] }, signal),
    fromList('sensitive files', list.files.length, list.files.flatMap(sensitive)),
  ]);
}

const KEY_FILE = /^(id_(rsa|dsa|ecdsa|ed25519)|.*\.(p12|pfx|jks|keystore|kdbx))$/i;
const ENV_FILE = /^\.env(\..+)?$/i;
const ENV_TEMPLATE = /\.(example|sample|template|dist|defaults?)$/i;

/** Files whose very presence in a repository is a leak. */
function sensitive(file: SourceFile): RawFinding[] {
  const name = basename(file.path);
  const at = { file: file.path, line: 1 };
  if (KEY_FILE.test(name) || (extname(name) === '.key' && file.bytes > 0 && !file.text)) {
    const message = 'A key store or private key is in the repository; anyone who can read it holds the key.';
    return [{ ...at, rule: 'private-key-file', severity: 'error', message }];
  }
  if (ENV_FILE.test(name) && !ENV_TEMPLATE.test(name) && file.bytes > 0) {
    const message =
      'An environment file is in the repository or about to be; keep a template and ignore the file.';
    return [{ ...at, rule: 'env-file', severity: 'error', message }];
  }
  return [];
}
