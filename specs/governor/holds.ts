/** Whether invariants of a governor hold along random traces; the smallest trace that breaks one is the counter-example. */
import type { AnyStateMachine } from 'xstate';
import type { GovernorName } from '../../machines/governor/governor.ts';
import type { Bounds, Counterexample, Finding } from '../harness/claim.ts';
import { Random } from '../harness/random.ts';
import { turns } from '../harness/turn.ts';
import { governorTranscript } from './compare.ts';
import type { TraceInvariant } from './invariants.ts';
import { shrinkList } from './shrink.ts';
import { stepperOf } from './stepper.ts';
import { drawTrace, type EventTrace } from './traces.ts';

export interface Judging {
  readonly policies: readonly GovernorName[];
  readonly invariants?: readonly TraceInvariant[];
  /** Checked only where the trace ends, not after every step: for checks that look far ahead. */
  readonly atEnd?: readonly TraceInvariant[];
}

/** The first check that fails along a trace. */
function broken(
  machine: AnyStateMachine,
  trace: EventTrace,
  { invariants = [], atEnd = [] }: Judging,
): string | undefined {
  const always = invariants.map((invariant) => invariant());
  const last = atEnd.map((invariant) => invariant());
  try {
    const stepper = stepperOf(machine);
    let before = stepper.begin(trace);
    for (const [i, event] of trace.events.entries()) {
      const [after, said] = stepper.step(before, event);
      for (const check of i === trace.events.length - 1 ? [...always, ...last] : always) {
        const wrong = check({ before, event, after, said, stepper });
        if (wrong !== undefined) return wrong;
      }
      before = after;
    }
  } catch (error) {
    return `the governor throws ${String(error)}.`;
  }
  return undefined;
}

function counterexampleOf(
  machine: AnyStateMachine,
  trace: EventTrace,
  judging: Judging,
  seed: number,
): Counterexample {
  const events = shrinkList(
    trace.events,
    (rest) => broken(machine, { ...trace, events: rest }, judging) !== undefined,
  );
  const small = { ...trace, events };
  return { what: broken(machine, small, judging)!, seed, transcript: governorTranscript(machine, small) };
}

/** Judges invariants along `runs` traces for each policy. */
export async function holds(
  machine: AnyStateMachine,
  judging: Judging,
  { runs, seed, signal, progress }: Bounds,
): Promise<Finding> {
  const turn = turns(signal);
  const { policies } = judging;
  let done = 0;
  let transitions = 0;
  for (const policy of policies) {
    for (let i = 0; i < runs; i++, done++) {
      await turn();
      progress?.(done / (runs * policies.length));
      const trace = drawTrace(policy, new Random(seed + i));
      transitions += trace.events.length;
      if (broken(machine, trace, judging) === undefined) continue;
      const counterexample = counterexampleOf(machine, trace, judging, seed + i);
      return { verdict: 'fails', bound: policy, runs: done + 1, transitions, counterexample };
    }
  }
  const bound = `${runs} random traces for each of ${policies.length} policies`;
  return { verdict: 'holds', bound, runs: done, transitions };
}
