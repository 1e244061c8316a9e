/** Floor 1: statecharts as tables, and the alphabet of their events. Imports xstate and zod only.
 *  @module tutti/machines */
export { compile, type CompiledLogic } from './table/compile.ts';
export { conductor } from './tomasulo/conductor.ts';
export {
  reservationStation,
  type StationEvent,
  type StationContext,
} from './tomasulo/reservation-station.ts';
export { hedge } from './tomasulo/hedge.ts';
export { join } from './tomasulo/join.ts';
export { functionalUnit, type UnitEvent } from './tomasulo/functional-unit.ts';
export { cacheLine, type LineEvent } from './coherence/cache-line.ts';
export { tempoGovernor, type TempoGovernorEvent } from './governor/tempo-governor.ts';
export { cue, fermata, attacca, vamp, caesura, tacet, downbeat } from './hct/factories.ts';
export { pulse, type Tag } from './hct/pulse.ts';
export { addresses } from './hct/targets.ts';
export type { Signal, Envelope } from './hct/signal.ts';
export type { Tempo } from './hct/tempo.ts';
export type { Dynamics } from './hct/dynamics.ts';
export type { OperatingPoint } from './governor/operating-point.ts';
export type { Performance } from './hct/hct.ts';
