/** Claim: a live governor follows the paths of its machine's graph under each policy, and sends its operating point on
 *  the bus exactly when it changes. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createActor, type AnyStateMachine } from 'xstate';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { cue } from '../../machines/hct/factories.ts';
import { CAPACITY as FULL, GOVERNORS, type GovernorName } from '../../machines/governor/governor.ts';
import { floorOf, type OperatingPoint } from '../../machines/governor/operating-point.ts';
import type { Envelope } from '../../machines/hct/signal.ts';
import {
  operatingPointOf,
  tempoGovernor,
  type TempoGovernorContext,
  type TempoGovernorEvent,
} from '../../machines/governor/tempo-governor.ts';
import { describePath, pathsOf, Watch, type MachineState } from '../harness/graphs.helpers.ts';

type Of<Type extends TempoGovernorEvent['type']> = TempoGovernorEvent & { type: Type };

const UNIT = 'writers';
const CAPACITY = 4;
const SAMPLE_MS = 1_000;
const MOST_SAMPLES = 2;

/** One rejection among so many verdicts raises the load by less than it is rounded. */
const ACCEPTED = 4_000;

const ALLOWANCES = [null, 0.5];
const DEADLINES = [null, 5_000];

/** The load of a pool with so many steps at work, as the governor computes it. */
const loadOf = (inUse: number, at: number, idleCalls: number, ioWait: boolean): Of<'LOAD'> => {
  const share = inUse / CAPACITY;
  return {
    type: 'LOAD',
    at,
    load: Math.round(share * 100),
    util: Math.round(share * FULL),
    idleCalls,
    ioWait,
  };
};

/** What pool, ledger, verifier and caller may send. A limit that changes nothing is not sent again, as the last test
 *  says; one limit at a time, since only the machine knows of both. */
function eventsIn(
  policy: GovernorName,
  { context }: MachineState<TempoGovernorContext>,
): TempoGovernorEvent[] {
  const { memory, allowance, remainingMs, mode, ladder } = context;
  const isFree = allowance === null && remainingMs === null;
  const { idleCalls } = memory;
  const at = Math.max(memory.lastSample ?? 0, memory.lastLoad ?? 0) + SAMPLE_MS;
  const loads = [loadOf(CAPACITY, at, idleCalls, false), loadOf(1, at, idleCalls, false)];
  if (policy === 'schedutil') {
    // No other policy looks at these.
    loads.push(loadOf(1, at, idleCalls, true));
    if (idleCalls === 0) loads.push(loadOf(0, at, 1, false));
  }
  return [
    { type: 'BOOST' },
    ...(at > MOST_SAMPLES * SAMPLE_MS ? [] : loads),
    ...(remainingMs === null ? ALLOWANCES : [])
      .filter((given) => given !== allowance)
      .map((given) => ({ type: 'BUDGET' as const, allowance: given })),
    ...(allowance === null ? DEADLINES : [])
      .filter((given) => mode !== null || floorOf(ladder, given) !== floorOf(ladder, remainingMs))
      .map((given) => ({ type: 'DEADLINE' as const, remainingMs: given })),
    ...(isFree ? GOVERNORS : [policy]).map((to) => ({ type: 'SET' as const, policy: to })),
    ...(isFree ? MODE_CHANGES : []).map((given) => ({ type: 'SET' as const, mode: given })),
    { type: 'SET', policy: 'userspace', frequency: ladder[1]!.frequency },
  ];
}
const MODE_CHANGES = ['sprint', 'conservation', 'crisis', null] as const;

/** How many paths there are, so that none of the graphs becomes empty. */
const PATHS: Readonly<Record<GovernorName, number>> = {
  performance: 84,
  powersave: 84,
  userspace: 1_195,
  ondemand: 2_328,
  conservative: 2_145,
  schedutil: 8_755,
};

