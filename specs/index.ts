/** Floor 3: what the hardware promises, and instruments that judge machines by it. For users' own machines, too. */
export * from './cells.ts';
export * from './claim.ts';
export * from './equivalence.ts';
export * from './mutants.ts';
export * from './walk.ts';
export * from './verify.ts';
