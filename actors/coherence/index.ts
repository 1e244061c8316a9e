/** Coherence on the bus: memory, lines and leases. What a user calls is in `src/coherence`. */
export { patchesSince } from './changes.ts';
export { agentId, nameOf } from './agent-id.ts';
export { fromSignal, type Entry, type Patch, type ReadOf, type Write } from './entry.ts';
export { Line, type Copy, type LineClient } from './line.ts';
export type { ReplicaSnapshot } from './joining.ts';
export type { Faults } from './faults.ts';
export type { Inspect } from './options.ts';
export { Replica, replicaOf } from './replica.ts';
export { Sender } from './sender.ts';
