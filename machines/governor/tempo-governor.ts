/** One governor: chooses the operating point of a pool of units.
 *
 *  Hardware: a cpufreq policy with its governor; the states are the kernel's governors, the formulas stand in
 *  `governor.ts`. Thermal pressure is a budget: it lowers the ceiling. A deadline is a ceiling on response time: it
 *  raises the floor. Where they cross, the ceiling wins, as `policy->max` does.
 *  Deviations, with reasons in docs/decisions/0021: BOOST (one step up after a verifier's rejection, kept until the
 *  next sample) is ours; a mode may stand for a point beside the ladder (crisis), as far as the budget allows it. */
import { assign, setup } from 'xstate';
import {
  DEFAULT_TUNABLES,
  sample,
  setLimits,
  startMemory,
  type GovernorMemory,
  type GovernorName,
  type GovernorTunables,
  type LoadSample,
} from './governor.ts';
import {
  ceilingOf,
  DEFAULT_LADDER,
  floorOf,
  relativeCost,
  resolve,
  type Ladder,
  type OperatingPoint,
} from './operating-point.ts';
import { MODES, type Mode } from '../hct/performance.ts';
import { TEMPO } from '../hct/tempo.ts';

export interface TempoGovernorContext {
  /** The pool that is governed. */
  readonly unit: string;
  readonly ladder: Ladder;
  readonly tunables: GovernorTunables;
  readonly memory: GovernorMemory;
  /** What the next step may cost, in units of the cost law with c0 = 1; null is no limit. */
  readonly allowance: number | null;
  /** Milliseconds to the deadline at the last DEADLINE; null is none. */
  readonly remainingMs: number | null;
  /** The named mode, if one is set. */
  readonly mode: Mode | null;
}

export type TempoGovernorEvent =
  // from the pool
  | ({ type: 'LOAD' } & LoadSample)
  // from the ledger and the clock
  | { type: 'BUDGET'; allowance: number | null }
  | { type: 'DEADLINE'; remainingMs: number | null }
  // from a verifier
  | { type: 'BOOST' }
  // from the caller: another policy, a frequency (userspace), a mode, tunables
  | {
      type: 'SET';
      policy?: GovernorName;
      frequency?: number;
      mode?: Mode | null;
      tunables?: Partial<GovernorTunables>;
    };

type Set = TempoGovernorEvent & { type: 'SET' };

/** The policy that a mode stands for. Source: the paper's section 4.5; crisis is ours. */
const POLICY_OF_MODE: Readonly<Record<Mode, GovernorName>> = {
  sprint: 'performance',
  conservation: 'powersave',
  crisis: 'userspace',
};

/** The operating point that a governor's context stands for. */
export function operatingPointOf({
  ladder,
  memory,
  mode,
  allowance,
  remainingMs,
}: TempoGovernorContext): OperatingPoint {
  if (mode !== null) {
    const point = MODES[mode];
    const affordable = allowance === null || relativeCost(point) <= allowance;
    if (affordable && (remainingMs === null || TEMPO[point.tempo].latencyMs <= remainingMs)) return point;
  }
  const { tempo, dynamics } = ladder.find(({ frequency }) => frequency === memory.cur)!;
  return { tempo, dynamics };
}

const frequenciesOf = (points: Ladder): number[] => points.map(({ frequency }) => frequency);

/** The context after an event under a policy. Pure; `moves` compares, the actions assign. */
export function contextUnder(
  policy: GovernorName,
  context: TempoGovernorContext,
  event: TempoGovernorEvent,
): TempoGovernorContext {
  const { ladder, memory, tunables } = context;
  const frequencies = frequenciesOf(ladder);
  const limited = (next: TempoGovernorContext): TempoGovernorContext => {
    const [min, max] = [
      floorOf(ladder, next.remainingMs).frequency,
      ceilingOf(ladder, next.allowance).frequency,
    ];
    return { ...next, memory: setLimits(policy, memory, frequencies, min, max) };
  };
  switch (event.type) {
    case 'LOAD':
      return { ...context, memory: sample(policy, memory, frequencies, tunables, event) };
    case 'BUDGET':
      return limited({ ...context, allowance: event.allowance });
    case 'DEADLINE':
      return limited({ ...context, remainingMs: event.remainingMs });
    case 'BOOST': {
      const above = frequencies.find((frequency) => frequency > memory.cur) ?? memory.cur;
      const cur = Math.min(above, memory.max);
      return { ...context, memory: { ...memory, cur, requested: cur, nextFreq: cur, cachedRaw: -1 } };
    }
    case 'SET':
      return set(policy, context, frequencies, event);
  }
}

function set(
  policy: GovernorName,
  context: TempoGovernorContext,
  frequencies: readonly number[],
  event: Set,
): TempoGovernorContext {
  const next = policyOf(event) ?? policy;
  const tunables = { ...context.tunables, ...event.tunables };
  const started = next === policy ? context.memory : startMemory(next, frequencies, context.memory, tunables);
  const mode =
    event.mode === undefined
      ? event.policy === undefined && event.frequency === undefined
        ? context.mode
        : null
      : event.mode;
  if (next !== 'userspace' || event.frequency === undefined)
    return { ...context, tunables, mode, memory: started };
  const clamped = Math.min(Math.max(event.frequency, started.min), started.max);
  return {
    ...context,
    tunables,
    mode,
    memory: { ...started, setSpeed: event.frequency, cur: resolve(frequencies, clamped) },
  };
}

