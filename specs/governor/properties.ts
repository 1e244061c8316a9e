/** What Table 3 claims of DVFS and tempo governors. What a governor does is judged against the kernel's own rules
 *  (`model.ts`) and the pool's (`pool/model.ts`), in lock-step; what it guarantees and how it fails, by invariants.
 *
 *  What the kernel does, a governor does. It also has boosts, deadlines and modes, and the kernel has no counterpart of
 *  these: the relation is a simulation. */
import type { AnyStateMachine } from 'xstate';
import { GOVERNORS } from '../../machines/governor/governor.ts';
import { tempoGovernor } from '../../machines/governor/tempo-governor.ts';
import { tableCells } from '../harness/cells.ts';
import type { Bounds, Claim, Finding } from '../harness/claim.ts';
import { turns } from '../harness/turn.ts';
import { smallest } from './compare.ts';
import { holds, type Judging } from './holds.ts';
import * as invariants from './invariants.ts';
import { governorRun } from './lockstep.ts';
import { DEPARTED, DEPARTURES, KERNEL_CALL } from './mapping.ts';
import type { Departures } from './model.ts';
import { DEPTH, everySequence } from './scope.ts';

/** Runs a governor beside its model until they differ or the runs are over. */
async function lockstep(
  machine: AnyStateMachine,
  { runs, seed, signal, progress }: Bounds,
): Promise<Finding> {
  const turn = turns(signal);
  let samples = 0;
  let done = 0;
  for (const policy of GOVERNORS) {
    for (let i = 0; i < runs; i++, done++) {
      await turn();
      progress?.(done / (runs * GOVERNORS.length));
      const run = governorRun(machine, policy, seed + i);
      samples += run.samples;
      if (run.counterexample !== undefined)
        return { verdict: 'fails', bound: policy, runs: done + 1, counterexample: run.counterexample };
    }
  }
  const bound = `${runs} random traces for each of ${GOVERNORS.length} policies`;
  return { verdict: 'simulation', bound, runs: done, transitions: samples };
}

/** Takes every short sequence of commands. */
async function explored(
  machine: AnyStateMachine,
  { signal, progress }: Bounds,
  departs: Departures = DEPARTURES,
): Promise<Finding> {
  const turn = turns(signal);
  const bound = `every sequence of ${DEPTH} commands after the choice of a policy, on a ladder of 3 points`;
  let transitions = 0;
  for (const { steps, part, found } of everySequence(machine, DEPTH, departs)) {
    await turn();
    progress?.(part);
    transitions = steps;
    if (found === undefined) continue;
    const counterexample = smallest(machine, found, departs);
    return { verdict: 'fails', bound, transitions, counterexample };
  }
  return { verdict: 'simulation', bound, transitions };
}

function total(machine: AnyStateMachine): Finding {
  const table = tableCells(machine, Object.keys(KERNEL_CALL));
  const missing = table.filter(({ kind }) => kind === 'missing');
  const bound = `${table.length} cells`;
  if (missing.length === 0) return { verdict: 'holds', bound };
  const what = `not declared: ${missing.map(({ state, event }) => `${state} ${event}`).join(', ')}.`;
  return { verdict: 'fails', bound, counterexample: { what, transcript: [] } };
}

const dvfs = { mapping: 'dvfs' } as const;

/** The claims of a governor, or of one with a mistake in it. */
export const governorClaimsOf = (machine: AnyStateMachine): Claim[] => [
  ...semanticsOf(machine),
  ...departuresOf(machine),
  ...invariantsOf(machine),
  ...failuresOf(machine),
];

const judgedOf =
  (machine: AnyStateMachine) => (judging: Omit<Judging, 'policies'> & Partial<Judging>) => (bounds: Bounds) =>
    holds(machine, { policies: GOVERNORS, ...judging }, bounds);

function semanticsOf(machine: AnyStateMachine): Claim[] {
  return [
    {
      ...dvfs,
      criterion: 'operational semantics',
      property:
        'After every event each governor is at the frequency and within the limits that the kernel would have chosen, and announces its point exactly when it changes.',
      source:
        'cpufreq.c, cpufreq_ondemand.c, cpufreq_conservative.c, cpufreq_userspace.c, cpufreq_schedutil.c; paper 4.5',
      expected: 'simulation',
      instrument: 'lockstep',
      check: (bounds) => lockstep(machine, bounds),
    },
    {
      ...dvfs,
      criterion: 'operational semantics',
      property:
        'Modes, budgets, deadlines, boosts and changes of policy do what is decided, in every short sequence of them.',
      source: 'docs/decisions/0021; paper 4.5',
      expected: 'simulation',
      instrument: 'explore',
      check: (bounds) => explored(machine, bounds),
    },
  ];
}

