/** Floor 1: statecharts as tables, and the alphabet of their events. Imports xstate and zod only. */
export * from './coherence/cache-line.ts';
export * from './table/compile.ts';
export * from './tomasulo/conductor.ts';
export * from './hct/dynamics.ts';
export * from './tomasulo/functional-unit.ts';
export * from './governor/governor.ts';
export * from './hct/hold.ts';
export * from './governor/operating-point.ts';
export * from './hct/performance.ts';
export * from './tomasulo/reservation-station.ts';
export * from './hct/signal.ts';
export * from './hct/targets.ts';
export * from './hct/tempo.ts';
export * from './governor/tempo-governor.ts';
