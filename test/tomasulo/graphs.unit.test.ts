/** Claim: a live unit in an orchestrator, of one agent or of the whole orchestra, follows the paths of its machine's
 *  graph: the agents that work are as many as it counts, and the oldest steps that wait come first. */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { rename, type StepPlan } from '../../actors/tomasulo/program.ts';
import { cue, fermata, tacet } from '../../machines/hct/factories.ts';
import { functionalUnit, type UnitContext, type UnitEvent } from '../../machines/tomasulo/functional-unit.ts';
import {
  Answers,
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

type EventType = UnitEvent['type'];
const EVENTS: readonly EventType[] = ['ACQUIRE', 'WITHDRAW', 'RELEASE', 'TACET', 'WAKE'];
const MOST_QUEUED = 4;

/** Which events stations and signals may send; the table decides about the rest. */
function may({ inUse, queued }: UnitContext, type: EventType): boolean {
  if (type === 'ACQUIRE') return queued < MOST_QUEUED;
  if (type === 'WITHDRAW') return queued > 0;
  return type === 'RELEASE' ? inUse > 0 : true;
}

/** A performance whose steps are all held. A cue makes a step ready, a fermata holds it again. */
class Rehearsal {
  readonly watch: Watch;
  readonly #players = new Answers();
  readonly #orchestrator: Orchestrator;
  readonly #held: string[];
  readonly #queued: string[] = [];
  readonly #working: string[] = [];

  constructor(unit: string, limits: { capacity?: number; maxConcurrency?: number }, steps: number) {
    const { capacity, maxConcurrency } = limits;
    this.watch = new Watch(`unit:${unit}`);
    this.#held = Array.from({ length: steps }, (_, i) => `s${i}`);
    const agent = { name: 'player', run: this.#players.run, capacity };
    const plan = this.#held.map((id): StepPlan => ({ id, agent, fermata: {} }));
    this.#orchestrator = new Orchestrator(rename(plan), {
      runId: 'graphs',
      clock: new HandClock(),
      inspect: this.watch.inspect,
      maxConcurrency,
    });
  }
  /** Starts the performance and lets one step run, because a unit is made when it is first asked. */
  async begin(): Promise<void> {
    this.#orchestrator.start();
    await turn();
    await this.cause('ACQUIRE');
    this.grant(1);
    await this.cause('RELEASE');
    this.watch.take();
  }

  async cause(type: EventType): Promise<void> {
    const { bus } = this.#orchestrator;
    const source = 'test';
    if (type === 'ACQUIRE') {
      const step = this.#held.shift()!;
      this.#queued.push(step);
      void bus.publish(cue({ source, targets: [step], intent: 'resume' }));
    } else if (type === 'WITHDRAW') {
      const step = this.#queued.shift()!;
      this.#held.unshift(step); // it is the next to ask again
      void bus.publish(fermata({ source, targets: [step] }));
    } else if (type === 'RELEASE') {
      this.#working.shift();
      this.#players.resolve('done');
    } else if (type === 'TACET') void bus.publish(tacet({ source, targets: ['player'] }));
    else void bus.publish(cue({ source, targets: ['player'] }));
    await turn();
  }
  /** Notes that the oldest of the queued have a unit. */
  grant(count: number): void {
    this.#working.push(...this.#queued.splice(0, count));
  }
  /** The steps whose agents are to work, and those whose agents do. */
  get working(): readonly string[] {
    return this.#working;
  }
  get running(): readonly string[] {
    return this.#players.running;
  }

  async end(): Promise<void> {
    this.#orchestrator.cancel();
    await turn();
    this.#players.end();
    await ended(this.#orchestrator.outcome);
  }
}

async function follow(path: Path<UnitContext>, rehearsal: Rehearsal, caused: Set<string>): Promise<void> {
  const what = describePath(path);
  let before = { value: 'idle', inUse: 0 };
  await rehearsal.begin();
  for (const { event, state } of path) {
    await rehearsal.cause(event.type as EventType);
    const { value, context } = rehearsal.watch.state;
    expect({ received: rehearsal.watch.take(), value, context }, what).toEqual({
      received: [event],
      value: state.value,
      context: state.context,
    });
    const { inUse } = state.context;
    rehearsal.grant(inUse - before.inUse + (event.type === 'RELEASE' ? 1 : 0));
    expect(rehearsal.running, what).toEqual(rehearsal.working);
    caused.add(cellOf(before.value, event));
    before = { value: state.value, inUse };
  }
}

const owners = [1, 2, 3].flatMap((capacity) => [
  { name: 'one agent', unit: 'player', limits: { capacity }, capacity, events: EVENTS },
  {
    // Signals address agents and steps, so that nothing silences the orchestra's unit.
    name: 'the orchestra',
    unit: '(orchestra)',
    limits: { maxConcurrency: capacity },
    capacity,
    events: EVENTS.filter((type) => type !== 'TACET' && type !== 'WAKE'),
  },
]);

describe.each(owners)(
  'the unit of $name with a capacity of $capacity',
  ({ unit, limits, capacity, events }) => {
    test('follows every transition of the graph', { timeout: 600_000 }, async () => {
      const paths = pathsOf<UnitContext>(functionalUnit as unknown as AnyStateMachine, {
        input: { unit, capacity },
        events: ({ context }) => events.filter((type) => may(context, type)).map((type) => ({ type })),
      });
      const caused = new Set<string>();
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) {
        const asks = path.filter(({ event }) => event.type === 'ACQUIRE').length;
        const rehearsal = new Rehearsal(unit, limits, asks + 2);
        await follow(path, rehearsal, caused);
        await rehearsal.end();
      }
      expectExact(paths, 'idle', caused, {});
    });
  },
);
