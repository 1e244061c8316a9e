/** What shared files promise, measured with real processes. Run: `node test/bench/files.ts`.
 *
 *  1. Two and four processes append to one file: acknowledged lines that are not in the file.
 *  2. The same while processes are killed at random moments.
 *  3. Foreign programs write the file beside two agents: lines of theirs that a write of an agent removed. */
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { coherentFiles } from '../../src/node/index.ts';
import { start, type Child } from '../node/files.processes.ts';

const APPENDS = 300;
const KILLS = 40;
const SAVES = 200;

async function inFolder<T>(work: (root: string) => Promise<T>): Promise<T> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-bench-')));
  writeFileSync(join(root, 'a.md'), '');
  try {
    return await work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
const linesOf = (root: string) => readFileSync(join(root, 'a.md'), 'utf8').split('\n').slice(0, -1);
const lost = (root: string, acknowledged: readonly string[]) => {
  const lines = new Set(linesOf(root));
  return acknowledged.filter((line) => !lines.has(line)).length;
};
const share = (part: number, all: number) => `${part} of ${all} (${((100 * part) / all).toFixed(1)} %)`;

async function appends(processes: number): Promise<string> {
  return inFolder(async (root) => {
    const began = performance.now();
    const children = Array.from({ length: processes }, (_, i) => start('append', root, `p${i}`, APPENDS));
    await Promise.all(children.map(({ ended }) => ended));
    const ms = performance.now() - began;
    const acknowledged = children.flatMap(({ lines }) => lines());
    return `lost ${share(lost(root, acknowledged), acknowledged.length)}; ${(ms / acknowledged.length).toFixed(1)} ms for each write, start included`;
  });
}

async function kills(): Promise<string> {
  return inFolder(async (root) => {
    const acknowledged: string[] = [];
    let next = 0;
    const begin = () => start('append', root, `k${next++}`, 1_000_000);
    const running: Child[] = Array.from({ length: 4 }, begin);
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = running.shift() as Child;
      const lines = 1 + Math.floor(Math.random() * 20);
      while (victim.lines().length < lines) await delay(1);
      victim.kill();
      await victim.ended;
      acknowledged.push(...victim.lines());
      running.push(begin());
    }
    for (const child of running) child.kill();
    await Promise.all(running.map(({ ended }) => ended));
    acknowledged.push(...running.flatMap(({ lines }) => lines()));
    const left = readdirSync(root).length - 1;
    await (await coherentFiles(root, ['*.md'])).close();
    const after = readdirSync(root).length - 1;
    return `lost ${share(lost(root, acknowledged), acknowledged.length)}; temporary files left ${left}, after the next process ${after}`;
  });
}

async function foreign(job: 'saves' | 'appends'): Promise<string> {
  return inFolder(async (root) => {
    const agents = ['x', 'y'].map((name) => start('append', root, name, 1_000_000));
    for (const agent of agents) while (agent.lines().length === 0) await delay(5);
    const editor = start(job, root, 'editor', SAVES);
    await editor.ended;
    for (const agent of agents) agent.kill();
    await Promise.all(agents.map(({ ended }) => ended));
    const said = editor.lines();
    const written = agents.reduce((sum, { lines }) => sum + lines().length, 0);
    const foreignLost = said.filter((line) => line.endsWith(' lost')).length;
    const agentsLost = lost(
      root,
      agents.flatMap(({ lines }) => lines()),
    );
    return `lost ${share(foreignLost, said.length)}; of the agents' lines it overwrote ${share(agentsLost, written)}`;
  });
}

/** An agent writes in the middle of a foreign write that pauses. */
async function slowly(pauseMs: number, settleMs: number): Promise<string> {
  const [runs, pieces] = [5, 6];
  let kept = 0;
  for (let run = 0; run < runs; run++)
    kept += await inFolder(async (root) => {
      await using files = await coherentFiles(root, ['*.md'], { settleMs });
      const writer = start('slowly', root, String(pauseMs), pieces);
      while (linesOf(root).length === 0) await delay(5);
      await files.agent('agent').write('a.md', (text) => `${text}mine\n`);
      await writer.ended;
      return linesOf(root).filter((line) => line.startsWith('piece-')).length;
    });
  return `lost ${share(runs * pieces - kept, runs * pieces)}`;
}

const rows: readonly (readonly [string, () => Promise<string>])[] = [
  [`2 processes, ${APPENDS} appends each`, () => appends(2)],
  [`4 processes, ${APPENDS} appends each`, () => appends(4)],
  [`4 processes, ${KILLS} times one is killed`, kills],
  ['a foreign program appends in place', () => foreign('appends')],
  ['a foreign program saves by moving a file into place', () => foreign('saves')],
  ['a foreign program writes in pieces, pauses of 20 ms', () => slowly(20, 100)],
  ['a foreign program writes in pieces, pauses of 500 ms', () => slowly(500, 100)],
];
for (const [what, measure] of rows) console.log(`${what.padEnd(56)}${await measure()}`);
