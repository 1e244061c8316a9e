/** Claims about the built package: what an entry point loads, and what an older Node.js says. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../scripts/build.js';

const root = join(import.meta.dirname, '../..');
// Below node_modules, so that the bundle's own imports are found.
const installed = join(root, `node_modules/.tutti-build-${process.pid}`);
const dir = join(installed, 'dist');
beforeAll(async () => {
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(root, 'package.json'), join(installed, 'package.json'));
  await bundle(dir);
}, 120_000);
afterAll(() => rmSync(installed, { recursive: true }));

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { default?: string }>;
};
const entries = Object.entries(exports).flatMap(([name, { default: file }]) =>
  file === undefined ? [] : [{ name: name.replace('.', 'tutti'), file: file.replace('./dist', dir) }],
);

/** Imports a file in a new process, after `first` has run there, and returns what was written to standard output. */
function imported(file: string, first: string): string {
  const hooks = `data:text/javascript,${encodeURIComponent(first)}`;
  const code = `await import(${JSON.stringify(file)}).catch(({ message }) => console.log(message));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [`--import=${hooks}`, '--input-type=module', '-e', code],
    { cwd: root, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return stdout;
}
const LIST = `
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });`;
const pretend = (version: string) =>
  `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;

describe.each(entries)('$name', ({ file }) => {
  test.each(['20.20.2', '22.11.0'])('on Node.js %s says which version it needs', (version) => {
    const said = imported(file, pretend(version));
    expect(said).toContain(`needs Node.js 22.12 or newer; this is ${version}.`);
    expect(said.trim().split('\n')).toHaveLength(1);
  });

  test('loads no index of rxjs, no zod beside the one in the bundle, and no command', () => {
    const loaded = imported(file, LIST).trim().split('\n');
    expect(loaded).toContain(`file://${file}`);
    expect(loaded.filter((url) => /rxjs\/dist\/cjs\/index|node_modules\/zod\/|src\/cli\//.test(url))).toEqual(
      [],
    );
  });
});

test('on the oldest Node.js that is supported nothing is refused', () => {
  expect(imported(entries[0]!.file, pretend('22.12.0'))).toBe('');
});

test('`tutti --help` loads commander, and no command', () => {
  const main = join(dir, 'src/cli/main.js');
  const hooks = `data:text/javascript,${encodeURIComponent(LIST.replace('console.log', 'console.error'))}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, [`--import=${hooks}`, main, '--help'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect([status, stdout.includes('perform [options] <score>')]).toEqual([0, true]);
  const packages = stderr
    .split('\n')
    .flatMap((url) => /^file:.*node_modules\/([^./][^/]*)/.exec(url)?.[1] ?? []);
  expect([...new Set(packages)]).toEqual(['commander']);
  const chunks = stderr.split('\n').filter((url) => url.includes('/chunks/'));
  expect(chunks.filter((url) => /verify|perform|score|replica|orchestrator/.test(url))).toEqual([]);
});

test('the API pages cover every entry point', () => {
  const { entryPoints } = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8')) as {
    entryPoints: string[];
  };
  const sources = entries.map(({ file }) => file.replace(`${dir}/`, '').replace(/js$/, 'ts'));
  expect(entryPoints.toSorted()).toEqual(sources.toSorted());
});
