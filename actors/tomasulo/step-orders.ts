/** Orders of signals to single steps, whether or not the steps have been issued: an outcome must not depend on how far
 *  issue has come. Orders of a step are dropped when it ends. */

import type { HctSignal } from '../../machines/hct/signal.ts';

/** A vamp that a signal asked for. */
export interface VampOrder {
  /** The most rounds. */
  readonly rounds: number;
  /** A result with a `quality` of at least this is good enough, 0 to 1; undefined: only a cue or the cap ends it. */
  readonly quality: number | undefined;
}

export class StepOrders {
  /** Steps that are not to run, and why. */
  readonly refused = new Map<number, Error>();
  readonly vamps = new Map<number, VampOrder>();
  /** Steps that a cue has released before they were issued: the hold that their score asks for is lifted in advance. */
  readonly released = new Set<number>();
  /** What persons have answered. */
  readonly answers = new Map<number, unknown>();
  /** Operands that a person has replaced, by name. */
  readonly edits = new Map<number, Readonly<Record<string, unknown>>>();
  /** Held steps with a question that has not been asked, since an operand is missing. */
  readonly unasked = new Set<number>();
  /** Steps whose vamp ends with the round that runs. */
  readonly lastRounds = new Set<number>();

  /** Signals that name what this performance has not, or not yet: they count for steps that a scope adds later. */
  readonly early: HctSignal[] = [];

  drop(step: number): void {
    if (this.refused.size > 0) this.refused.delete(step);
    if (this.released.size > 0) this.released.delete(step);
    if (this.answers.size > 0) this.answers.delete(step);
    if (this.edits.size > 0) this.edits.delete(step);
    if (this.unasked.size > 0) this.unasked.delete(step);
    if (this.vamps.size > 0) this.vamps.delete(step);
    if (this.lastRounds.size > 0) this.lastRounds.delete(step);
  }
}
