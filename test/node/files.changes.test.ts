/** Claims about creating, deleting and renaming shared files, and about files that are unlike others. */
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import {
  coherentFiles,
  FileBusyError,
  FileConflictError,
  FileRefusedError,
  type CoherentFiles,
  type FileAgent,
} from '../../src/node/index.ts';

let root: string;
let files: CoherentFiles;
let agent: FileAgent;
const at = (path: string) => join(root, path);
const onDisk = (path: string) => readFileSync(at(path), 'utf8');
const append = (text: string) => `${text}more\n`;
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-changes-')));
  writeFileSync(at('plan.md'), '# Plan\n');
  files = await coherentFiles(root, ['**/*.md'], { settleMs: 1 });
  agent = files.agent('agent');
});
afterEach(async () => {
  await files.close();
  const left = readdirSync(root, { recursive: true }).filter((name) => String(name).endsWith('.tmp'));
  if (left.length > 0) throw new Error(`temporary files are left: ${left.join(', ')}`);
  rmSync(root, { recursive: true, force: true });
});

describe('creating', () => {
  test('a created file is shared, with the folders it is in', async () => {
    await agent.create('notes/today/a.md', 'one\n');
    expect([files.paths, onDisk('notes/today/a.md')]).toEqual([['notes/today/a.md', 'plan.md'], 'one\n']);
    expect(statSync(at('notes/today/a.md')).mode & 0o777).toBe(0o666 & ~process.umask());
    expect(await files.agent('other').write('notes/today/a.md', append)).toBe('one\nmore\n');
  });
  test('of twenty agents that create one file, one succeeds, and the others get a conflict', async () => {
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => files.agent(`a${i}`).create('new.md', `${i}\n`)),
    );
    const failed = made.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(failed.length).toBe(19);
    for (const error of failed) expect(error).toMatchObject({ name: 'FileConflictError', reason: 'exists' });
    const winner = made.findIndex(({ status }) => status === 'fulfilled');
    expect(onDisk('new.md')).toBe(`${winner}\n`);
  });
  test('nothing is created outside the patterns, behind a link, or after an abort', async () => {
    mkdirSync(at('real'));
    symlinkSync(at('real'), at('link'));
    await expect(agent.create('new.txt', 'x')).rejects.toThrow('is not shared');
    await expect(agent.create('../new.md', 'x')).rejects.toThrow('is not shared');
    await expect(agent.create('link/new.md', 'x')).rejects.toThrow('behind a link');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(agent.create('new.md', 'x', { signal })).rejects.toThrow('enough');
    await expect(agent.create('new.md', '\ud800')).rejects.toThrow('no UTF-8');
    expect([existsSync(at('new.md')), readdirSync(at('real'))]).toEqual([false, []]);
  });
});

describe('deleting and renaming', () => {
  test('a file is deleted if the agent has read what it says', async () => {
    await expect(agent.delete('plan.md')).rejects.toMatchObject({ reason: 'unread', actual: '# Plan\n' });
    await agent.read('plan.md');
    writeFileSync(at('plan.md'), 'an edit\n');
    await expect(agent.delete('plan.md')).rejects.toMatchObject({ reason: 'changed', expected: '# Plan\n' });
    expect(onDisk('plan.md')).toBe('an edit\n');
    await agent.read('plan.md');
    await agent.delete('plan.md');
    expect([files.paths, existsSync(at('plan.md'))]).toEqual([[], false]);
    await expect(agent.read('plan.md')).rejects.toThrow('is gone');
    await agent.create('plan.md', 'again\n');
    expect(await agent.read('plan.md')).toBe('again\n');
  });
  test('a renamed file keeps its text and its mode, and what the agent has read of it', async () => {
    chmodSync(at('plan.md'), 0o640);
    await agent.read('plan.md');
    await agent.rename('plan.md', 'old/plan.md');
    expect(files.paths).toEqual(['old/plan.md']);
    expect(statSync(at('old/plan.md')).mode & 0o777).toBe(0o640);
    expect(await agent.write('old/plan.md', 'next\n')).toBe('next\n');
  });
  test('a rename never overwrites a file', async () => {
    writeFileSync(at('b.md'), 'b\n');
    await expect(agent.rename('plan.md', 'b.md')).rejects.toMatchObject({ path: 'b.md', reason: 'exists' });
    await expect(agent.rename('plan.md', 'plan.md')).rejects.toThrow(FileConflictError);
    await expect(agent.rename('plan.md', 'plan.txt')).rejects.toThrow('is not shared');
    expect([onDisk('plan.md'), onDisk('b.md')]).toEqual(['# Plan\n', 'b\n']);
  });
});

