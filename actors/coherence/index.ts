/** Coherence on the bus: memory, lines and leases. What a user calls is in `src/coherence`. */
export { Cell, patchesSince, type CellSnapshot, type Change } from './cell.ts';
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
export { Line, type Copy, type LineClient, type LineState, type Pending } from './line.ts';
export { Memory, type Faults, type MemoryOptions, type MemorySnapshot, type Sink } from './memory.ts';
export {
  MissedHistoryError,
  OriginError,
  Replica,
  replicaOf,
  type Inspect,
  type ReplicaOptions,
  type ReplicaSnapshot,
} from './replica.ts';
export { Sender, type Unsent } from './sender.ts';
