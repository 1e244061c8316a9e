/** Claims about files that several processes share. Real processes; no verdict depends on how fast they are. */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coherentFiles, FileBusyError } from '../../src/node/index.ts';
import { start, type Child } from './files.processes.ts';

let root: string;
let children: Child[] = [];
const run = (...args: Parameters<typeof start>): Child => {
  const child = start(...args);
  children.push(child);
  return child;
};
const onDisk = () => readFileSync(join(root, 'a.md'), 'utf8');
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-processes-')));
  writeFileSync(join(root, 'a.md'), '');
});
afterEach(async () => {
  for (const child of children) child.kill();
  await Promise.all(children.map(({ ended }) => ended));
  children = [];
  rmSync(root, { recursive: true, force: true });
});

test('three processes that append to one file keep every line, once and whole', async () => {
  const all = ['p', 'q', 'r'].map((name) => run('append', root, name, 40));
  const ends = await Promise.all(all.map(({ ended }) => ended));
  expect(ends).toEqual(all.map(() => ({ code: 0, stderr: '' })));
  const wanted = ['p', 'q', 'r'].flatMap((name) => Array.from({ length: 40 }, (_, i) => `${name}-${i}`));
  expect(onDisk().trim().split('\n').sort()).toEqual(wanted.sort());
  expect(readdirSync(root)).toEqual(['a.md']);
});

test('processes that are killed lose nothing they acknowledged, and their temporary files are removed', async () => {
  const acknowledged: string[] = [];
  const survivor = run('append', root, 'survivor', 60);
  for (let round = 0; round < 3; round++) {
    const victims = ['v', 'w'].map((name) => run('append', root, `${name}${round}`, 1_000_000));
    await Promise.all(victims.map((victim, i) => victim.printed(`${'vw'[i]}${round}-${round * 2}`)));
    for (const victim of victims) victim.kill();
    await Promise.all(victims.map(({ ended }) => ended));
    acknowledged.push(...victims.flatMap(({ lines }) => lines()));
  }
  expect((await survivor.ended).code).toBe(0);
  acknowledged.push(...survivor.lines());
  const lines = onDisk().trim().split('\n');
  expect(acknowledged.filter((line) => !lines.includes(line))).toEqual([]);
  expect(new Set(lines).size).toBe(lines.length);
  await using files = await coherentFiles(root, ['*.md']); // the next process that uses the folder
  expect([files.paths, readdirSync(root)]).toEqual([['a.md'], ['a.md']]);
});

test('a lock of a running process makes others wait, then refuses them; killing it frees the file', async () => {
  writeFileSync(join(root, 'a.md'), 'begun\n');
  const other = run('hang', root, 'other');
  await other.printed('locked');
  await using hasty = await coherentFiles(root, ['*.md'], { waitMs: 50 });
  const refused = hasty.agent('hasty').write('a.md', (text) => `${text}hasty\n`);
  await expect(refused).rejects.toThrow(FileBusyError);
  await expect(refused).rejects.toThrow('is locked by another process, for more than 50 ms');
  expect(await hasty.agent('hasty').read('a.md')).toBe('begun\n'); // reading needs no lock

  await using patient = await coherentFiles(root, ['*.md']);
  const controller = new AbortController();
  const aborted = patient.agent('a').write('a.md', (text) => `${text}never\n`, { signal: controller.signal });
  const written = patient.agent('b').write('a.md', (text) => `${text}patient\n`);
  controller.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  other.kill();
  expect(await written).toBe('begun\npatient\n');
  expect(onDisk()).toBe('begun\npatient\n');
});

test('a file that a foreign process writes in pieces is read whole, and a write waits for the rest', async () => {
  await using files = await coherentFiles(root, ['*.md'], { settleMs: 1 });
  const download = run('slowly', root, '40', 12); // pauses of 40 ms, much longer than settleMs
  while (onDisk() === '') await new Promise((done) => setTimeout(done, 1));
  const [read, write] = [
    files.agent('reader').read('a.md'),
    files.agent('writer').write('a.md', (text) => `${text}mine\n`),
  ];
  const pieces = Array.from({ length: 12 }, (_, i) => `piece-${i}\n`).join('');
  if (process.platform === 'linux') {
    expect([pieces, `${pieces}mine\n`]).toContain(await read);
    expect(await write).toBe(`${pieces}mine\n`);
  }
  await Promise.all([download.ended, read, write]);
});

test('a file that never rests is refused in the end, and the signal of a read is obeyed', async () => {
  run('slowly', root, '5', 1_000_000);
  await using files = await coherentFiles(root, ['*.md'], { settleMs: 10_000, waitMs: 100 });
  while (onDisk() === '') await new Promise((done) => setTimeout(done, 1));
  const agent = files.agent('agent');
  await expect(agent.read('a.md')).rejects.toThrow('is being written by another program');
  await expect(agent.write('a.md', (text) => text)).rejects.toThrow(FileBusyError);
  const signal = AbortSignal.timeout(1);
  await expect(agent.read('a.md', { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
});
