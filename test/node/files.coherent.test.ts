/** Claims about files that agents share: no edit is lost, whichever program made it, and a file that cannot be shared is
 *  refused, with nothing changed and nothing left behind. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  coherentFiles,
  FileConflictError,
  FileRefusedError,
  type CoherentFiles,
} from '../../src/node/index.ts';

let root: string;
let files: CoherentFiles;
const at = (path: string) => join(root, path);
const onDisk = (path: string) => readFileSync(at(path), 'utf8');
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-files-')));
  mkdirSync(at('docs'));
  writeFileSync(at('docs/plan.md'), '# Plan\n');
  writeFileSync(at('docs/notes.md'), 'notes\n');
  files = await coherentFiles(root, ['docs/*.md']);
});
afterEach(async () => {
  await files.close();
  rmSync(root, { recursive: true, force: true });
});
/** Nothing but the two files: no temporary one was left. */
const tidy = () => expect(readdirSync(at('docs')).filter((name) => name.startsWith('.'))).toEqual([]);

test('twenty agents that append at once lose nothing', async () => {
  const agents = Array.from({ length: 20 }, (_, i) => files.agent(`agent-${i}`));
  await Promise.all(agents.map((agent, i) => agent.write('docs/plan.md', (text) => `${text}- step ${i}\n`)));
  const lines = onDisk('docs/plan.md').trim().split('\n').slice(1).sort();
  expect(lines).toEqual(agents.map((_, i) => `- step ${i}`).sort());
  tidy();
});

test('a whole text from a stale view is refused, with what is there; read again, it is written', async () => {
  const [one, two] = [files.agent('one'), files.agent('two')];
  await one.read('docs/plan.md');
  await two.write('docs/plan.md', (text) => `${text}two\n`);
  const stale = one.write('docs/plan.md', 'one\n');
  await expect(stale).rejects.toMatchObject({
    name: 'FileConflictError',
    expected: '# Plan\n',
    actual: '# Plan\ntwo\n',
  });
  expect(onDisk('docs/plan.md')).toBe('# Plan\ntwo\n');
  expect(await one.read('docs/plan.md')).toBe('# Plan\ntwo\n');
  await one.write('docs/plan.md', 'one\n');
  expect([onDisk('docs/plan.md'), await two.read('docs/plan.md')]).toEqual(['one\n', 'one\n']);
});

test('an edit from outside is read, and never overwritten', async () => {
  const agent = files.agent('agent');
  await agent.read('docs/plan.md');
  writeFileSync(at('docs/plan.md'), 'by an editor\n');
  await expect(agent.write('docs/plan.md', 'by the agent\n')).rejects.toThrow(FileConflictError);
  expect(onDisk('docs/plan.md')).toBe('by an editor\n');
  await agent.write('docs/plan.md', (text) => `${text}and the agent\n`);
  expect(await files.agent('other').read('docs/plan.md')).toBe('by an editor\nand the agent\n');
});

test('an edit from outside while a function computes makes it compute again', async () => {
  let calls = 0;
  await files.agent('agent').write('docs/plan.md', (text) => {
    if (++calls === 1) writeFileSync(at('docs/plan.md'), 'meanwhile\n');
    return `${text}agent\n`;
  });
  expect([calls, onDisk('docs/plan.md')]).toEqual([2, 'meanwhile\nagent\n']);
  let always = 0;
  const never = files.agent('agent').write('docs/plan.md', (text) => {
    writeFileSync(at('docs/plan.md'), `again ${++always}\n`);
    return `${text}agent\n`;
  });
  await expect(never).rejects.toThrow(FileConflictError);
  expect(onDisk('docs/plan.md')).toBe(`again ${always}\n`);
  tidy();
});

test('compareAndSet writes only what it expects; a file keeps its mode', async () => {
  const agent = files.agent('agent');
  chmodSync(at('docs/plan.md'), 0o666);
  await expect(agent.compareAndSet('docs/plan.md', 'something else', 'x')).rejects.toThrow(FileConflictError);
  await agent.compareAndSet('docs/plan.md', '# Plan\n', 'x\n');
  expect([onDisk('docs/plan.md'), statSync(at('docs/plan.md')).mode & 0o777]).toEqual(['x\n', 0o666]);
});

describe('refused, with nothing changed and nothing held', () => {
  const cases: [string, () => void, RegExp][] = [
    ['a deleted file', () => rmSync(at('docs/plan.md')), /is gone/],
    ['a link swapped in', () => (rmSync(at('docs/plan.md')), symlinkSync(at('docs/notes.md'), at('docs/plan.md'))), /is a link/],
    ['a folder swapped for a link', () => {
      mkdirSync(at('elsewhere'));
      writeFileSync(at('elsewhere/plan.md'), 'outside\n');
      rmSync(at('docs'), { recursive: true });
      symlinkSync(at('elsewhere'), at('docs'));
    }, /behind a link/],
    ['a folder in its place', () => (rmSync(at('docs/plan.md')), mkdirSync(at('docs/plan.md'))), /not a plain file/],
    ['a binary file', () => writeFileSync(at('docs/plan.md'), Buffer.from([1, 0, 2])), /binary/],
    ['another encoding', () => writeFileSync(at('docs/plan.md'), Buffer.from([0xff, 0xfe, 0x41])), /UTF-8/],
    ['a file that has grown too big', () => writeFileSync(at('docs/plan.md'), 'x'.repeat(2 ** 20 + 1)), /raise maxBytes/],
  ]; // prettier-ignore
  test.each(cases)('%s', async (_, spoil, why) => {
    const agent = files.agent('agent');
    spoil();
    await expect(agent.write('docs/plan.md', (text) => `${text}more`)).rejects.toThrow(why);
    await expect(agent.read('docs/plan.md')).rejects.toThrow(FileRefusedError);
  });

  test('what is not shared, is outside, or matches nothing', async () => {
    const agent = files.agent('agent');
    await expect(agent.read('../etc/passwd')).rejects.toThrow(
      'is not shared. Shared is what matches docs/*.md',
    );
    await expect(coherentFiles(root, ['../*.md'])).rejects.toThrow('outside the root');
    await expect(coherentFiles(root, ['/etc/*'])).rejects.toThrow('outside the root');
    await expect(coherentFiles(root, ['*.none'])).rejects.toThrow('no file matches');
    await expect(coherentFiles(join(root, 'none'), ['*'])).rejects.toThrow('no such folder');
    await expect(coherentFiles(root, ['docs/*.md'], { maxByte: 10 } as never)).rejects.toThrow('maxByte');
    await expect(coherentFiles(root, ['docs/*.md'], { settleMs: -1 })).rejects.toThrow('settleMs');
  });

  test('a function that throws, or returns no text, and an aborted write', async () => {
    const agent = files.agent('agent');
    const broken = () => {
      throw new Error('no idea');
    };
    await expect(agent.write('docs/plan.md', broken)).rejects.toThrow('no idea');
    await expect(agent.write('docs/plan.md', () => 7 as never)).rejects.toThrow('returned no text');
    const gone = { signal: AbortSignal.abort(new Error('enough')) };
    await expect(agent.write('docs/plan.md', (text) => text, gone)).rejects.toThrow('enough');
    expect(onDisk('docs/plan.md')).toBe('# Plan\n');
    await files.agent('next').write('docs/plan.md', (text) => `${text}fine\n`); // nothing is held
    tidy();
  });
});
