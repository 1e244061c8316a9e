// Lists words that make the project's text hard to read, and fails when there are too many of them.
// Usage: node scripts/lint-words.js [FOLDER]   (prints file:line: word)
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The words, matched whole and in any case. A phrase also matches where a line break splits it. */
const words = [
  'whoever',
  'whatever',
  'nobody',
  'somebody',
  'everybody',
  'anybody',
  'anew',
  'for ever',
  'forever',
  'besides',
  'hence',
  'thereof',
  'is told',
  'are told',
  'told of',
  'dear',
  'dearer',
  'of its own',
  'of their own',
  'of his own',
];
/** How many of them the whole repository may hold. */
const allowed = 20;

const patterns = ['*.ts', '*.tsx', '*.js', '*.md', '*.yaml', '*.html', '*.css'];
/** This list and its test, and pages that `npm run docs:*` writes from the sources. */
const excluded = ['scripts/lint-words.js', 'test/house/lint.test.ts', 'docs/verification.md'];
const excludedFolders = ['docs/machines/'];
/** File names keep their old wording, because links to them must stay valid. */
const fileName = /\b\d{4}-[a-z0-9-]+\.md\b/g;

const root = process.argv[2] ?? process.cwd();
// Longer phrases first, so that "dearer" is not reported as "dear".
const gap = String.raw`(?:\s|\*|//|<!--|>)+`;
const alternatives = words
  .toSorted((a, b) => b.length - a.length)
  .map((word) => word.replaceAll(' ', gap))
  .join('|');
const listed = new RegExp(String.raw`\b(?:${alternatives})\b`, 'gi');

let count = 0;
for (const file of filesOf(root)) {
  const text = readFileSync(join(root, file), 'utf8').replace(fileName, blank);
  for (const match of text.matchAll(listed)) {
    count += 1;
    const line = text.slice(0, match.index).split('\n').length;
    console.log(`${file}:${line}: ${match[0].replace(/[\s*/]+/g, ' ')}`);
  }
}
console.log(`${count} listed words; ${allowed} are allowed.`);
if (count > allowed) {
  console.log('Rewrite the sentences above in plain English.');
  process.exitCode = 1;
}

/**
 * The files that git tracks, and those it would track, that still exist.
 *
 * @param {string} folder
 */
function filesOf(folder) {
  const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', [...options, '--', ...patterns], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const files = [...new Set(output.split('\0'))].filter((file) => file !== '');
  return files
    .filter((file) => !excluded.includes(file))
    .filter((file) => !excludedFolders.some((each) => file.startsWith(each)))
    .filter((file) => existsSync(join(folder, file)))
    .sort();
}

/**
 * Spaces in place of a text, so that positions stay the same.
 *
 * @param {string} text
 */
function blank(text) {
  return ' '.repeat(text.length);
}
