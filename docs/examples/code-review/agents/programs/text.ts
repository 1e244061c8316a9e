/** Checks that need no parser and so say something sensible about any language. */
import { checks } from './text-checks.ts';
import { eachFile, report, request } from './protocol.ts';

const asked = request();
const wanted = checks.filter(({ reviewer }) => asked.checks?.includes(reviewer));
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

await eachFile(asked, (path, bytes) => {
  let content: string;
  let valid = true;
  try {
    content = utf8.decode(bytes);
  } catch {
    content = bytes.toString('utf8');
    valid = false;
  }
  const text = { path, content, lines: content.split('\n'), valid };
  for (const { rule, severity, look } of wanted) {
    for (const { line, message } of look(text)) report({ file: path, line, rule, severity, message });
  }
});
