/** The mapping of MESI: what an agent may do with its copy in each state of its line.
 *
 *  | hardware                        | machine        | agents                                            |
 *  | ------------------------------- | -------------- | ------------------------------------------------- |
 *  | invalid                         | `I`            | has no copy, or one that may be stale              |
 *  | shared                          | `S`            | reads; others may, too                             |
 *  | exclusive | `E` | reads; no other has a copy, a write is one word |
 *  | modified                        | `M`            | owns: may read and write                           |
 *  | transient, waits for the bus | `IS` `IM` `SM` | has sent a request; `SM` still reads |
 *  | write-back on the bus           | `MP`           | its write is ordered; reads the old value          |
 *  | read-for-ownership | a `fermata` | all agents hold |
 *  | invalidation                    | a `cue`        | there is a new version                             |
 *
 *  Source: Papamarcos & Patel 1984; Sorin, Hill & Wood, ch. 7; paper 4.4. */
import type { SnapshotFrom } from 'xstate';
import type { CacheLineMachine } from '../../machines/cache-line.ts';

type State = SnapshotFrom<CacheLineMachine>['value'];
export type Permission = 'none' | 'read' | 'write';

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
