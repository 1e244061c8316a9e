/** Moments and marks in words: a trace has a clock and faults, a counter-example has steps and a violation. */
import type { Opened } from '../model/opened.ts';
import { ms } from './words.ts';

/** When a message was: a time, or its place in a counter-example.
 *  @param time the moment that is shown, where it is not that of the message */
export function momentOf({ trace, counterexample }: Opened, row: number, time?: number): string {
  if (counterexample === undefined) return ms(time ?? (row < 0 ? 0 : trace.time(row)));
  return row < 0 ? 'start' : `step ${trace.place(row).line}`;
}
/** What a marked message is. */
export const faultOf = ({ counterexample }: Opened): string =>
  counterexample === undefined ? 'a fault' : 'the violation';
