/** Claim: the conductor of a live orchestrator follows the paths of its machine's graph, and the performance ends as
 *  its last state says. */
import { expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { rename, type StepPlan } from '../../actors/tomasulo/program.ts';
import { conductor, type ConductorEvent } from '../../machines/tomasulo/conductor.ts';
import { caesura, cue, fermata } from '../../machines/hct/factories.ts';
import {
  Answers,
  BusOnHold,
  causable,
  cellOf,
  describePath,
  ended,
  expectExact,
  HandClock,
  pathsOf,
  turn,
  Watch,
  type Path,
} from '../harness/graphs.helpers.ts';
import { subjects } from '../table/machines.alphabets.ts';

type EventType = ConductorEvent['type'];

const STALL_MS = 19;
/** Real time: short where a path waits for its end, else longer than any test. */
const [GRACE_MS, NO_END_MS] = [3, 600_000];

/** What cannot be caused, and why. The test checks that the list is exact. */
const STARTS = 'a performance starts once';
const ENDS = 'a performance that has ended sends nothing to its conductor';
const FIRST = 'the first reason to stop counts';
const STOCK = 'the orchestrator takes stock after a round: it sends this only where it changes the state';
const UNWATCHED = 'leaving the stalled state clears its timer';
const afterEnd = (state: string) =>
  ['DOWNBEAT', 'CAESURA', 'STALL', 'PROGRESS', 'SETTLED', 'STALL_TIMEOUT'].map((type) => [
    `${state} ${type}`,
    ENDS,
  ]);
const NOT_CAUSED: Readonly<Record<string, string>> = {
  'silent PROGRESS': STOCK,
  'performing DOWNBEAT': STARTS,
  'performing PROGRESS': STOCK,
  'performing STALL_TIMEOUT': UNWATCHED,
  'stalled DOWNBEAT': STARTS,
  'stalled STALL': STOCK,
  'closing DOWNBEAT': STARTS,
  'closing CAESURA': FIRST,
  'closing STALL': STOCK,
  'closing PROGRESS': STOCK,
  'closing STALL_TIMEOUT': UNWATCHED,
  ...Object.fromEntries([...afterEnd('completed'), ...afterEnd('cancelled')]),
  'cancelled GRACE_OVER': ENDS,
};

/** A chain of steps. Each stall holds the next of them, so that a path decides how many there are.
 *
 *  A path that stops early has one more step, which is held. It is refused before the stop, and the bus keeps its
 *  fault: so the performance has something to wait for when every agent has been told to stop. */
class Concert {
  readonly watch = new Watch('conductor');
  readonly orchestrator: Orchestrator;
  readonly clock = new HandClock();
  readonly #players = new Answers();
  readonly #hold: BusOnHold;
  #step = 0;

  constructor({ stalls, stops, graceMs }: { stalls: number; stops: boolean; graceMs: number }) {
    const agent = { name: 'player', run: this.#players.run };
    const chain = Array.from({ length: stalls + 1 }, (_, i): StepPlan => {
      return { id: `s${i}`, agent, after: i === 0 ? [] : [`s${i - 1}`] };
    });
    const anchor: StepPlan = { id: 'anchor', agent };
    this.#hold = new BusOnHold((signal) => signal.type === 'pulse' && signal.tag === chain.length);
    const options = { runId: 'graphs', clock: this.clock, bus: this.#hold.bus, inspect: this.watch.inspect };
    this.orchestrator = new Orchestrator(rename(stops ? [...chain, anchor] : chain), {
      ...options,
      stallMs: STALL_MS,
      graceMs,
      deliveryMs: NO_END_MS,
    });
    if (stops) void this.#hold.bus.publish(fermata({ source: 'test', targets: ['anchor'] }));
  }

  /** Refuses the step that is held, so that the performance does not end at once when it is stopped. */
  async refuseAnchor(): Promise<void> {
    void this.#hold.bus.publish(caesura({ source: 'test', targets: ['anchor'] }));
    await turn();
  }
  async cause(type: EventType, before: string): Promise<void> {
    const { bus } = this.#hold;
    const source = 'test';
    if (type === 'DOWNBEAT') this.orchestrator.start();
    else if (type === 'CAESURA') this.orchestrator.cancel();
    else if (type === 'STALL') {
      void bus.publish(fermata({ source, targets: [`s${++this.#step}`] }));
      this.#players.resolve('done');
    } else if (type === 'PROGRESS')
      void bus.publish(cue({ source, targets: [`s${this.#step}`], intent: 'resume' }));
    else if (type === 'STALL_TIMEOUT') this.clock.fire(STALL_MS);
    else if (type === 'SETTLED' && before === 'closing') this.#hold.deliver();
    else if (type === 'SETTLED') this.#players.resolve('done');
    else await this.orchestrator.outcome; // GRACE_OVER comes by real time
    // A grace that has begun is real time: its test looks before any passes.
    if (!closes(type)) await turn();
  }
  /** Everything goes on, and agents that have been told to stop answer. */
  async goOn(): Promise<void> {
    await turn();
    if (this.#players.aborted) this.#players.end();
    await turn();
  }
  /** Starts again, and stops again what has been stopped. */
  async repeat(value: string): Promise<void> {
    this.orchestrator.start();
    if (isOver(value)) this.orchestrator.cancel();
    await turn();
  }
  async end(): Promise<void> {
    this.orchestrator.cancel();
    await turn();
    this.#players.end();
    this.#hold.open();
    await ended(this.orchestrator.outcome);
  }
}

const closes = (type: EventType) => type === 'CAESURA' || type === 'STALL_TIMEOUT';
const isOver = (value: string) => ['closing', 'completed', 'cancelled'].includes(value);

async function follow(whole: Path, caused: Set<string>): Promise<void> {
  const path = causable(whole, 'silent', NOT_CAUSED);
  const what = describePath(path);
  const stalls = path.filter(({ event }) => event.type === 'STALL').length;
  const stops = path.some(({ state }) => state.value === 'closing');
  const waits = path.some(({ event }) => event.type === 'GRACE_OVER');
  const concert = new Concert({ stalls, stops, graceMs: waits ? GRACE_MS : NO_END_MS });
  let before = 'silent';
  for (const { event, state } of path) {
    const type = event.type as EventType;
    if (closes(type) && before !== 'silent') await concert.refuseAnchor();
    await concert.cause(type, before);
    expect({ received: concert.watch.take(), value: concert.watch.state.value }, what).toEqual({
      received: [event],
      value: state.value,
    });
    caused.add(cellOf(before, event));
    before = state.value;
    await concert.goOn();
    expect(concert.clock.has(STALL_MS), what).toBe(state.value === 'stalled');
  }
  if (before !== 'silent') await concert.repeat(before);
  expect(concert.watch.take(), what).toEqual([]);
  await concert.end();
  const { status, errors } = await concert.orchestrator.outcome;
  const deadlock = path.some(({ event }) => event.type === 'STALL_TIMEOUT');
  expect(status, what).toBe(before === 'completed' ? 'completed' : deadlock ? 'failed' : 'cancelled');
  const first = before === 'completed' ? undefined : deadlock ? 'DeadlockError' : 'CancelledError';
  expect(errors[0]?.name, what).toBe(first);
}

test('the conductor follows every transition of the graph, except those that the list explains', async () => {
  const { events } = subjects['conductor']!;
  const paths = pathsOf(conductor as unknown as AnyStateMachine, { events: () => events });
  const caused = new Set<string>();
  for (const path of paths) await follow(path, caused);
  expectExact(paths, 'silent', caused, NOT_CAUSED);
});

test('a dead-lock that is cancelled while it closes is reported as failed', async () => {
  const concert = new Concert({ stalls: 1, stops: true, graceMs: NO_END_MS });
  for (const type of ['DOWNBEAT', 'STALL'] as const) await concert.cause(type, '');
  await concert.refuseAnchor();
  await concert.cause('STALL_TIMEOUT', 'stalled');
  expect(concert.watch.state.value).toBe('closing');
  await concert.end();
  const { status, errors } = await concert.orchestrator.outcome;
  expect({ status, first: errors[0]?.name }).toEqual({ status: 'failed', first: 'DeadlockError' });
});
