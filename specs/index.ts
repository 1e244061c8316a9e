/** Floor 3: what the hardware promises, and checks that compare machines with it. For users' own machines, too.
 *  @module tutti/specs */
export { realActor, type Sut } from './harness/sut.ts';
export { explore, type Invariant } from './harness/explore.ts';
export { occurredCells } from './harness/occurred.ts';
export { system, type System } from './harness/system.ts';
export { sequenceText, type Drawable } from './harness/transcript.ts';
export { tableCells, unjustified, type TableCell } from './harness/cells.ts';
export { walkEquivalence } from './harness/equivalence.ts';
export { sequenceMermaid } from './harness/mermaid.ts';
export { mutants } from './harness/mutants.ts';
export { paths, testPaths } from './harness/paths.ts';
export { propertyTest } from './harness/property-test.ts';
export { temporal, eventually, leadsTo } from './harness/temporal.ts';
export { walk } from './harness/walk.ts';
export type { World, Step, SystemOptions, Member, Channel } from './harness/system-types.ts';
export type { Model, Explored } from './harness/explorable.ts';
export type { TemporalOptions } from './harness/fairness.ts';
