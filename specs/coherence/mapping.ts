/** The mapping of MESI: what an agent may do with its copy in each state of its line.
 *
 *  | hardware                        | machine        | agents                                            |
 *  | ------------------------------- | -------------- | ------------------------------------------------- |
 *  | invalid                         | `I`            | has no copy, or one that may be stale              |
 *  | shared                          | `S`            | reads; others may, too                             |
 *  | exclusive                       | `E`            | reads; no other agent has a copy; after a write, too |
 *  | (none: written through)         | `M`            | holds the key: may read and write                  |
 *  | transient, waits for the bus    | `IS` `IM` `SM` | has sent a request; `SM` still reads               |
 *  | write-back on the bus           | `MP`           | its write is ordered; reads the old value          |
 *  | read-for-ownership              | a `fermata`    | a request for ownership                            |
 *  | invalidation                    | a `cue`        | there is a new version                             |
 *
 *  Source: Papamarcos & Patel 1984; Sorin, Hill & Wood, ch. 7; paper 4.4. */
import type { SnapshotFrom } from 'xstate';
import type { CacheLineMachine } from '../../machines/coherence/cache-line.ts';

type State = SnapshotFrom<CacheLineMachine>['value'];
export type Permission = 'none' | 'read' | 'write';

/** What the book calls each state, and what the agent may do in it. The book's M has no state of its own: memory is written
 *  through, so that a line that has written is in E. Total: a new state does not compile until it is mapped. */
export const BOOK_STATES: Readonly<Record<State, { readonly book: string; readonly may: string }>> = {
  I: { book: 'I', may: 'nothing: it has no copy' },
  S: { book: 'S', may: 'read; other agents may, too' },
  E: { book: 'E, or M after a write of its own', may: 'read, and write without asking' },
  M: { book: 'none: the key is held', may: 'read and write; other writers wait' },
  IS: { book: 'I, on its way to S or E', may: 'nothing: it has asked for a copy' },
  IM: { book: 'I, on its way to M', may: 'nothing: it has asked for ownership' },
  SM: { book: 'S, on its way to M', may: 'read; it has asked for ownership' },
  MP: { book: 'M, its write on the bus', may: 'read the old value until the write is ordered' },
};

/** Total: a new state of the line does not compile until it is mapped. */
export const PERMISSION: Readonly<Record<State, Permission>> = {
  I: 'none',
  S: 'read',
  E: 'read', // it may become a writer without a request, but is not one yet
  M: 'write',
  IS: 'none',
  IM: 'none',
  SM: 'read',
  MP: 'read',
};
