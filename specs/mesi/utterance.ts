/** What a transcript is made of: who hears, orders or says what, while a step is taken. */

/** One thing that somebody hears or says, before it is put into words. */
export type Utterance = Hearing | Ordering | Saying;
export interface Hearing {
  readonly what: 'heard';
  readonly agent: number;
  readonly key: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly words: readonly string[];
  /** From its own agent, and not from memory. */
  readonly own: boolean;
}
export interface Ordering {
  readonly what: 'ordered';
  readonly by: number;
  readonly text: string;
  readonly outcome: string;
}
export interface Saying {
  /** To the bus, or to nobody. */
  readonly what: 'said' | 'begun';
  readonly by: number;
  readonly text: string;
}
