/** Claim: the critical path that the viewer draws from a trace is the one that the performance reports. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  agent,
  createBus,
  perform,
  score,
  VirtualClock,
  type PerformOptions,
  type Report,
  type Score,
} from 'tutti';
import type { Bus } from 'tutti/actors';
import { traceTo } from '../../src/trace/index.ts';
import { openOf, type Opened } from '../../src/viewer/model/opened.ts';
import { fileSource } from '../../src/viewer/model/source.ts';
import { lines } from '../trace/helpers.ts';
import { TraceText } from './traces.ts';

const nowhere = { offset: 0, length: 0, line: 1 };
const opened = (messages: readonly unknown[]): Opened => {
  const all = openOf(fileSource('test', new Blob()));
  for (const message of messages) expect(all.trace.append(message, nowhere)).toBeUndefined();
  return all;
};
const pathOf = ({ score }: Opened) => {
  const { steps, length } = score.critical();
  return { length, steps: [...steps.keys()].reverse().map((index) => score.steps[index]?.id) };
};

/** Performs in virtual time, and opens the trace. */
async function played(piece: Score<any, any>, options: (clock: VirtualClock) => PerformOptions = () => ({})) {
  const clock = new VirtualClock();
  const sink = lines();
  const trace = traceTo(sink, { clock });
  const run = perform(piece, { ...options(clock), clock, inspect: trace.inspect });
  trace.watch(run, piece);
  const report: Report = await run.report;
  await trace.close();
  return { report, all: opened(sink.messages) };
}

interface Drawn {
  readonly ms: number;
  readonly reads: readonly number[];
  readonly fails: number;
  readonly attempts: number;
  readonly rounds: number;
  readonly downbeat: boolean;
  readonly unit: number;
  readonly absorbs: boolean;
  readonly tacet: boolean;
}
/** Few lengths, so that many chains are equally long. */
const drawn: fc.Arbitrary<Drawn> = fc.record({
  ms: fc.constantFrom(0, 1, 10, 20, 30),
  reads: fc.array(fc.nat(7), { maxLength: 3 }),
  fails: fc.constantFrom(0, 0, 0, 1, 2),
  attempts: fc.constantFrom(1, 2, 3),
  rounds: fc.constantFrom(1, 1, 2),
  downbeat: fc.constantFrom(false, false, false, true),
  unit: fc.nat(3),
  absorbs: fc.boolean(),
  tacet: fc.constantFrom(false, false, false, false, true),
});
const units = (index: number, { ms, fails, unit }: Drawn) => {
  let tries = 0;
  return agent({
    name: `unit ${unit === 3 ? `of ${index}` : unit}`,
    ...(unit === 3 ? {} : { capacity: 1 }),
    run: async (_operands: unknown, context) => {
      await context.sleep(ms);
      if (tries++ < fails) throw new Error('not yet');
      return index;
    },
  });
};
function pieceOf(steps: readonly Drawn[]): Score<any, any> {
  return steps.reduce<Score<any, any>>((piece, step, index) => {
    const { reads, attempts, rounds, downbeat, absorbs, tacet } = step;
    const sources = index === 0 ? [] : [...new Set(reads.map((read) => `s${read % index}`))];
    return (downbeat ? piece.downbeat() : piece).step(`s${index}`, {
      agent: units(index, step),
      reads: Object.fromEntries(sources.map((name) => [name, name])) as never,
      retry: { attempts, delayMs: 5 },
      ...(rounds > 1 ? { vamp: { max: rounds, until: () => false, onCap: 'accept' } as never } : {}),
      ...(absorbs || tacet ? { default: 'nothing' } : {}),
      ...(tacet ? { tacet } : {}),
    } as never);
  }, score('drawn'));
}

test('of any score: with faults, retries, defaults, vamps, silent steps, limited units, downbeats', async () => {
  let downbeats = 0;
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(drawn, { minLength: 1, maxLength: 10 }), async (steps) => {
      const { report, all } = await played(pieceOf(steps));
      const { length, steps: chain } = report.criticalPath;
      expect(pathOf(all)).toEqual({ length, steps: length === 0 ? [] : chain });
      downbeats += Number(steps.some(({ downbeat }, index) => downbeat && index > 0));
      failures += Number(report.status === 'failed');
    }),
    { numRuns: 300, seed: 7 },
  );
  expect(Math.min(downbeats, failures)).toBeGreaterThan(50);
});

test('of a performance that was cancelled on the way', async () => {
  const sleeps = (name: string, ms: number) =>
    agent({ name, run: (_operands: unknown, context) => context.sleep(ms) });
  const piece = score('long')
    .step('a', { agent: sleeps('a', 40) })
    .step('b', { agent: sleeps('b', 100), reads: { a: 'a' } })
    .step('c', { agent: sleeps('c', 70) })
    .downbeat()
    .step('d', { agent: sleeps('d', 10) });
  const { report, all } = await played(piece, (clock) => {
    const stop = new AbortController();
    clock.setTimeout(() => stop.abort(), 60);
    return { signal: stop.signal };
  });
  expect(report.status).toBe('cancelled');
  expect(pathOf(all)).toEqual(report.criticalPath);
});