const policyOf = ({ policy, mode }: Set): GovernorName | undefined =>
  policy ?? (mode == null ? undefined : POLICY_OF_MODE[mode]);

interface At {
  policy: GovernorName;
}
interface Entering extends At {
  to: GovernorName;
}
const same = (a: OperatingPoint, b: OperatingPoint) => a.tempo === b.tempo && a.dynamics === b.dynamics;
const moves = (context: TempoGovernorContext, event: TempoGovernorEvent, { policy }: At) =>
  !same(operatingPointOf(context), operatingPointOf(contextUnder(policy, context, event)));

const { createMachine } = setup({
  types: {
    context: {} as TempoGovernorContext,
    events: {} as TempoGovernorEvent,
    input: {} as { unit: string; ladder?: Ladder; tunables?: Partial<GovernorTunables> },
  },
  guards: {
    moves: ({ context, event }, at: At) => moves(context, event, at),
    enters: ({ event }, { to }: Entering) => event.type === 'SET' && policyOf(event) === to,
    entersAndMoves: ({ context, event }, at: Entering) =>
      event.type === 'SET' && policyOf(event) === at.to && moves(context, event, at),
  },
  actions: {
    take: assign(({ context, event }, { policy }: At) => contextUnder(policy, context, event)),
    // given meaning by the actor
    setOperatingPoint: () => {}, // the point has changed: `operatingPointOf` the context
  },
});

const ignore = {}; // this policy does not react

/** The candidates of one cell: it takes the event, and announces the point when it changes. */
const takes = (policy: GovernorName) => {
  const take = { type: 'take', params: { policy } } as const;
  return [
    { guard: { type: 'moves', params: { policy } }, actions: [take, 'setOperatingPoint'] },
    { actions: take },
  ] as const;
};

/** SET: to each other policy, or a change within this one. */
const sets = (policy: GovernorName) => {
  const take = { type: 'take', params: { policy } } as const;
  const to = <To extends GovernorName>(target: To) =>
    [
      {
        guard: { type: 'entersAndMoves', params: { policy, to: target } },
        target,
        actions: [take, 'setOperatingPoint'],
      },
      { guard: { type: 'enters', params: { policy, to: target } }, target, actions: take },
    ] as const;
  const all = [
    ...to('performance'), ...to('powersave'), ...to('userspace'), ...to('ondemand'), ...to('conservative'), ...to('schedutil'),
  ]; // prettier-ignore
  return [...all.filter(({ target }) => target !== policy), ...takes(policy)];
};

// prettier-ignore
const machine = createMachine({
  id: 'tempo-governor',
  version: '1',
  initial: 'schedutil',
  context: ({ input }) => {
    const ladder = input.ladder ?? DEFAULT_LADDER;
    const tunables = { ...DEFAULT_TUNABLES, ...input.tunables };
    const [min, max] = [ladder[0]!.frequency, ladder.at(-1)!.frequency];
    const memory = startMemory('schedutil', frequenciesOf(ladder), { cur: min, min, max }, tunables);
    return { unit: input.unit, ladder, tunables, memory, allowance: null, remainingMs: null, mode: null };
  },
  states: {
    performance: {
      description: 'Always the highest point that the ceiling allows. The mode sprint.',
      on: {
        LOAD: ignore, BOOST: ignore, SET: sets('performance'),
        BUDGET: takes('performance'), DEADLINE: takes('performance'),
      },
    },
    powersave: {
      description: 'Always the lowest point that the deadline allows. The mode conservation.',
      on: {
        LOAD: ignore, BOOST: ignore, SET: sets('powersave'),
        BUDGET: takes('powersave'), DEADLINE: takes('powersave'),
      },
    },
    userspace: {
      description: 'A point set by the caller. With a point beside the ladder, the mode crisis.',
      on: {
        LOAD: ignore, BOOST: takes('userspace'), SET: sets('userspace'),
        BUDGET: takes('userspace'), DEADLINE: takes('userspace'),
      },
    },
    ondemand: {
      description: 'To the top above a threshold of load, else in proportion to it.',
      on: {
        LOAD: takes('ondemand'), BOOST: takes('ondemand'), SET: sets('ondemand'),
        BUDGET: takes('ondemand'), DEADLINE: takes('ondemand'),
      },
    },
    conservative: {
      description: 'Step by step, up above one threshold of load and down below another.',
      on: {
        LOAD: takes('conservative'), BOOST: takes('conservative'), SET: sets('conservative'),
        BUDGET: takes('conservative'), DEADLINE: takes('conservative'),
      },
    },
    schedutil: {
      description: 'In proportion to utilisation, with a quarter to spare.',
      on: {
        LOAD: takes('schedutil'), BOOST: takes('schedutil'), SET: sets('schedutil'),
        BUDGET: takes('schedutil'), DEADLINE: takes('schedutil'),
      },
    },
  },
});

type M = typeof machine;
/** See {@link tempoGovernor}. */
export interface TempoGovernorMachine extends M {}

/** The governor.
 *  @example
 *  ```ts
 *  const governor = createActor(compile(tempoGovernor), { input: { unit: 'search' } }).start();
 *  governor.send({ type: 'SET', policy: 'ondemand' });
 *  governor.send({ type: 'LOAD', at: 0, load: 90, util: 920, idleCalls: 0, ioWait: false });
 *  operatingPointOf(governor.getSnapshot().context); // { tempo: 'presto', dynamics: 'ff' }
 *  ``` */
export const tempoGovernor: TempoGovernorMachine = machine;