/** A live governor on a bus, and what it has said since the last look. */
class Pool {
  readonly watch = new Watch(`governor:${UNIT}`);
  readonly governor: UnitGovernor;
  #points: OperatingPoint[] = [];
  #cues: Envelope['signal'][] = [];

  constructor(policy: GovernorName) {
    const bus = createBus();
    bus.signals.subscribe(({ signal }) => void this.#cues.push(signal));
    this.governor = new UnitGovernor({
      unit: UNIT,
      policy,
      bus,
      inspect: this.watch.inspect,
      onPoint: (point) => void this.#points.push(point),
    });
    this.look();
  }

  cause(event: TempoGovernorEvent): void {
    const { governor } = this;
    if (event.type === 'LOAD') {
      const inUse = (event.util * CAPACITY) / FULL;
      governor.observe({ inUse, queued: 0, capacity: CAPACITY, at: event.at, resumed: event.ioWait });
    } else if (event.type === 'BUDGET') governor.budget(event.allowance);
    else if (event.type === 'DEADLINE') governor.deadline(event.remainingMs);
    else if (event.type === 'BOOST') {
      for (let i = 0; i < ACCEPTED; i++) governor.verdict(true);
      governor.verdict(false);
    } else if (event.mode !== undefined) governor.setMode(event.mode);
    else governor.setPolicy(event.policy!, event.frequency);
  }
  /** What is to be seen now. */
  look() {
    const { value, context } = this.watch.state;
    const [points, cues] = [this.#points, this.#cues];
    this.#points = [];
    this.#cues = [];
    return { received: this.watch.take(), value, context, point: this.governor.point, points, cues };
  }
}

function expected({ value, context }: MachineState, event: TempoGovernorEvent, before: OperatingPoint) {
  const point = operatingPointOf(context);
  const points = isDeepStrictEqual(point, before) ? [] : [point];
  const key = `operating-point/${UNIT}`;
  const cues = points.map((moved) =>
    cue({ source: `governor:${UNIT}`, targets: [UNIT], intent: 'update', key, ...moved }),
  );
  return { received: [event], value, context, point, points, cues };
}

describe.each(GOVERNORS)('the governor under %s', (policy) => {
  test(
    'follows every transition of the graph, and sends a point exactly when it changes',
    { timeout: 600_000 },
    () => {
      const start = createActor(tempoGovernor, { input: { unit: UNIT } }).start();
      start.send({ type: 'SET', policy });
      const from = start.getSnapshot();
      const paths = pathsOf<TempoGovernorContext>(tempoGovernor as unknown as AnyStateMachine, {
        fromState: from,
        events: (state) => eventsIn(policy, state),
        stopWhen: ({ value }) => value !== policy,
      });
      const caused = new Set<string>();
      for (const path of paths) {
        const pool = new Pool(policy);
        let point = operatingPointOf(from.context);
        for (const { event, state } of path as { event: TempoGovernorEvent; state: MachineState }[]) {
          pool.cause(event);
          const [seen, due] = [pool.look(), expected(state, event, point)];
          if (!isDeepStrictEqual(seen, due)) expect(seen, describePath(path)).toEqual(due);
          point = due.point;
          caused.add(event.type);
        }
        pool.governor.stop();
      }
      expect([...caused].sort()).toEqual(['BOOST', 'BUDGET', 'DEADLINE', 'LOAD', 'SET']);
      expect(paths.length).toBe(PATHS[policy]);
    },
  );
});

test('a limit that changes nothing is not sent to the machine', () => {
  const pool = new Pool('ondemand');
  pool.governor.budget(null);
  pool.governor.deadline(null);
  expect(pool.look().received).toEqual([]);
  pool.governor.budget(0.5);
  pool.governor.deadline(5_000);
  expect(pool.look().received.map(({ type }) => type)).toEqual(['BUDGET', 'DEADLINE']);
  pool.governor.budget(0.5);
  pool.governor.deadline(5_001);
  expect(pool.look().received).toEqual([]);
});
