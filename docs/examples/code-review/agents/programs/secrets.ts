/** Secretlint's recommended rules over every file, with the secrets masked in the messages: a report is
 *  passed around, and must not become the next leak. */
import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { extname } from 'node:path';
import { eachFile, report, request } from './protocol.ts';

// The rules are handed over as code. A configuration by name would be resolved from the current folder.
const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, rules: [] }] };

// Secretlint times itself with performance marks that it never clears and searches again for every new one,
// which makes the time grow with the square of the number of files (71 s for 3,000 files; under 4 s for 10,000 without). This
// process exists for secretlint alone, so the marks are switched off for all of it.
Object.defineProperty(performance, 'mark', { value: () => undefined });

await eachFile(request(), async (path, bytes) => {
  const content = bytes.toString('utf8');
  const source = { filePath: path, content, ext: extname(path), contentType: 'text' as const };
  const result = await lintSource({ source, options: { config, maskSecrets: true, noPhysicFilePath: true } });
  for (const { ruleId, messageId, message, loc, severity } of result.messages) {
    const rule = ruleId.replace('@secretlint/secretlint-rule-', '');
    report({
      file: path,
      line: loc.start.line,
      column: loc.start.column + 1,
      rule: `secretlint/${rule}`,
      severity,
      message: `${messageId}: ${message}`,
    });
  }
});