/** A bus that takes its time: what is said is heard so many milliseconds later. */
class LateBus implements Bus {
  readonly #inner: Bus;
  readonly #clock: VirtualClock;
  readonly #lagMs: number;
  constructor(clock: VirtualClock, lagMs: number) {
    this.#inner = createBus({ clock });
    this.#clock = clock;
    this.#lagMs = lagMs;
  }
  get tip() {
    return this.#inner.tip;
  }
  get signals() {
    return this.#inner.signals;
  }
  get faults() {
    return this.#inner.faults;
  }
  readonly runId = 'late';
  publish: Bus['publish'] = (signal, options) =>
    new Promise((done) => {
      this.#clock.setTimeout(() => done(this.#inner.publish(signal, options)), this.#lagMs);
    });
  on: Bus['on'] = (tag) => this.#inner.on(tag);
  replay: Bus['replay'] = (from, options) => this.#inner.replay(from, options);
  close = () => this.#inner.close();
}

test('on a bus that is late: the time of a result on its way counts as no step’s work', async () => {
  const sleeps = (ms: number) =>
    agent({ name: `${ms}`, run: (_operands: unknown, context) => context.sleep(ms) });
  const late = (clock: VirtualClock) => ({ bus: new LateBus(clock, 100) });
  const chain = score('chain')
    .step('a', { agent: sleeps(20) })
    .step('b', { agent: sleeps(30), reads: { a: 'a' } });
  const alone = await played(chain, late);
  expect(alone.all.score.segments(alone.all.score.steps[1]!).slice(-2)).toMatchObject([
    { phase: 'executing', from: 120, to: 150 },
    { phase: 'writing', from: 150, to: 250 },
  ]);
  expect(pathOf(alone.all)).toEqual({ length: 50, steps: ['a', 'b'] });
  expect(pathOf(alone.all)).toEqual(alone.report.criticalPath);
  const beside = await played(chain.step('c', { agent: sleeps(60) }), late);
  expect(pathOf(beside.all)).toEqual({ length: 60, steps: ['c'] });
  expect(pathOf(beside.all)).toEqual(beside.report.criticalPath);
  expect(beside.report.makespan).toBe(250);
});

test('in a trace, the time in `writing` does not count, nor does a fault’s on its way', () => {
  const trace = new TraceText();
  const PROGRAM = [
    { id: 'slow bus', agent: 'a', reads: [-1] },
    { id: 'long work', agent: 'a', reads: [-1] },
    { id: 'faulty', agent: 'a', reads: [-1] },
    { id: 'end', agent: 'a', reads: [1] },
  ];
  trace.actor('x:root', 'run-1');
  trace.actor('run:run-1', 'performance');
  trace.event('run:run-1', { type: 'tutti.run', runId: 'run-1', score: 'piece', steps: PROGRAM.length });
  trace.event('run:run-1', { type: 'tutti.program', from: 0, steps: PROGRAM });
  PROGRAM.forEach((_, tag) => trace.actor(`x:s${tag}`, `station:${tag}`, { parentId: 'x:root' }));
  const moves = (time: number, tag: number, type: string, value: string) => {
    trace.time = 1_000 + time;
    trace.moves(`x:s${tag}`, { type, tag }, value, { station: tag, tag });
  };
  moves(0, 0, 'GRANT_UNIT', 'executing');
  moves(0, 1, 'GRANT_UNIT', 'executing');
  moves(0, 2, 'GRANT_UNIT', 'executing');
  moves(5, 2, 'FAILED', 'poisoned');
  moves(10, 0, 'DONE', 'writing');
  moves(20, 1, 'DONE', 'writing');
  moves(21, 1, 'WRITTEN', 'free');
  moves(25, 3, 'GRANT_UNIT', 'executing');
  moves(40, 3, 'DONE', 'writing');
  moves(41, 3, 'WRITTEN', 'free');
  moves(400, 2, 'WRITTEN', 'free');
  moves(500, 0, 'WRITTEN', 'free');
  const all = opened(trace.lines.map((line) => JSON.parse(line)));
  expect(all.score.segments(all.score.steps[0]!).at(-1)).toMatchObject({
    phase: 'writing',
    from: 10,
    to: 500,
  });
  expect(pathOf(all)).toEqual({ length: 35, steps: ['long work', 'end'] });
});

test('a downbeat of one run holds no step of another', async () => {
  const clock = new VirtualClock();
  const sink = lines();
  const trace = traceTo(sink, { clock });
  const sleeps = (ms: number) =>
    agent({ name: `${ms}`, run: (_operands: unknown, context) => context.sleep(ms) });
  const held = score('held')
    .step('first', { agent: sleeps(30) })
    .downbeat()
    .step('second', { agent: sleeps(10) });
  const reports: Report[] = [];
  for (const runId of ['one', 'two']) {
    const run = perform(held, { clock, runId, inspect: trace.inspect });
    trace.watch(run, held);
    reports.push(await run.report);
  }
  await trace.close();
  expect(pathOf(opened(sink.messages))).toEqual(reports[0]!.criticalPath);
});
