/** No station waits indefinitely among fair surroundings: each operand or its fault comes, each request is granted, each
 *  agent answers, each broadcast passes or is refused, holds are lifted, and neither holds nor vamps are ordered without
 *  end.
 *
 *  It is shown as one shows that a loop ends. In every situation in which a station is busy, at least one fair event
 *  may happen; and each fair event reduces what is left to do, in an order that has no infinite descent. Termination by
 *  a ranking function: Floyd, "Assigning Meanings to Programs", 1967. */
import type { AnyStateMachine } from 'xstate';
import type { StationContext } from '../../machines/tomasulo/reservation-station.ts';
import type { Situation, WalkOptions } from '../harness/walk.ts';
import type { AroundStation } from './around-station.ts';
import type { Compared } from './correspondence.ts';
import { situationsOf, stepsFrom, situationTranscript } from './situations.ts';

/** What fair surroundings cannot put off indefinitely. A RESUME counts while something is held. */
const FAIR = new Set(['OPERAND', 'FAULT', 'GRANT_UNIT', 'DONE', 'FAILED', 'WRITTEN', 'UNSENT', 'RESUME']);
/** How far each state is from being free. */
const FAR: Readonly<Record<string, number>> = {
  waiting: 4,
  held: 4,
  ready: 3,
  executing: 2,
  squashed: 2,
  writing: 1,
  poisoned: 1,
  free: 0,
};

type At = Situation<AroundStation, StationContext>;

/** What is left: tries and rounds, then operands, then holds, then the way to `free`. */
const left = ({ value, context: { retries, repeats, holds }, surroundings: { due } }: At): number[] => [
  retries + repeats,
  due,
  holds,
  FAR[value]!,
];

/** @returns how many situations and steps were looked at, and the first in which a station may wait indefinitely. */
export function waitsForEver(machine: AnyStateMachine, setting: WalkOptions<AroundStation>): Compared {
  const { all, impossible } = situationsOf(machine, setting);
  const from = stepsFrom(machine, setting);
  let transitions = 0;
  for (const situation of all) {
    if (situation.value === 'free') continue;
    const where = `'${situation.value}' with [${left(situation).join(', ')}] left`;
    const fair = from(situation).filter(
      ({ event: { type } }) => FAIR.has(type) && (type !== 'RESUME' || situation.value === 'held'),
    );
    transitions += fair.length;
    const idle = fair.find(({ to }) => to.value !== 'free' && !isLess(left(to), left(situation)));
    const wrong =
      fair.length === 0
        ? `in ${where} nothing will happen`
        : idle && `in ${where} ${idle.event.type} leaves as much to do`;
    if (wrong)
      return {
        states: all.length,
        transitions,
        wrong,
        way: situationTranscript(machine, setting, situation),
      };
  }
  return { states: all.length, transitions, ...(impossible && { wrong: impossible }) };
}

/** In lexicographic order. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  const first = a.findIndex((value, i) => value !== b[i]);
  return first >= 0 && a[first]! < b[first]!;
}
