/** What Table 3 claims of DVFS and tempo governors, judged against the kernel's own rules (`model.ts`). */
import type { AnyStateMachine } from 'xstate';
import { GOVERNORS, type GovernorName } from '../../machines/governor.ts';
import { tempoGovernor } from '../../machines/tempo-governor.ts';
import type { Bounds, Claim, Finding } from '../claim.ts';
import { turns } from '../turn.ts';
import { governorRun } from './lockstep.ts';

const machine = tempoGovernor as unknown as AnyStateMachine;

/** Runs this governor beside the kernel's until they differ or the runs are over. */
async function lockstep(
  policies: readonly GovernorName[],
  { runs, seed, signal, progress }: Bounds,
): Promise<Finding> {
  const turn = turns(signal);
  let samples = 0;
  let done = 0;
  for (const policy of policies) {
    for (let i = 0; i < runs; i++, done++) {
      await turn();
      progress?.(done / (runs * policies.length));
      const run = governorRun(machine, policy, seed + i);
      samples += run.samples;
      if (run.counterexample !== undefined)
        return { verdict: 'fails', bound: policy, runs: done + 1, counterexample: run.counterexample };
    }
  }
  const bound = `${runs} random traces for each of ${policies.length} policies`;
  return { verdict: 'isomorphism', bound, runs: done, transitions: samples };
}

export const governorClaims: readonly Claim[] = [
  {
    mapping: 'dvfs',
    criterion: 'operational semantics',
    property: 'After every sample each governor is at the frequency that the kernel would have chosen.',
    source: 'cpufreq_ondemand.c, cpufreq_conservative.c, cpufreq_schedutil.c; paper 4.5',
    expected: 'isomorphism',
    instrument: 'lockstep',
    check: (bounds) => lockstep(GOVERNORS, bounds),
  },
  {
    mapping: 'dvfs',
    criterion: 'invariant guarantees',
    property:
      'Floor and ceiling are the kernel’s after every sample, for the policies that follow load or a set speed.',
    source: 'cpufreq.c (policy->min, policy->max); paper 4.5',
    expected: 'holds',
    instrument: 'lockstep',
    check: async (bounds) =>
      asHolds(await lockstep(['schedutil', 'ondemand', 'conservative', 'userspace'], bounds)),
  },
  {
    mapping: 'dvfs',
    criterion: 'failure modes',
    property:
      'A budget lowers and lifts the ceiling as a thermal limit does: the policies that ignore load follow it to the kernel’s frequency.',
    source: 'cpufreq_governor.c (cpufreq_dbs_governor_limits); paper 4.5',
    expected: 'holds',
    instrument: 'lockstep',
    // The traces lower and raise the budget about once in fourteen samples.
    check: async (bounds) => asHolds(await lockstep(['performance', 'powersave'], bounds)),
  },
];

const asHolds = (found: Finding): Finding =>
  found.verdict === 'isomorphism' ? { ...found, verdict: 'holds' } : found;
