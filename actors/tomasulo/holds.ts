/** Fermatas in force, and which steps each of them holds.
 *
 *  Owns:     the list of holds.
 *  Receives: fermatas, cues and downbeats from the bus.
 *  Sends:    which stations get HOLD, RESUME, or REFUSE when a hold runs out.
 *
 *  Which signal releases which hold is `machines/hct/hold.ts`. */
import { exempt, holdOf, isHeld, releaseOf, resolveHold, type FermataHold } from '../../machines/hct/hold.ts';
import type { Fermata, HctSignal } from '../../machines/hct/signal.ts';
import type { Clock, TimerId } from '../bus/clock.ts';
import type { HoldPlan } from './program.ts';

interface Held {
  hold: FermataHold;
  /** Whether its names are ids of steps, and no names of agents. */
  readonly ofSteps: boolean;
  /** The steps that have this hold among those they count. */
  readonly steps: Set<number>;
  timer: TimerId | undefined;
  /** Who decides when the time is over. */
  escalate: HoldPlan['escalate'];
}

/** What a step answers to. */
export type StepNames = readonly [id: string, agent: string, ...around: string[]];

export interface HoldEffects {
  /** The step has lost one hold. */
  resume(step: number): void;
  /** The hold ran out, and another one decides now. */
  escalate(step: number, to: string): void;
  /** The hold ran out and its policy is to fail. */
  expire(step: number, limitMs: number): void;
}

const NONE: ReadonlySet<never> = new Set();

/** What is left of a time that began in the past; never more than all of it, also if the clock was set back. */
export const leftOf = (durationMs: number, since: number, now: number): number =>
  Math.min(durationMs, Math.max(0, since + durationMs - now));

export class Holds {
  readonly #clock: Clock;
  readonly #effects: HoldEffects;
  readonly #inForce = new Map<string | number, Held>();

  constructor(clock: Clock, effects: HoldEffects) {
    this.#clock = clock;
    this.#effects = effects;
  }

  get none(): boolean {
    return this.#inForce.size === 0;
  }
  /** Whether any hold in force will end by itself. */
  get willExpire(): boolean {
    for (const { timer, steps } of this.#inForce.values())
      if (timer !== undefined && steps.size > 0) return true;
    return false;
  }

  /** Puts a hold in force. Steps join it by {@link join}.
   *  @param ofSteps whether the targets are ids of steps alone, and not also names of agents
   *  @param since when it began, if that was in an earlier life */
  begin(signal: Fermata, id: string | number, ofSteps = false, since = this.#clock.now()): FermataHold {
    const hold = this.beginUntimed(signal, id, ofSteps);
    this.time(id, undefined, since);
    return hold;
  }
  /** The same without its time, which begins with {@link time}. */
  beginUntimed(signal: Fermata, id: string | number, ofSteps = false): FermataHold {
    const hold = holdOf(signal, id, this.#clock.now());
    this.#inForce.set(id, { hold, ofSteps, steps: new Set(), timer: undefined, escalate: undefined });
    return hold;
  }
  /** The time of a hold begins.
   *  @param escalate who decides when it is over
   *  @param since when it began, if that was in an earlier life */
  time(id: string | number, escalate?: HoldPlan['escalate'], since = this.#clock.now()): void {
    const held = this.#inForce.get(id);
    if (held === undefined) return;
    const { timeoutMs } = held.hold;
    held.hold = { ...held.hold, since };
    held.escalate = escalate;
    held.timer =
      timeoutMs === undefined
        ? undefined
        : this.#clock.setTimeout(() => this.#ranOut(id), leftOf(timeoutMs, since, this.#clock.now()));
  }
  /** The holds in force that hold a step. */
  of(step: number): FermataHold[] {
    return [...this.#inForce.values()].flatMap(({ hold, steps }) => (steps.has(step) ? [hold] : []));
  }
  /** @returns undefined for a hold that is not in force */
  get(id: string | number): FermataHold | undefined {
    return this.#inForce.get(id)?.hold;
  }
  /** Lifts one hold from all its steps. */
  lift(id: string | number): void {
    const held = this.#inForce.get(id);
    if (held === undefined) return;
    this.#end(id, held);
    for (const step of held.steps) this.#effects.resume(step);
  }

  /** The holds that a step comes under by its id, its agent's name, or the id of a scope around it. */
  *over(...[stepId, agent, ...around]: StepNames): Iterable<FermataHold> {
    for (const { hold, ofSteps } of this.#inForce.values())
      if (isHeld(hold, stepId, agent, ...around) && (!ofSteps || isHeld(hold, stepId, ...around))) yield hold;
  }

  /** Notes that a station counts this hold. */
  join(id: string | number, step: number): void {
    this.#inForce.get(id)?.steps.add(step);
  }
  /** A step is no longer held by anything: it was refused, or has ended. */
  leave(step: number): void {
    for (const { steps } of this.#inForce.values()) steps.delete(step);
  }

  /** A signal that may release: a cue, a downbeat. It may name an agent, or one step of an agent that is held.
   *  @param namesOf the names that a step answers to
   *  @param kept holds that this signal does not lift */
  resolve(
    signal: HctSignal,
    namesOf: (step: number) => readonly string[],
    kept: ReadonlySet<string | number> = NONE,
  ): void {
    for (const [id, held] of this.#inForce) {
      if (kept.has(id)) continue;
      if (releaseOf(held.hold, signal) === undefined) continue;
      const resolution = resolveHold(held.hold, signal);
      const left =
        resolution.by !== 'nothing' && resolution.hold === undefined
          ? undefined
          : exempt(held.hold, signal.targets);
      if (left === undefined) this.#end(id, held);
      else held.hold = left;
      for (const step of held.steps) {
        if (left !== undefined && isHeld(left, ...namesOf(step))) continue;
        held.steps.delete(step);
        this.#effects.resume(step);
      }
    }
  }

  close(): void {
    for (const [id, held] of this.#inForce) this.#end(id, held);
  }

  #ranOut(id: string | number): void {
    const held = this.#inForce.get(id);
    if (held === undefined) return;
    const { escalate } = held;
    if (escalate !== undefined) {
      const { timeoutMs: _over, ...rest } = held.hold;
      const since = this.#clock.now();
      const limit = escalate.timeoutMs === undefined ? {} : { timeoutMs: escalate.timeoutMs };
      held.hold = { ...rest, ...limit, since, deciders: [escalate.to] };
      this.time(id);
      for (const step of held.steps) this.#effects.escalate(step, escalate.to);
      return;
    }
    this.#end(id, held);
    for (const step of [...held.steps]) {
      if (held.hold.onTimeout === 'resume') this.#effects.resume(step);
      else this.#effects.expire(step, held.hold.timeoutMs ?? 0);
    }
  }
  #end(id: string | number, held: Held): void {
    if (held.timer !== undefined) this.#clock.clearTimeout(held.timer);
    this.#inForce.delete(id);
  }
}