describe('what is not a plain text file', () => {
  beforeEach(() => {
    mkdirSync(at('folder.md'));
    mkdirSync(at('empty'));
    mkdirSync(at('drafts/deep'), { recursive: true });
    symlinkSync(at('plan.md'), at('link.md'));
    writeFileSync(at('binary.md'), Buffer.from([1, 0, 2]));
    writeFileSync(at('latin.md'), Buffer.from([0x66, 0xfc, 0x72]));
    writeFileSync(at('large.md'), 'x'.repeat(101));
    writeFileSync(at('drafts/deep/a.md'), '');
    writeFileSync(at('drafts/b.md'), '');
  });
  test('is skipped with a reason, and the rest is shared', async () => {
    await using some = await coherentFiles(root, ['**/*.md'], { maxBytes: 100, settleMs: 1 });
    expect(some.paths).toEqual(['drafts/b.md', 'drafts/deep/a.md', 'plan.md']);
    expect(some.skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'binary.md', why: 'is binary; only text can be shared.' },
      { path: 'folder.md', why: 'is a folder.' },
      { path: 'large.md', why: 'has 101 bytes, more than 100; raise maxBytes.' },
      { path: 'latin.md', why: 'is not UTF-8; only text can be shared.' },
      { path: 'link.md', why: 'is a link; links are not followed.' },
    ]);
    writeFileSync(at('binary.md'), 'text now\n');
    expect(await some.agent('a').read('binary.md')).toBe('text now\n');
    await some.refresh();
    expect(some.skipped.map(({ path }) => path)).not.toContain('binary.md');
  });
  test.each([
    [['drafts'], ['plan.md']],
    [['drafts/**'], ['plan.md']],
    [['**/deep'], ['drafts/b.md', 'plan.md']],
    [['drafts/*.md', './plan.md'], ['drafts/deep/a.md']],
  ])('exclude: %j', async (exclude, paths) => {
    await using some = await coherentFiles(root, ['./**/*.md'], { exclude, settleMs: 1, maxBytes: 100 });
    expect(some.paths).toEqual(paths);
    const [one] = ['drafts/deep/a.md', 'plan.md'].filter((path) => !paths.includes(path));
    await expect(some.agent('a').read(one ?? 'none')).rejects.toThrow('is not shared');
  });
});

test('a file that appears later, and matches, is shared', async () => {
  writeFileSync(at('later.md'), 'later\n');
  expect(await agent.read('./later.md')).toBe('later\n');
  expect(files.paths).toEqual(['later.md', 'plan.md']);
  await using none = await coherentFiles(root, ['notes/*.md'], { allowEmpty: true });
  await none.agent('a').create('notes/first.md', '1');
  expect([none.paths, none.skipped]).toEqual([['notes/first.md'], []]);
});

test('names that JavaScript treats in a special way are names like others', async () => {
  for (const name of ['__proto__', 'constructor', 'toString']) writeFileSync(at(name), name);
  await using some = await coherentFiles(root, ['*'], { settleMs: 1 });
  expect(some.paths).toEqual(['__proto__', 'constructor', 'plan.md', 'toString']);
  for (const name of ['__proto__', 'constructor']) {
    await some.agent('a').write(name, append);
    expect(onDisk(name)).toBe(`${name}more\n`);
  }
});

test('a read-only file and a file with a second name can be read, and are never written', async () => {
  chmodSync(at('plan.md'), 0o444);
  writeFileSync(at('twin.md'), 'twin\n');
  linkSync(at('twin.md'), at('twin.txt'));
  for (const [path, why] of [
    ['plan.md', 'read-only'],
    ['twin.md', '2 names'],
  ] as const) {
    const text = await agent.read(path);
    await expect(agent.write(path, append)).rejects.toThrow(why);
    await expect(agent.write(path, 'whole\n')).rejects.toThrow(FileRefusedError);
    await expect(agent.delete(path)).rejects.toThrow(why);
    await expect(agent.rename(path, 'new.md')).rejects.toThrow(why);
    expect(onDisk(path)).toBe(text);
  }
  expect(onDisk('twin.txt')).toBe('twin\n');
});

