/** A tempo governor and its model, side by side: the same commands and loads, and after each of them the same
 *  frequency, limits, point and mode, and the same announced points. The smallest trace that differs is the
 *  counter-example. */
import type { AnyStateMachine } from 'xstate';
import { GOVERNORS, type GovernorName } from '../../machines/governor/governor.ts';
import type { Counterexample } from '../harness/claim.ts';
import { Random } from '../harness/random.ts';
import { differenceIn, promisedByModel, smallest, type Seen } from './compare.ts';
import { DEPARTURES } from './mapping.ts';
import type { Departures } from './model.ts';
import { DEPTH, everySequence } from './scope.ts';
import { drawTrace, type EventTrace } from './traces.ts';

export interface GovernorRun {
  /** Events after each of which the two were compared. */
  readonly samples: number;
  /** Every frequency that it was at. */
  readonly visited: ReadonlySet<number>;
  readonly counterexample?: Counterexample;
}

/** Draws a trace and compares after every event.
 *  @param machine the governor, or one with a mistake in it.
 *  @param policy rules most of the time. */
export function governorRun(
  machine: AnyStateMachine,
  policy: GovernorName,
  seed: number,
  departs: Departures = DEPARTURES,
): GovernorRun {
  const trace = drawTrace(policy, new Random(seed));
  const visited = new Set<number>();
  const found = differenceIn(machine, trace, promisedByModel(trace, departs), ({ context }) => {
    visited.add(context.memory.cur);
  });
  if (found === undefined) return { samples: trace.events.length, visited };
  const samples = found.at + 1;
  const { what, transcript } = smallest(
    machine,
    { ...trace, events: trace.events.slice(0, samples) },
    departs,
  );
  return { samples, visited, counterexample: { what: `${policy}: ${what}`, seed, transcript } };
}

/** Random traces for each policy, drawn and answered once: many machines are judged by them. */
const SEEDS = 200;
let answered: readonly (readonly [EventTrace, readonly Seen[]])[] | undefined;
/** The first difference between the machine and its model, in one sentence, or nothing. A machine without a difference
 *  does as promised on every one of the traces, and after every short sequence of commands. */
export function governorDiffers(machine: AnyStateMachine): string | undefined {
  answered ??= Array.from({ length: SEEDS }, (_, seed) => seed).flatMap((seed) =>
    GOVERNORS.map((policy) => {
      const trace = drawTrace(policy, new Random(seed));
      return [trace, promisedByModel(trace, DEPARTURES)] as const;
    }),
  );
  for (const [trace, answers] of answered) {
    const found = differenceIn(machine, trace, answers);
    if (found !== undefined) return found.what;
  }
  for (const { found } of everySequence(machine, DEPTH))
    if (found !== undefined) return smallest(machine, found, DEPARTURES).what;
  return undefined;
}
