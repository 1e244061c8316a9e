/** Floor 3: what the hardware promises, and checks that compare machines with it. For users' own machines, too. */
export * from './harness/cells.ts';
export type { Channel, Letter } from './harness/system-types.ts';
export * from './harness/claim.ts';
export { realActor, type Sut, type SutInput, type SutRun } from './harness/sut.ts';
export * from './harness/equivalence.ts';
export { explore, type ExploreOptions, type Invariant } from './harness/explore.ts';
export type { Edge, Explored, Model, StepResult, Wrong } from './harness/explorable.ts';
export type { Fairness, TemporalOptions } from './harness/fairness.ts';
export * from './harness/mermaid.ts';
export * from './harness/mutants.ts';
export * from './mutation.ts';
export { occurredCells } from './harness/occurred.ts';
export * from './harness/paths.ts';
export { NotExplorableError } from './harness/plain.ts';
export * from './harness/product.ts';
export * from './harness/property-test.ts';
export { stateNames, type Part, type Running, type Timer, type MachineOutput } from './harness/part.ts';
export { system, type Happened, type System } from './harness/system.ts';
export * from './harness/system-types.ts';
export * from './harness/temporal.ts';
export { withReads, type Reads } from './harness/with-reads.ts';
export { sequenceText, type Drawable } from './harness/transcript.ts';
export * from './harness/walk.ts';
export { GOVERNING, KERNEL_CALL, type Governing } from './governor/mapping.ts';
export { checkLitmus } from './coherence/litmus/litmus.ts';
export { LitmusFileError, parseLitmus } from './coherence/litmus/file.ts';
export { PERMISSION, type Permission } from './coherence/mapping.ts';
export { prove, type ProveFaults, type ProveOptions } from './coherence/prove/prove.ts';
export {
  ISSUE_STAGE,
  STAGE,
  TOMASULO_TABLE,
  UNIT_STAGE,
  type Correspondence,
  type Stage,
} from './tomasulo/mapping.ts';
export { tomasuloClaims } from './tomasulo/properties.ts';
export * from './verify.ts';
export { labelOf, pathTo, transcriptOf } from './harness/way.ts';