test('a byte order mark, line ends and the mode stay as they are', async () => {
  const text = '\ufeffone\r\ntwo\nthree\r\n';
  writeFileSync(at('plan.md'), text);
  chmodSync(at('plan.md'), 0o755);
  expect(await agent.read('plan.md')).toBe(text);
  await agent.write('plan.md', (text) => `${text}four\r\n`);
  expect([onDisk('plan.md'), statSync(at('plan.md')).mode & 0o777]).toEqual([`${text}four\r\n`, 0o755]);
});

test('temporary files of an ended process are removed, also the second name of a file it was creating', async () => {
  const name = `.tutti-${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}.tmp`;
  linkSync(at('plan.md'), at(name)); // killed between giving the file its name and removing the temporary one
  await expect(agent.read(name)).rejects.toThrow('is not shared');
  expect(await agent.write('plan.md', append)).toBe('# Plan\nmore\n');
  expect(readdirSync(root)).toEqual(['plan.md']);
});

test('two tool calls of one agent that read, think and write whole texts do not overwrite each other', async () => {
  const call = async (line: string) => {
    const text = await agent.read('plan.md');
    await new Promise((done) => setImmediate(done));
    return agent.write('plan.md', `${text}${line}\n`);
  };
  const calls = await Promise.allSettled([call('one'), call('two')]);
  expect(calls.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const [text = ''] = calls.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(onDisk('plan.md')).toBe(text);

  const seen = [await agent.read('plan.md'), await agent.read('plan.md')];
  await agent.write('plan.md', `${seen[0]}three\n`);
  await expect(agent.write('plan.md', `${seen[1]}four\n`)).rejects.toMatchObject({ reason: 'changed' });
  await agent.compareAndSet('plan.md', `${text}three\n`, `${text}three\nfour\n`);
  expect(onDisk('plan.md')).toBe(`${text}three\nfour\n`);
});

test('a text that was written in place a moment ago does not count as whole yet; one moved into place does', async () => {
  await files.close();
  files = await coherentFiles(root, ['*.md'], { settleMs: 10_000, waitMs: 30 });
  agent = files.agent('agent');
  writeFileSync(at('plan.md'), 'half');
  await expect(agent.read('plan.md')).rejects.toThrow(FileBusyError);
  await expect(agent.write('plan.md', append)).rejects.toThrow('is being written by another program');
  writeFileSync(at('new'), 'whole\n');
  utimesSync(at('new'), 1_000, 1_000); // as a program that sets the times, or moves the file, leaves it
  renameSync(at('new'), at('plan.md'));
  expect(await agent.write('plan.md', append)).toBe('whole\nmore\n');
  expect(await agent.read('plan.md')).toBe('whole\nmore\n');
});

test('closing waits for a write that is under way, and ends what is waiting', async () => {
  const writing = Promise.allSettled([files.agent('a').write('plan.md', append)]);
  await files.close();
  const [outcome] = await writing;
  expect(onDisk('plan.md')).toBe(outcome.status === 'fulfilled' ? '# Plan\nmore\n' : '# Plan\n');
  await expect(agent.read('plan.md')).rejects.toThrow('no longer shared');
  expect(() => files.agent('b')).toThrow('no longer shared');
});

test('a folder is shared once on each bus; a bus that is closed takes no write away', async () => {
  const bus = createBus();
  const first = await coherentFiles(root, ['*.md'], { bus });
  await expect(coherentFiles(root, ['*.md'], { bus })).rejects.toThrow('is shared on this bus already');
  await first.agent('a').write('plan.md', append);
  await bus.close();
  expect(await first.agent('a').write('plan.md', append)).toBe('# Plan\nmore\nmore\n');
  expect(first.busError).toBeInstanceOf(Error);
  await first.close();
  await using second = await coherentFiles(root, ['*.md'], { bus: createBus() });
  expect(second.busError).toBeUndefined();
});
