/** Claims about the verification of the governor: what is claimed is found, and each seeded fault, in its table or in its
 *  formulas, is seen by the claim that is there to see it. */
import { describe, expect, test } from 'vitest';
import { assign, createMachine, type AnyStateMachine } from 'xstate';
import type { GovernorName } from '../../machines/governor/governor.ts';
import { ladder } from '../../machines/governor/operating-point.ts';
import {
  contextUnder,
  tempoGovernor,
  type TempoGovernorContext,
  type TempoGovernorEvent,
} from '../../machines/governor/tempo-governor.ts';
import type { Bounds, Claim } from '../../specs/harness/claim.ts';
import { promisedByModel } from '../../specs/governor/compare.ts';
import { DEPARTURES } from '../../specs/governor/mapping.ts';
import { governorClaims, governorClaimsOf } from '../../specs/governor/properties.ts';
import { DEPTH, everySequence } from '../../specs/governor/scope.ts';
import { shrinkList } from '../../specs/governor/shrink.ts';
import { stepperOf } from '../../specs/governor/stepper.ts';
import { mutants } from '../../specs/harness/mutants.ts';

const machine = tempoGovernor as unknown as AnyStateMachine;
const bounds: Bounds = { agents: 3, lines: 1, runs: 200, seed: 11 };
const LOCKSTEP = 'the kernel would have chosen';
const SHORT = 'in every short sequence';
const named = (claims: readonly Claim[], words: string): Claim => {
  const found = claims.filter(({ property }) => property.includes(words));
  expect(found.map(({ property }) => property)).toHaveLength(1);
  return found[0]!;
};

test('each claim is found to be what it is expected to be', async () => {
  for (const claim of governorClaims) {
    const { verdict, counterexample } = await claim.check(bounds);
    expect([claim.property, verdict, verdict === 'fails' ? '' : counterexample?.what]).toEqual([
      claim.property,
      claim.expected,
      verdict === 'fails' ? '' : undefined,
    ]);
  }
});

test('a check that is aborted stops, and one that runs reports its progress', async () => {
  for (const words of [LOCKSTEP, SHORT, 'between floor and ceiling']) {
    const claim = named(governorClaims, words);
    const parts: number[] = [];
    await claim.check({ ...bounds, runs: 3, progress: (part) => void parts.push(part) });
    expect(parts.length).toBeGreaterThan(1);
    expect([parts[0]! >= 0, parts.at(-1)! <= 1]).toEqual([true, true]);
    expect(parts).toEqual(parts.toSorted((a, b) => a - b));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(Promise.resolve(claim.check({ ...bounds, signal }))).rejects.toThrow('enough');
  }
});

test('the machine departs from the kernel’s text where `DEPARTURES` states it, and nowhere else', () => {
  for (const departure of Object.keys(DEPARTURES) as (keyof typeof DEPARTURES)[]) {
    const turned = { ...DEPARTURES, [departure]: !DEPARTURES[departure] };
    const found = [...everySequence(machine, DEPTH, turned)].at(-1)!.found;
    expect([departure, found === undefined]).toEqual([departure, false]);
  }
});

test('conservative may be slower under full load than under some, as the kernel’s is: its steps round down on the way up', () => {
  const points = ladder([
    { tempo: 'largo', dynamics: 'pp', frequency: 100 },
    { tempo: 'presto', dynamics: 'ff', frequency: 200 },
  ]);
  const under = (load: number) => {
    const at = (i: number, now: number) =>
      ({ type: 'LOAD', at: i * 1_000, load: now, util: 0, idleCalls: i, ioWait: false }) as const;
    const events = [
      { type: 'SET', policy: 'performance' },
      { type: 'SET', policy: 'conservative' },
      at(1, 0),
      at(2, 0),
      at(3, load),
    ] as const;
    const [seen] = promisedByModel({ ladder: points, events }, DEPARTURES).slice(-1);
    const { begin, step } = stepperOf(machine);
    const place = events.reduce((from, event) => step(from, event)[0], begin({ ladder: points }));
    return [place.context.memory.cur, seen!.cur];
  };
  expect([under(50), under(100)]).toEqual([
    [200, 200], // asked for 180: the lowest at or above it
    [100, 100], // asked for 190: the highest at or below it
  ]);
});

