/** Floor 3: what the hardware promises, and instruments that judge machines by it. For users' own machines, too. */
export * from './cells.ts';
export * from './claim.ts';
export * from './equivalence.ts';
export * from './mutants.ts';
export * from './walk.ts';
export { PERMISSION, type Permission } from './mesi/mapping.ts';
export { STAGE, TOMASULO_TABLE, type Correspondence, type Stage } from './tomasulo/mapping.ts';
export { tomasuloClaims } from './tomasulo/properties.ts';
export * from './verify.ts';
