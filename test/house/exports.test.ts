/** Every subpath names what it exports, exports little, and a guide or an example uses each value. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { exports } = JSON.parse(read('package.json')) as {
  exports: Record<string, string | { default: string }>;
};
const indexes = Object.entries(exports).flatMap(([subpath, target]): [string, string][] =>
  typeof target === 'string'
    ? []
    : [[subpath, target.default.replace('./dist/', '').replace(/\.js$/, '.ts')]],
);

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(md|ts|yaml)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
const guides = ['docs/guides', 'docs/examples']
  .flatMap(filesIn)
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

/** The names of an index; those of types begin with `type `. */
function namesOf(index: string): string[] {
  const source = read(index);
  return [...source.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, type = '', list = '']) =>
    list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => (name.startsWith('type ') ? '' : type) + name.replace(/^(type )?[\w$]+ as /, '$1')),
  );
}

test.each(indexes)('%s names each of its exports', (_, index) => {
  expect(read(index)).not.toMatch(/export \*/);
  expect(namesOf(index)).not.toEqual([]);
});

test.each(indexes)('%s exports at most 40 names at the root, 30 elsewhere', (subpath, index) => {
  expect(namesOf(index).length).toBeLessThanOrEqual(subpath === '.' ? 40 : 30);
});

test.each(indexes)('each value of %s stands in a guide or an example', (_, index) => {
  const values = namesOf(index).filter((name) => !name.startsWith('type '));
  expect(values.filter((name) => !new RegExp(`\\b${name}\\b`).test(guides))).toEqual([]);
});
