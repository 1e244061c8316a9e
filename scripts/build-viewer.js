// Bundles src/viewer into dist/viewer/index.html: one page that needs no other file and sends no requests.
//
// Script and styles are inside the page, and its policy names them by their hashes: nothing else runs in it, and it
// connects only to the host that served it.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const source = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What the bundle contains, and under which licence; each asks that its notice goes along. */
const PARTS = ['preact', '@dagrejs/dagre', '@dagrejs/graphlib'];

/** The page as text. */
export async function viewerPage() {
  const bundle = await rolldown({
    input: source('src/viewer/main.tsx'),
    platform: 'browser',
    tsconfig: false,
    transform: {
      target: 'es2022',
      jsx: { runtime: 'automatic', importSource: 'preact' },
      define: { 'process.env.NODE_ENV': '"production"' },
    },
    // A page that lacks a part is no page.
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await bundle.generate({ format: 'iife', minify: true, comments: false });
  await bundle.close();
  if (output.length !== 1) throw new Error(`the viewer is ${output.length} files; it has to be one`);
  // A text within the script must not end the element that it stands in.
  const script = output[0].code
    .trim()
    .replaceAll(/<\/(script)/gi, '<\\/$1')
    .replaceAll('<!--', '<\\!--');
  const style = readFileSync(source('src/viewer/style.css'), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const licences = PARTS.map(
    (name) => `${name}\n\n${readFileSync(source(`node_modules/${name}/LICENSE`), 'utf8').trim()}`,
  );
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>tutti viewer</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This page draws a trace with a script; please allow it to run.</noscript>
<script>${script}</script>
</body>
</html>
<!--
The script above contains:

${licences.join('\n\n').replaceAll('--', '- -')}
-->
`;
}

/** Writes the page to where the package has it. */
export async function buildViewer() {
  const page = await viewerPage();
  mkdirSync(source('dist/viewer'), { recursive: true });
  writeFileSync(source('dist/viewer/index.html'), page);
}

if (import.meta.main) await buildViewer();