test('a list is shrunk until nothing can be dropped', () => {
  const list = Array.from({ length: 40 }, (_, i) => i);
  const shown = (rest: readonly number[]) => rest.includes(3) && rest.indexOf(17) < rest.indexOf(31);
  expect(shrinkList(list, (rest) => shown(rest) && rest.includes(17))).toEqual([3, 17, 31]);
  expect(shrinkList(list, (rest) => rest.length >= 5)).toHaveLength(5);
  expect(shrinkList(list, () => true)).toEqual([]);
  expect(shrinkList([], () => true)).toEqual([]);
});

type Take = (
  policy: GovernorName,
  context: TempoGovernorContext,
  event: TempoGovernorEvent,
) => TempoGovernorContext;
/** The machine with other formulas. */
const taking = (take: Take): AnyStateMachine =>
  machine.provide({
    actions: {
      take: assign(({ context, event }: never, { policy }: never) => take(policy, context, event)),
    },
  } as never);
/** The machine with another cell. */
function withCell(state: GovernorName, event: string, cell: unknown): AnyStateMachine {
  const { states, ...config } = machine.config;
  const on = { ...states![state]!.on, [event]: cell };
  if (cell === undefined) delete on[event];
  const changed = { ...states, [state]: { ...states![state], on } };
  return createMachine({ ...config, states: changed } as never, machine.implementations as never) as never;
}
const mutant = (name: string) => mutants(machine).find((one) => one.name === name)!.machine;
const cellOf = (state: GovernorName, event: string) => machine.config.states![state]!.on![event as never];
const remembering = (context: TempoGovernorContext, memory: Partial<TempoGovernorContext['memory']>) => ({
  ...context,
  memory: { ...context.memory, ...memory },
});

