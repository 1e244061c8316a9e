/** Coherence on the bus: memory, lines and leases. What a user calls is in `src/coherence`. */
export { Cell, type Change } from './cell.ts';
export { patchesSince } from './changes.ts';
export { agentId, nameOf } from './agent-id.ts';
export {
  fromSignal,
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
export type { Faults } from './faults.ts';
export { Memory, type MemoryOptions, type Sink } from './memory.ts';
export type { Inspect, ReplicaOptions } from './options.ts';
export { Replica, replicaOf } from './replica.ts';
export { Sender } from './sender.ts';
export type { CellSnapshot, MemorySnapshot } from './snapshot.ts';
