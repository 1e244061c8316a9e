/** Floor 1: statecharts as tables, and the alphabet of their events. Imports xstate and zod only. */
export * from './cache-line.ts';
export * from './compile.ts';
export * from './conductor.ts';
export * from './dynamics.ts';
export * from './functional-unit.ts';
export * from './governor.ts';
export * from './hold.ts';
export * from './operating-point.ts';
export * from './performance.ts';
export * from './reservation-station.ts';
export * from './signal.ts';
export * from './targets.ts';
export * from './tempo.ts';
export * from './tempo-governor.ts';
