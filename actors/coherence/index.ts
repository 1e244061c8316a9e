/** Coherence on the bus: memory, lines and leases. What a user calls is in `src/coherence`. */
export { Cell, type Change } from './cell.ts';
export { patchesSince } from './changes.ts';
export {
  agentId,
  fromSignal,
  nameOf,
  toSignal,
  type Entry,
  type Patch,
  type ReadOf,
  type Result,
  type Write,
} from './entry.ts';
export { Line, type Copy, type LineClient, type LineState, type PendingStore } from './line.ts';
export { MissedHistoryError, OriginError } from './errors.ts';
export type { ReplicaSnapshot } from './joining.ts';
export { Memory, type Faults, type MemoryOptions, type Sink } from './memory.ts';
export { Replica, replicaOf, type Inspect, type ReplicaOptions } from './replica.ts';
export { Sender, type Unsent } from './sender.ts';
export type { CellSnapshot, MemorySnapshot } from './snapshot.ts';
