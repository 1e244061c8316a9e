// Lists exported names that several files define, and fails when there are more of them than the baseline.
// Usage: node scripts/lint-names.js [FOLDER] [ALLOWED]   (prints name: files)
//
// A name with two definitions makes a reader look up which one is meant. A re-export defines nothing and does not count.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** How many names may have several definitions. Lower it after you have removed one; never raise it. */
const baseline = 0;
/** Names that an interface outside this repository prescribes for several files. Give the reason for each. */
const exceptions = new Set([]);
const folders = ['machines', 'actors', 'specs', 'src'];

// Prettier keeps one form of an export: at the beginning of a line, with single spaces.
const declared =
  /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:const enum|const|let|var|function\*?|class|interface|type|enum|namespace) (?![{[])([\w$]+)/gm;
/** `export const [A, B] = …` and `export const { a, b: c } = …` */
const destructured = /^export (?:const|let|var) [{[]([^}\]]*)[}\]] =/gm;
/** `export { a, b as c };`, which re-exports imported names and exports the file's own. */
const listed = /^export (?:type )?\{([^}]*)\};?$/gm;

const [root = process.cwd(), allowed = String(baseline)] = process.argv.slice(2);
/** @type {Map<string, Set<string>>} */
const filesByName = new Map();
for (const file of folders.flatMap((folder) => sourcesIn(join(root, folder)))) {
  for (const name of definedIn(readFileSync(file, 'utf8'))) {
    const files = filesByName.get(name) ?? new Set();
    filesByName.set(name, files.add(relative(root, file).replaceAll('\\', '/')));
  }
}

const duplicates = [...filesByName]
  .filter(([name, files]) => files.size > 1 && !exceptions.has(name))
  .sort(([a], [b]) => (a < b ? -1 : 1));
for (const [name, files] of duplicates) console.log(`${name}: ${[...files].sort().join(', ')}`);
console.log(`${duplicates.length} exported names have several definitions; ${allowed} are allowed.`);
if (duplicates.length > Number(allowed)) {
  console.log('Rename the new definition, or import the one that exists.');
  process.exitCode = 1;
} else if (duplicates.length < Number(allowed)) {
  console.log(`Set the baseline in scripts/lint-names.js to ${duplicates.length}.`);
}

/**
 * The TypeScript files of a folder.
 *
 * @param {string} folder
 */
function sourcesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/**
 * The exported names that a file defines. A re-export is not a definition.
 *
 * @param {string} source
 */
function definedIn(source) {
  const imported = new Set(
    [...source.matchAll(/^import ([^;'"]*) from /gm)].flatMap(([, names]) => names.match(/[\w$]+/g) ?? []),
  );
  const namesOf = (list, separator) =>
    list
      .replaceAll(/\/\/.*$|\/\*.*?\*\//gm, '')
      .split(',')
      .map((part) =>
        part
          .trim()
          .replace(/^type /, '')
          .split(separator),
      )
      .filter(([local]) => local !== '' && !imported.has(local))
      .map((parts) => parts.at(-1).replace(/^\.\.\.| = .*$/g, ''));
  return [
    ...[...source.matchAll(declared)].map(([, name]) => name),
    ...[...source.matchAll(destructured)].flatMap(([, list]) => namesOf(list, ': ')),
    ...[...source.matchAll(listed)].flatMap(([, list]) => namesOf(list, ' as ')),
  ];
}
