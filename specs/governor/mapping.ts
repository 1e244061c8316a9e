/** The mapping of frequency scaling: what of the kernel's is what of the machine, and what that is among agents.
 *
 *  | model                        | machine                      | kernel (drivers/cpufreq, kernel/sched)        | agents                                     |
 *  | ---------------------------- | ---------------------------- | --------------------------------------------- | ------------------------------------------ |
 *  | `KernelPolicy`               | `memory`                     | `struct cpufreq_policy`, its governor's data   | how hard a pool works, and why             |
 *  | `table`                      | `ladder`                     | frequency table, operating performance points | models and efforts, cheapest first         |
 *  | `cur`                        | `memory.cur`                 | `policy->cur`                                 | the point that the pool works at           |
 *  | `max`                        | `memory.max`, by `allowance` | `policy->max`, by thermal pressure            | what the next step may cost                |
 *  | `min`                        | `memory.min`, by `remainingMs` | `policy->min`, by a latency request         | how soon the answer is due                 |
 *  | `update`                     | LOAD                         | a scheduler tick, `dbs_update`                | how full the queue is, what was rejected   |
 *  | `limits`                     | BUDGET, DEADLINE             | `freq_qos` notifier, governor's `limits`      | the ledger, the clock                      |
 *  | `start`, `tune`, `set_speed` | SET                          | `scaling_governor`, tunables, `scaling_setspeed` | the caller                              |
 *  | `step_up`                    | BOOST                        | none                                          | a verifier's rejection: one step up, again |
 *  | `PoolModel.mode`             | `mode`                       | none; a governor stands for two of three      | sprint, conservation, crisis               |
 *  | `hear`'s answer | `setOperatingPoint` | `cpufreq_driver->target` | the pool receives its point |
 *
 *  Where one side has nothing: units of time (docs/decisions/0021); `limits` is called for each BUDGET and DEADLINE, the
 *  kernel's only when a limit moves; choosing the policy that rules anyway is nothing, in the kernel a call of `limits`;
 *  other tunables wait for the next sample, where the kernel takes a new sampling rate at once. Sources: the files of the
 *  kernel that `model.ts` names; paper 4.5. */
import type { TempoGovernorEvent, TempoGovernorMachine } from '../../machines/governor/tempo-governor.ts';
import type { Departures } from './model.ts';

type State = ReturnType<TempoGovernorMachine['getInitialSnapshot']>['value'];

export interface Governing {
  /** The kernel's file. */
  readonly kernel: string;
  /** What moves the frequency, apart from a change of limits. */
  readonly follows: 'nothing' | 'what is set' | 'load' | 'utilisation';
}

/** Total: a new policy does not compile until it is mapped. */
export const GOVERNING: Readonly<Record<State, Governing>> = {
  performance: { kernel: 'cpufreq_performance.c', follows: 'nothing' },
  powersave: { kernel: 'cpufreq_powersave.c', follows: 'nothing' },
  userspace: { kernel: 'cpufreq_userspace.c', follows: 'what is set' },
  ondemand: { kernel: 'cpufreq_ondemand.c', follows: 'load' },
  conservative: { kernel: 'cpufreq_conservative.c', follows: 'load' },
  schedutil: { kernel: 'cpufreq_schedutil.c', follows: 'utilisation' },
};

/** What of the kernel each event stands for. Total: a new event does not compile until it is mapped. */
export const KERNEL_CALL: Readonly<Record<TempoGovernorEvent['type'], string>> = {
  LOAD: 'dbs_update_util_handler, sugov_update_single_freq',
  BUDGET: 'freq_qos_update_request (FREQ_QOS_MAX)',
  DEADLINE: 'freq_qos_update_request (FREQ_QOS_MIN)',
  BOOST: 'none',
  SET: 'store_scaling_governor, store_scaling_setspeed, the governor’s attributes',
};

/** Where the machine is known to depart from the kernel's text. Each that is `true` is claimed not to hold, with a
 *  counter-example, and everything else is judged with it. `false` once the machine is mended. */
export const DEPARTURES: Departures = { idle_is_served: false, request_outlives_limits: false };

/** What a departure takes away. Total: a new one does not compile until it is described. */
export const DEPARTED: Readonly<Record<keyof Departures, { property: string; source: string }>> = {
  idle_is_served: {
    property:
      'After a start or a boost, schedutil’s next sample takes a pool without demand to the lowest point.',
    source: 'cpufreq_schedutil.c (sugov_start, sugov_limits: need_freq_update); docs/decisions/0021',
  },
  request_outlives_limits: {
    property: 'A change of limits makes conservative start again from where it is.',
    source: 'cpufreq_conservative.c (cs_limits, since March 2026)',
  },
};