function invariantsOf(machine: AnyStateMachine): Claim[] {
  const judged = judgedOf(machine);
  return [
    {
      ...dvfs,
      criterion: 'invariant guarantees',
      property: 'Each policy declares what it does with each event.',
      source: 'Definition 6; docs/decisions/0028',
      expected: 'holds',
      instrument: 'cells',
      check: () => total(machine),
    },
    {
      ...dvfs,
      criterion: 'invariant guarantees',
      property:
        'The frequency is one of the table, between floor and ceiling; a change of point is announced once.',
      source: 'cpufreq.c (policy->min, policy->max, __cpufreq_driver_target); paper 4.5',
      expected: 'holds',
      instrument: 'scenario',
      check: judged({ invariants: [invariants.bounded, invariants.announced] }),
    },
    {
      ...dvfs,
      criterion: 'invariant guarantees',
      property:
        'Loads move the frequency no oftener than the rate limit or the sampling rate, and not at all under performance, powersave and userspace.',
      source: 'cpufreq_schedutil.c (sugov_should_update_freq); cpufreq_governor.c (dbs_update_util_handler)',
      expected: 'holds',
      instrument: 'scenario',
      check: judged({ invariants: [invariants.unhurried, invariants.deaf] }),
    },
    {
      ...dvfs,
      criterion: 'invariant guarantees',
      property: 'From the same place, more load never gives ondemand or schedutil a lower frequency.',
      source: 'cpufreq_ondemand.c (od_update); cpufreq_schedutil.c (get_next_freq)',
      expected: 'holds',
      instrument: 'scenario',
      check: judged({ policies: ['ondemand', 'schedutil'], invariants: [invariants.monotone] }),
    },
    {
      ...dvfs,
      criterion: 'invariant guarantees',
      property:
        'No work is kept waiting: at a sample ondemand above its threshold is at the ceiling, schedutil leaves no demand unserved that the ceiling allows, and does not slow down a pool that has not been idle.',
      source: 'cpufreq_ondemand.c (od_update); cpufreq_schedutil.c (sugov_update_single_freq)',
      expected: 'holds',
      instrument: 'scenario',
      check: judged({
        policies: ['ondemand', 'schedutil'],
        invariants: [invariants.conserving, invariants.patient],
      }),
    },
  ];
}

function failuresOf(machine: AnyStateMachine): Claim[] {
  const judged = judgedOf(machine);
  return [
    {
      ...dvfs,
      criterion: 'failure modes',
      property:
        'A budget throttles as heat does: no point costs more than the allowance, and an allowance of nothing forces the lowest point, for every load, deadline, boost and mode.',
      source: 'cpufreq.c (freq_qos, policy->max); docs/decisions/0021; paper 4.5',
      expected: 'holds',
      instrument: 'scenario',
      check: judged({ invariants: [invariants.affordable], atEnd: [invariants.exhausted] }),
    },
    {
      ...dvfs,
      criterion: 'failure modes',
      property:
        'A deadline is a floor: no point is later than it where the ladder has one that is not and the budget allows it.',
      source: 'cpufreq.c (freq_qos, policy->min); docs/decisions/0021',
      expected: 'holds',
      instrument: 'scenario',
      check: judged({ invariants: [invariants.timely] }),
    },
    {
      ...dvfs,
      criterion: 'failure modes',
      property:
        'Throttling leaves no trace: when the ceiling is lifted, the next sample decides as if it had never been lowered; conservative comes back by steps.',
      source:
        'cpufreq_governor.c (cpufreq_dbs_governor_limits); cpufreq_schedutil.c (sugov_limits); cpufreq_conservative.c',
      expected: 'holds',
      instrument: 'scenario',
      check: judged({ atEnd: [invariants.recovering, invariants.climbing] }),
    },
  ];
}

/** Properties that do not hold because of a known fault of the machine: each is claimed to fail, and the
 *  counter-example is shown. */
const departuresOf = (machine: AnyStateMachine): Claim[] =>
  (Object.keys(DEPARTED) as (keyof Departures)[])
    .filter((departure) => DEPARTURES[departure])
    .map((departure) => ({
      ...dvfs,
      criterion: 'operational semantics',
      ...DEPARTED[departure],
      expected: 'fails',
      instrument: 'explore',
      check: (bounds) => explored(machine, bounds, { ...DEPARTURES, [departure]: false }),
    }));

export const governorClaims: readonly Claim[] = governorClaimsOf(tempoGovernor);
