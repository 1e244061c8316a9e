/** Claims about the last moment of a write: a foreign program that writes between the comparison with the disk and the
 *  exchange of the files loses nothing, and a file system that cannot exchange files still gets whole texts. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { coherentFiles, FileConflictError, type CoherentFiles } from '../../src/node/index.ts';

/** Called with the path of the file right before it is exchanged. */
let beforeExchange: ((full: string) => void | Promise<void>) | undefined;
vi.mock('fs-native-extensions', async (original) => {
  const { default: real } = await original<typeof import('fs-native-extensions')>();
  const swap = async (from: string, to: string) => {
    await beforeExchange?.(to);
    await real.swap(from, to);
  };
  return { default: { ...real, swap } };
});

let root: string;
let files: CoherentFiles;
const onDisk = () => readFileSync(join(root, 'a.md'), 'utf8');
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'tutti-exchange-'));
  writeFileSync(join(root, 'a.md'), 'old\n');
  files = await coherentFiles(root, ['*.md'], { settleMs: 1 });
});
afterEach(async () => {
  beforeExchange = undefined;
  await files.close();
  rmSync(root, { recursive: true, force: true });
});
const appendMine = () => files.agent('agent').write('a.md', (text) => `${text}mine\n`);
const inPlace = (full: string, text: string) => writeFileSync(full, text);
const moved = (full: string, text: string) => {
  writeFileSync(`${full}.new`, text);
  renameSync(`${full}.new`, full);
};
/** The first exchanges of a write, before each of which another program does this. */
const foreign = (write: (full: string, text: string) => void, times: number) => {
  let calls = 0;
  beforeExchange = (full) => {
    // Every second exchange takes back the one before it.
    if (calls++ % 2 === 0 && calls <= times * 2) write(full, `foreign ${calls}\n`);
  };
};

test.each([
  ['written in place', inPlace],
  ['moved into place', moved],
])('a foreign text that is %s at the last moment is kept, and the function runs again', async (_, write) => {
  foreign(write, 1);
  expect(await appendMine()).toBe('foreign 1\nmine\n');
  expect(onDisk()).toBe('foreign 1\nmine\n');
  expect(readdirSync(root)).toEqual(['a.md']);
});

test('a whole text does not replace a foreign text of the last moment', async () => {
  const agent = files.agent('agent');
  await agent.read('a.md');
  foreign(moved, 1);
  await expect(agent.write('a.md', 'whole\n')).rejects.toMatchObject({
    reason: 'changed',
    expected: 'old\n',
  });
  expect(onDisk()).toBe('foreign 1\n');
});

test('a write gives up when a foreign program comes in between every time, and the foreign text stays', async () => {
  foreign(inPlace, 1_000);
  await expect(appendMine()).rejects.toThrow(FileConflictError);
  expect(onDisk()).toBe('foreign 9\n');
  expect(readdirSync(root)).toEqual(['a.md']);
});

test('a file that is deleted at the last moment stays deleted', async () => {
  beforeExchange = (full) => unlinkSync(full);
  await expect(appendMine()).rejects.toThrow('is gone');
  expect(readdirSync(root)).toEqual([]);
});

test('where files cannot be exchanged the new text is moved over the old one', async () => {
  beforeExchange = () => {
    throw Object.assign(new Error('not supported'), { code: 'EINVAL' });
  };
  let calls = 0;
  const write = files.agent('agent').write('a.md', (text) => {
    if (++calls === 1) moved(join(root, 'a.md'), 'meanwhile\n');
    return `${text}mine\n`;
  });
  expect(await write).toBe('meanwhile\nmine\n');
  expect([calls, onDisk(), readdirSync(root)]).toEqual([2, 'meanwhile\nmine\n', ['a.md']]);
});

test('a process that opens the folder does not remove a temporary file that is in use', async () => {
  beforeExchange = async () => (await coherentFiles(root, ['*.md'])).close();
  expect(await appendMine()).toBe('old\nmine\n');
  expect([onDisk(), readdirSync(root)]).toEqual(['old\nmine\n', ['a.md']]);
});

test('another failure of the exchange is reported, and nothing has changed', async () => {
  beforeExchange = () => {
    throw Object.assign(new Error('disk on fire'), { code: 'EIO' });
  };
  await expect(appendMine()).rejects.toThrow('a.md: cannot be written: disk on fire');
  expect([onDisk(), readdirSync(root)]).toEqual(['old\n', ['a.md']]);
});

test('an abort before the exchange changes nothing; after it the write is reported as done', async () => {
  const controller = new AbortController();
  beforeExchange = () => controller.abort();
  const { signal } = controller;
  expect(await files.agent('a').write('a.md', (text) => `${text}one\n`, { signal })).toBe('old\none\n');
  const second = new AbortController();
  const aborting = (text: string) => {
    second.abort(new Error('enough'));
    return `${text}two\n`;
  };
  await expect(files.agent('a').write('a.md', aborting, { signal: second.signal })).rejects.toThrow('enough');
  expect(onDisk()).toBe('old\none\n');
});

test('closing waits for a write that can no longer be stopped', async () => {
  const order: string[] = [];
  let closed: Promise<unknown> | undefined;
  beforeExchange = async () => {
    closed = files.close().then(() => order.push('closed'));
    await new Promise((done) => setTimeout(done, 20));
  };
  await appendMine().then(() => order.push('written'));
  await closed;
  expect([order, onDisk()]).toEqual([['written', 'closed'], 'old\nmine\n']);
});
