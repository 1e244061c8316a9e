/** What can be explored, and what exploring it gives. */
import type { Counterexample, Message } from './claim.ts';

/** What comes of a step. */
export interface StepResult<W> {
  readonly world: W;
  /** What went wrong in the step itself. */
  readonly broken?: string;
}

/** Something that can be explored. Worlds and steps are plain data. */
export interface Model<W, S> {
  readonly initial: W;
  /** What may happen next. */
  steps(world: W): readonly S[];
  /** The world after a step that may happen; the same result on each call. */
  after(world: W, step: S): StepResult<W>;
  /** A name for a step, the same in every world. Default: the step's text. */
  label?(step: S): string;
  /** The world's text, where it can be had faster than by reading it all. */
  key?(world: W): string;
  /** A step as it stands in a transcript. */
  messages?(world: W, step: S): readonly Message[];
}

/** A step out of a situation, and the situation that it leads to. */
export type Edge<S> = readonly [step: S, to: number];

/** All that was reached. Situations are numbered in the order in which they were found. */
export interface Explored<W, S> {
  readonly model: Model<W, S>;
  readonly situations: number;
  /** Steps taken, one for each way out of each situation. */
  readonly steps: number;
  readonly worlds: readonly W[];
  /** By situation: its ways out. Those that were not followed, because something was wrong, are missing. */
  readonly next: readonly (readonly Edge<S>[])[];
  /** By situation: the step that found it, and where that began. */
  readonly parents: readonly (readonly [step: S, from: number] | undefined)[];
  /** Situations were taken together by symmetry. */
  readonly reduced: boolean;
  readonly violation?: Wrong<W, S>;
  /** The violation as a transcript; `sequenceText` and `sequenceMermaid` draw it. */
  readonly counterexample?: Counterexample;
}

export interface Wrong<W, S> {
  /** `step`: a machine threw, or received an event that is impossible in its state. `end`: nothing may happen, and that
   *  is not all right. */
  readonly kind: 'step' | 'invariant' | 'end';
  /** In one sentence. */
  readonly what: string;
  /** A shortest way. */
  readonly path: readonly S[];
  readonly world: W;
  readonly error?: unknown;
}