const FAULTS: readonly (readonly [fault: string, seenBy: readonly string[], AnyStateMachine])[] = [
  [
    'a change is not announced',
    [LOCKSTEP, SHORT, 'a change of point is announced once'],
    mutant('ondemand LOAD[0] without setOperatingPoint'),
  ],
  [
    'a policy forgets an event',
    ['declares what it does', LOCKSTEP, SHORT],
    withCell('conservative', 'BOOST', undefined),
  ],
  [
    'performance listens to load',
    ['not at all under performance', LOCKSTEP],
    withCell('performance', 'LOAD', cellOf('ondemand', 'LOAD')),
  ],
  [
    'a threshold is reached and not passed',
    [LOCKSTEP],
    taking((policy, context, event) => {
      const met = event.type === 'LOAD' && event.load === context.tunables.upThreshold;
      return contextUnder(policy, context, met ? { ...event, load: event.load + 1 } : event);
    }),
  ],
  [
    'the rate limits are ignored',
    [LOCKSTEP, SHORT, 'no oftener than the rate limit'],
    taking((policy, context, event) => {
      const hurried = { ...context.tunables, rateLimit: 0, samplingRate: 1 };
      const next = contextUnder(policy, { ...context, tunables: hurried }, event);
      return event.type === 'LOAD'
        ? { ...next, tunables: context.tunables }
        : contextUnder(policy, context, event);
    }),
  ],
  [
    'a deadline raises no floor',
    [LOCKSTEP, SHORT, 'A deadline is a floor'],
    taking((policy, context, event) =>
      event.type === 'DEADLINE'
        ? {
            ...contextUnder(policy, context, { ...event, remainingMs: null }),
            remainingMs: event.remainingMs,
          }
        : contextUnder(policy, context, event),
    ),
  ],
  [
    'a budget lowers no ceiling',
    [LOCKSTEP, SHORT, 'A budget throttles as heat does'],
    taking((policy, context, event) =>
      event.type === 'BUDGET'
        ? { ...contextUnder(policy, context, { ...event, allowance: null }), allowance: event.allowance }
        : contextUnder(policy, context, event),
    ),
  ],
  [
    'the floor wins over the ceiling',
    [LOCKSTEP, SHORT, 'A budget throttles as heat does'],
    taking((policy, context, event) => {
      const next = contextUnder(policy, context, event);
      if (next.remainingMs !== 0) return next;
      const top = context.ladder.at(-1)!.frequency;
      return remembering(next, { min: top, max: top, cur: top });
    }),
  ],
  [
    'a boost goes through the ceiling',
    [LOCKSTEP, SHORT, 'between floor and ceiling'],
    taking((policy, context, event) => {
      if (event.type !== 'BOOST') return contextUnder(policy, context, event);
      const { cur } = context.memory;
      return remembering(context, {
        cur: context.ladder.find(({ frequency }) => frequency > cur)?.frequency ?? cur,
      });
    }),
  ],
  [
    'more load is taken for less',
    [LOCKSTEP, SHORT, 'more load never gives', 'No work is kept waiting'],
    taking((policy, context, event) =>
      contextUnder(
        policy,
        context,
        event.type === 'LOAD' ? { ...event, load: 100 - event.load, util: 1_024 - event.util } : event,
      ),
    ),
  ],
  [
    'a busy pool is slowed down',
    [LOCKSTEP, SHORT, 'does not slow down a pool that has not been idle'],
    taking((policy, context, event) =>
      contextUnder(
        policy,
        event.type === 'LOAD' ? remembering(context, { idleCalls: event.idleCalls - 1 }) : context,
        event,
      ),
    ),
  ],
  [
    'a policy starts with what another remembers',
    [LOCKSTEP],
    taking((policy, context, event) => {
      const next = contextUnder(policy, context, event);
      if (event.type !== 'SET') return next;
      return remembering(next, {
        lastSample: context.memory.lastSample,
        sampleDelay: context.memory.sampleDelay,
      });
    }),
  ],
  [
    'a lifted ceiling is not noticed',
    [LOCKSTEP, 'Throttling leaves no trace'],
    taking((policy, context, event) => {
      const next = contextUnder(policy, context, event);
      return event.type === 'BUDGET' ? remembering(next, { limitsChanged: false }) : next;
    }),
  ],
  [
    'conservative does not climb back',
    [LOCKSTEP, SHORT, 'Throttling leaves no trace'],
    taking((policy, context, event) => {
      const next = contextUnder(policy, context, event);
      const throttled = policy === 'conservative' && context.memory.lastSample !== null;
      return event.type === 'LOAD' && throttled ? context : next;
    }),
  ],
];

describe('a seeded fault is seen', () => {
  test.each(FAULTS)('%s', async (_, seenBy, broken) => {
    const claims = governorClaimsOf(broken);
    for (const words of seenBy) {
      const { verdict, counterexample } = await named(claims, words).check(bounds);
      expect([words, verdict]).toEqual([words, 'fails']);
      expect(counterexample!.what).not.toBe('');
    }
  });

  test('by a trace from which nothing can be dropped, and which its seed gives again', async () => {
    const [, , broken] = FAULTS.find(([fault]) => fault === 'a boost goes through the ceiling')!;
    const check = () => named(governorClaimsOf(broken), LOCKSTEP).check(bounds);
    const [{ counterexample }, again] = [await check(), await check()];
    expect(again.counterexample).toEqual(counterexample);
    const commands = counterexample!.transcript.filter(({ to }) => to === 'governor');
    expect(commands.length).toBeLessThanOrEqual(4); // of twenty to sixty
    expect(commands.at(-1)!.text).toBe('{"type":"BOOST"}');
    expect(counterexample!.what).toMatch(/^\w+: the governor is at \d+ within \d+ … \d+/);
  });
});
