/** Claims: names and patterns that mean something else on Windows are replaced or refused. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fileNameOf } from '../../src/cli/out.ts';
import { coherentFiles } from '../../src/node/index.ts';

it('an output whose name has a colon or is a device gets a name that Windows can write', () => {
  expect(fileNameOf('notes:hidden', '.txt', 'win32')).toBe('notes_hidden.txt');
  expect(fileNameOf('what?*', '.json', 'win32')).toBe('what__.json');
  expect(fileNameOf('CON', '.txt', 'win32')).toBe('_CON.txt');
  expect(fileNameOf('com1.md', '.txt', 'win32')).toBe('_com1.md');
  expect(fileNameOf('console', '.txt', 'win32')).toBe('console.txt');
  expect(fileNameOf('notes:hidden', '.txt', 'linux')).toBe('notes:hidden.txt');
});

it('no output name leads out of the folder, on any system', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('win32', 'linux' as const), (name, platform) => {
      const file = fileNameOf(name, '.txt', platform);
      expect(file).not.toMatch(platform === 'win32' ? /[\\/:]|^\.*$/ : /\/|^\.*$/);
    }),
  );
});

it.each(['C:/elsewhere/**', '\\\\host\\share\\**', '/etc/**', 'a/../../b'])(
  'coherentFiles refuses the pattern %s',
  async (pattern) => {
    const root = await mkdtemp(join(tmpdir(), 'tutti-'));
    try {
      await expect(coherentFiles(root, [pattern])).rejects.toThrow('leads outside the root');
    } finally {
      await rm(root, { recursive: true });
    }
  },
);
