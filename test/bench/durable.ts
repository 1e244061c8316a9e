/** What durability costs: tutti at both levels, the floor of this disk, and other engines, in rounds that alternate.
 *
 *      node test/bench/durable.ts [--only NAME,…] [--runs N] [--count STEPS] [--json FILE]
 *
 *  `--only tutti` needs no peers. DBOS needs PostgreSQL's server in /usr/lib/postgresql. */
import { execFileSync, fork, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  cpSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installPeers } from './peers.ts';
import { machine, machineLine, sample, spread, table } from './report.ts';
import { SHAPES, type DurableReply, type DurableRequest, type Shape } from './durable-worker.ts';

const PEERS = ['langgraph', 'dbos', 'restate'];
const OWN = ['tutti, not durable', 'tutti, process', 'tutti, power'];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: ['tutti', ...PEERS].join(',') },
    runs: { type: 'string', default: '7' },
    count: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});
const only = values.only.split(',');
const unknown = only.find((name) => !['tutti', ...PEERS].includes(name));
const rounds = Number(values.runs);
const count = Number(values.count);
if (unknown !== undefined || !(rounds >= 1) || !(count >= 1)) {
  process.stderr.write(`durable: known are --only tutti,${PEERS.join(',')}, --runs 1…, --count 1…\n`);
  process.exit(2);
}
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const folderOf = () => mkdtempSync(join(tmpdir(), 'tutti-bench-'));

/** The floor: what one commit of 260 bytes costs here, in µs. */
const floors: Readonly<Record<string, () => number[]>> = {
  'fdatasync of 260 bytes': () => {
    const folder = folderOf();
    const file = openSync(join(folder, 'log'), 'a');
    const times = timed(100, () => {
      writeSync(file, Buffer.alloc(260, 'x'));
      fdatasyncSync(file);
    });
    closeSync(file);
    rmSync(folder, { recursive: true });
    return times;
  },
  'SQLite, insert and commit, process': () => sqliteFloor('NORMAL', 1_000),
  'SQLite, insert and commit, power': () => sqliteFloor('FULL', 100),
};
function sqliteFloor(synchronous: string, times: number): number[] {
  const folder = folderOf();
  const db = new DatabaseSync(join(folder, 'floor.db'));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = ${synchronous}`);
  db.exec('CREATE TABLE log (seq INTEGER PRIMARY KEY, text TEXT)');
  const insert = db.prepare('INSERT INTO log VALUES (NULL, ?)');
  const text = 'x'.repeat(260);
  const measured = timed(times, () => void insert.run(text));
  db.close();
  rmSync(folder, { recursive: true });
  return measured;
}
function timed(times: number, work: () => void): number[] {
  return Array.from({ length: times }, () => {
    const start = performance.now();
    work();
    return (performance.now() - start) * 1_000;
  });
}

/** A contender's process. */
class Contender {
  readonly name: string;
  version = '';
  failure: string | undefined;
  readonly #child: ChildProcess;
  readonly #ready: Promise<DurableReply>;

  constructor(name: string) {
    this.name = name;
    const worker = fileURLToPath(new URL('./durable-worker.ts', import.meta.url));
    this.#child = fork(worker, [name], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#ready = this.#reply();
  }
  async #reply(): Promise<DurableReply> {
    const gone = once(this.#child, 'exit').then(() => ({ kind: 'failed', message: 'its process ended' }));
    const told = once(this.#child, 'message').then(([message]) => message as DurableReply);
    return (await Promise.race([told, gone])) as DurableReply;
  }
  async ready(): Promise<void> {
    const reply = await this.#ready;
    if (reply.kind === 'ready') this.version = reply.version;
    else if (reply.kind === 'failed') this.failure = reply.message;
  }
  /** @returns milliseconds of a run, and of the processor, or undefined when it has failed */
  async round(request: DurableRequest): Promise<{ ms: number; cpuMs: number } | undefined> {
    if (this.failure !== undefined) return undefined;
    const reply = this.#reply();
    this.#child.send(request);
    const answer = await reply;
    if (answer.kind === 'runs') return { ms: sample(answer.ms).median, cpuMs: sample(answer.cpuMs).median };
    this.failure = answer.kind === 'failed' ? answer.message : 'no answer';
    return undefined;
  }
  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

const names = [...(only.includes('tutti') ? OWN : []), ...PEERS.filter((name) => only.includes(name))];
if (names.some((name) => PEERS.includes(name))) installPeers(say, 'durable-peers');
process.stdout.write(
  `# Durable runs\n\n${machineLine(machine())} Medians of ${rounds} rounds (smallest–largest).\n\n`,
);

