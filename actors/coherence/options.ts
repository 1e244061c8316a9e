/** What a replica is made from. */
import type { InspectionEvent, Observer } from 'xstate';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../bus/clock.ts';
import type { Faults } from './faults.ts';
import type { ReplicaSnapshot } from './joining.ts';

export interface ReplicaOptions {
  readonly bus: Bus;
  /** Names the space; several may share a bus. Default `shared`. */
  readonly scope?: string;
  readonly initial: Iterable<readonly [key: string, value: unknown]>;
  readonly readers?: ReaderPolicy;
  readonly history?: number;
  readonly clock?: Clock;
  /** How long an owner may be silent while another agent waits, ms. */
  readonly leaseMs?: number;
  /** How long a bus that fails is tried again, ms. */
  readonly outageMs?: number;
  /** Tells this process's entries from those of any other. */
  readonly session: string;
  /** Where to begin: at the start of the log (default), at its tip because no entry of this space is on it, or from
   *  another replica's snapshot. */
  readonly from?: 'log' | 'tip' | ReplicaSnapshot;
  readonly faults?: Faults;
  /** XState's inspection of every line. */
  readonly inspect?: Inspect | undefined;
  /** Called when this replica cannot go on: the bus is gone, or the replica does not know the history. */
  readonly onLost?: (why: unknown) => void;
}
export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);