const crew = names.map((name) => new Contender(name));
const measured = new Map<string, number[]>();
const note = (row: string, column: string, value: number | undefined): void => {
  const key = `${row}|${column}`;
  if (value !== undefined) measured.set(key, [...(measured.get(key) ?? []), value]);
};
const cell = (row: string, column: string): string => {
  const list = measured.get(`${row}|${column}`);
  return list === undefined ? '–' : spread(list);
};
try {
  for (const one of crew) {
    await one.ready();
    say(`${one.name}: ${one.failure ?? 'ready'}`);
    for (const shape of SHAPES) await one.round({ shape, count, atLeastMs: 3_000 }); // warms up
  }
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    for (const [name, measure] of Object.entries(floors)) note(name, 'floor', sample(measure()).median);
    for (const one of crew)
      for (const shape of SHAPES) {
        const round = await one.round({ shape, count, atLeastMs: 100 });
        note(one.name, shape, round && (round.ms * 1_000) / count);
        if (OWN.includes(one.name)) note(one.name, `${shape} cpu`, round && (round.cpuMs * 1_000) / count);
      }
  }
} finally {
  for (const one of crew) await one.end();
}

const floor = Object.keys(floors).map((name) => [name, cell(name, 'floor')]);
process.stdout.write(`## The floor of this disk, µs\n\n${table(['', 'µs'], floor)}\n\n`);
const median = (row: string, shape: Shape) => sample(measured.get(`${row}|${shape}`) ?? []).median;
const times = (row: string, shape: Shape): string =>
  PEERS.includes(row) && only.includes('tutti')
    ? `${(median(row, shape) / median('tutti, process', shape)).toFixed(0)} ×`
    : '';
process.stdout.write(
  `## ${count.toLocaleString('en')} steps that do nothing, µs a step\n\n${table(
    [
      '',
      'chain',
      'fan',
      'chain, CPU',
      'fan, CPU',
      'chain / tutti, process',
      'fan / tutti, process',
      'version',
    ],
    crew.map(({ name, failure, version }) =>
      failure === undefined
        ? [
            ...[name, cell(name, 'chain'), cell(name, 'fan'), cell(name, 'chain cpu'), cell(name, 'fan cpu')],
            ...[times(name, 'chain'), times(name, 'fan'), version],
          ]
        : [name, failure, '', '', '', '', '', version],
    ),
  )}\n\n`,
);
if (only.includes('tutti')) process.stdout.write(resumeTable());
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine: machine(), rounds, measured: Object.fromEntries(measured) }, null, 2)}\n`,
  );

/** Chains that were killed before their last step, resumed in fresh processes. */
function resumeTable(): string {
  const child = fileURLToPath(new URL('./durable-resume.ts', import.meta.url));
  const rows = [1, 1_000, 10_000, 100_000].map((done) => {
    say(`resume of ${done}`);
    const folder = folderOf();
    spawnSync(process.execPath, [child, 'begin', String(done), folder]);
    const figures = Array.from({ length: rounds }, () => {
      const copy = folderOf();
      cpSync(folder, copy, { recursive: true });
      const told = execFileSync(process.execPath, [child, 'resume', String(done), copy]);
      rmSync(copy, { recursive: true });
      return JSON.parse(String(told)) as { ms: number; stored: number };
    });
    rmSync(folder, { recursive: true });
    return { done, stored: figures[0]!.stored, ms: figures.map(({ ms }) => ms) };
  });
  return `## Resuming in a fresh process, modules loaded and score made\n\n${table(
    ['steps done', 'from `resume` to the result, ms', 'bytes of the log, a step'],
    rows.map(({ done, ms, stored }) => [
      done.toLocaleString('en'),
      spread(ms),
      String(Math.round(stored / done)),
    ]),
  )}\n`;
}
