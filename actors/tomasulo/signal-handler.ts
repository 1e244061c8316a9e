/** Turns HCT's signals on the bus into events of stations and units.
 *
 *  Receives: cue, fermata, attacca, vamp, caesura, tacet, downbeat.
 *  Sends:    HOLD, RESUME, REFUSE and VAMP to stations; silence, wake and priorities to the dispatcher.
 *
 *  Which steps a signal addresses is decided by `machines/hct/targets.ts` alone. A signal counts from the moment that the
 *  performance exists, also for steps that have not been issued. */
import { GOVERNANCE } from '../../machines/hct/hold.ts';
import type { Fermata, HctSignal, Vamp } from '../../machines/hct/signal.ts';
import { addresses, EVERYONE } from '../../machines/hct/targets.ts';
import { TEMPI, DEFAULT_TEMPO } from '../../machines/hct/tempo.ts';
import { busError } from '../bus/bus.ts';
import type { TimerId } from '../bus/clock.ts';
import type { AddedSteps } from './dynamic-program.ts';
import * as errors from './errors.ts';
import type { ExecuteStage } from './execute-stage.ts';
import { leftOf } from './holds.ts';
import { didYouMean, type AgentPlan } from './program.ts';
import { bring, broughtBy, holdOfScore } from './questions.ts';
import type { RunContext } from './run.ts';
import type { Station } from './station-pool.ts';

/** Tags, from the first to before the second. */
type Range = readonly [from: number, to: number];

/** What a signal of these types asks of a step counts for steps that are added later, too. */
const KEPT: ReadonlySet<string> = new Set(['cue', 'vamp', 'attacca', 'caesura']);

const HOLD = Object.freeze({ type: 'HOLD' } as const);
const RESUME = Object.freeze({ type: 'RESUME' } as const);

/** A vamp without a stated cap goes round at most this often. */
const MOST_ROUNDS = 1_000;

export class SignalHandler {
  readonly #run: RunContext;
  readonly #execute: ExecuteStage;
  readonly #cancel: (reason: string) => void;
  /** The agents of the performance, by name; made at the first signal. */
  #agents: Map<string, AgentPlan> | undefined;
  #stepIds: Set<string> | undefined;
  /** When the signal that is handled was received, if that was in an earlier life. */
  #since: number | undefined;
  /** By agent: when its silence ends, on the performance's clock, and the timer that ends it. */
  readonly #silences = new Map<AgentPlan, { readonly until: number; readonly timer: TimerId | undefined }>();

  /** @param cancel ends the whole performance. */
  constructor(run: RunContext, execute: ExecuteStage, cancel: (reason: string) => void) {
    this.#run = run;
    this.#execute = execute;
    this.#cancel = cancel;
  }

  /** @param seq the signal's place on the bus, or another name for a hold
   *  @param at when it was received, if that was in an earlier life */
  handle(given: HctSignal, seq: number | string, at?: number): void {
    if (isOfSharedState(given)) return;
    if (at === undefined && !this.#note(given)) return;
    this.#since = at;
    const signal = addresses(given.targets, this.#run.id) ? { ...given, targets: [EVERYONE] } : given;
    this.#reportUnknown(signal);
    this.#keep(signal);
    if (signal.type === 'cue') this.#cue(signal);
    else if (signal.type === 'downbeat') this.#run.holds.resolve(signal, this.#run.namesOf);
    else if (signal.type === 'fermata') this.#hold(signal, seq);
    else if (signal.type === 'caesura') this.#caesura(signal);
    else if (signal.type === 'tacet') this.#silence(signal, seq);
    else if (signal.type === 'attacca') this.#eachStep(signal, (step) => this.#prefer(step, Infinity));
    else this.#vamp(signal);
  }

  /** Keeps a signal for steps that scopes will add. Holds and silences last by themselves. */
  #keep(signal: HctSignal): void {
    if (this.#run.program.hasScopes && KEPT.has(signal.type)) this.#run.orders.early.push(signal);
  }
  /** Steps have been added: what signals have asked of them counts from now on. */
  applyEarly({ base, body, elements }: AddedSteps): void {
    const range = [base, base + elements * body.steps.length] as const;
    for (const signal of this.#run.orders.early) {
      if (signal.type === 'cue') this.#cueSteps(signal, this.#bring(signal, range), range);
      else if (signal.type === 'vamp') this.#vamp(signal, range);
      else if (signal.type === 'attacca')
        this.#eachStep(signal, (step) => this.#prefer(step, Infinity), range);
      else this.#caesura(signal, range);
    }
  }
  /** Commits a signal before it takes effect. @returns whether it may take effect */
  #note(signal: HctSignal): boolean {
    const { journal, stop } = this.#run;
    if (journal === undefined) return true;
    try {
      journal.signal(signal);
      return true;
    } catch (error) {
      stop(busError(error));
      return false;
    }
  }

  /** Lifts holds, wakes silent units, ends vamps after the round that runs, and changes the order of ready steps. */
  #cue(signal: HctSignal & { type: 'cue' }): void {
    if (signal.intent === 'update') return;
    const { dispatcher, holds, namesOf, program } = this.#run;
    const kept = this.#bring(signal);
    // What a person has answered for a scope lifts no hold of a step inside.
    const names = (step: number) => namesOf(step).filter((name) => !signal.targets.includes(name));
    const isFor = (step: number): boolean => !brings(signal) || signal.targets.includes(program.idOf(step));
    holds.resolve(signal, (step) => (isFor(step) ? namesOf(step) : names(step)), kept);
    this.#eachAgent(signal, (agent) => {
      this.#endSilence(agent);
      dispatcher.wake(agent);
    });
    this.#cueSteps(signal, kept);
  }
  #cueSteps(signal: HctSignal & { type: 'cue' }, kept: ReadonlySet<string>, range?: Range): void {
    const { orders, program } = this.#run;
    const preference = preferenceOf(signal);
    const act = (step: number, station: Station | undefined): void => {
      if (brings(signal) && !signal.targets.includes(program.idOf(step))) return;
      if (station === undefined && signal.intent === 'resume' && !kept.has(holdOfScore(step)))
        orders.released.add(step);
      if (this.#isVamping(step, station)) orders.lastRounds.add(step);
      if (preference !== 0) this.#prefer(step, preference);
    };
    this.#eachStep(signal, act, range);
  }
  /** Gives each step that a cue addresses what it brings.
   *  @returns the holds that stay, because their answer is missing, does not fit, or is still being judged */
  #bring(signal: HctSignal & { type: 'cue' }, range?: Range): ReadonlySet<string> {
    const kept = new Set<string>();
    if (signal.intent !== 'resume') return kept;
    const brought = broughtBy(signal.payload);
    const some = brings(signal);
    this.#eachStep(
      signal,
      (step, station) => {
        const { fermata } = this.#run.program.steps[step]!;
        const id = this.#run.program.idOf(step);
        const named = some && signal.targets.includes(id);
        if (!named && (some || fermata?.answer === undefined)) return;
        if (station?.actor.getSnapshot().value === 'executing') return;
        const hold = holdOfScore(step);
        const report = (error: unknown) => this.#report(signal, [id], errors.messageOf(error));
        try {
          const later = (outcome: () => void) => {
            this.#run.next(() => {
              try {
                outcome();
                this.#run.holds.lift(hold);
                if (this.#run.pool.holding(step) === undefined) this.#run.orders.released.add(step);
              } catch (error) {
                report(error);
              }
            });
            this.#run.wake();
          };
          if (!bring(this.#run, step, brought, named, later)) kept.add(hold);
        } catch (error) {
          kept.add(hold);
          report(error);
        }
      },
      range,
    );
    return kept;
  }
  /** A cue ends a vamp that is under way, not one that has yet to begin. */
  #isVamping(step: number, station: Station | undefined): boolean {
    const { program, orders } = this.#run;
    const begun = station !== undefined || (this.#run.journal?.restored(step)?.attempts ?? 0) > 0;
    return begun && (program.steps[step]!.vamp !== undefined || orders.vamps.has(step));
  }

  #hold(signal: Fermata, seq: number | string, ofSteps = false): void {
    if (signal.intent !== 'hold') return;
    const { holds, pool, events, namesOf } = this.#run;
    const hold = holds.begin(signal, seq, ofSteps, this.#since);
    for (const station of pool.held()) {
      const over = [...holds.over(...namesOf(station.step))].some(({ id }) => id === hold.id);
      if (!over) continue;
      const before = station.actor.getSnapshot().context.holds;
      station.actor.send(HOLD);
      if (station.actor.getSnapshot().context.holds === before) continue; // what has begun is not held
      holds.join(hold.id, station.step);
      events.tellStep('step.held', station.step);
    }
    this.#execute.withdraw();
  }

  #caesura(signal: HctSignal, range?: Range): void {
    const { reason, refused } = (signal.payload ?? {}) as { reason?: unknown; refused?: unknown };
    if (refused === true) {
      const why = typeof reason === 'string' ? reason : undefined;
      const turnDown = (step: number): void => {
        const id = this.#run.program.idOf(step);
        if (signal.targets.includes(id)) this.#execute.refuse(step, new errors.RefusedError(id, why));
      };
      return this.#eachStep(signal, turnDown, range);
    }
    const why = `caesura by ${signal.source}${typeof reason === 'string' ? `: ${reason}` : ''}`;
    if (signal.targets.includes(EVERYONE)) return this.#cancel(why);
    const refuse = (step: number): void =>
      this.#execute.refuse(step, new errors.CancelledError(why, 'the step'));
    this.#eachStep(signal, refuse, range);
  }

  /** Silences agents: nothing of them starts until every silence is over, or a cue. A step that is named is held alone. */
  #silence(signal: HctSignal & { type: 'tacet' }, seq: number | string): void {
    const { dispatcher, wake, clock } = this.#run;
    const { durationMs = Infinity } = signal;
    const now = clock.now();
    const leftMs = durationMs === Infinity ? Infinity : leftOf(durationMs, this.#since ?? now, now);
    this.#eachAgent(signal, (agent) => {
      const until = Math.max(now + leftMs, this.#endSilence(agent));
      dispatcher.silence(agent);
      const over = () => {
        this.#silences.delete(agent);
        dispatcher.wake(agent);
        wake();
      };
      const timer = until === Infinity ? undefined : this.#run.setTimer(until - now, over);
      this.#silences.set(agent, { until, timer });
    });
    const { steps: plans, fixed } = this.#run.program;
    const steps = plans
      .slice(0, fixed)
      .flatMap(({ id, agent }) => (agent.name !== id && signal.targets.includes(id) ? [id] : []));
    steps.push(...signal.targets.filter((name) => this.#isInScope(name)));
    if (steps.length === 0) return;
    const conditions = { holdType: 'quality', onTimeout: 'resume' } as const;
    const performance = durationMs === Infinity ? {} : { performance: timed(durationMs) };
    const { source } = signal;
    const hold = { type: 'fermata', source, targets: steps, intent: 'hold', conditions } as const;
    this.#hold({ ...hold, ...performance }, `tacet:${seq}`, true);
  }

  /** @returns until when the agent would have been silent; −∞ when it was not */
  #endSilence(agent: AgentPlan): number {
    const { until, timer } = this.#silences.get(agent) ?? { until: -Infinity, timer: undefined };
    if (timer !== undefined) this.#run.clearTimer(timer);
    this.#silences.delete(agent);
    return until;
  }

  /** Repeats the steps until a cue, until a result says that it is good enough, or up to the cap. */
  #vamp(signal: Vamp, range?: Range): void {
    const { orders } = this.#run;
    const { qualityThreshold: quality, maxIterations: rounds = MOST_ROUNDS } = signal.conditions ?? {};
    const timeoutMs = signal.performance?.timeoutMs;
    const now = this.#run.clock.now();
    const act = (step: number, station: Station | undefined): void => {
      orders.vamps.set(step, { rounds, quality });
      orders.lastRounds.delete(step);
      station?.actor.send({ type: 'VAMP', rounds: rounds - 1 });
      if (timeoutMs !== undefined)
        this.#run.setLimitOf(
          step,
          leftOf(timeoutMs, this.#since ?? now, now),
          () => void orders.lastRounds.add(step),
        );
    };
    this.#eachStep(signal, act, range);
  }

  /** A ready step's place in the queue was found by its old priority: it leaves the queue and joins it again. */
  #prefer(step: number, preference: number): void {
    const { dispatcher, pool } = this.#run;
    dispatcher.prefer(step, preference);
    const station = pool.holding(step);
    if (station?.actor.getSnapshot().value !== 'ready') return;
    station.actor.send(HOLD);
    this.#execute.withdraw();
    station.actor.send(RESUME);
  }

  /** Every step that the signal addresses and that has not ended. */
  #eachStep(
    signal: HctSignal,
    act: (step: number, station: Station | undefined) => void,
    [from, to]: Range = [0, this.#run.program.steps.length],
  ): void {
    const { tags, pool, namesOf } = this.#run;
    for (let step = from; step < to; step++)
      if (tags.isPending(step) && addresses(signal.targets, ...namesOf(step))) act(step, pool.holding(step));
  }
  #eachAgent(signal: HctSignal, act: (agent: AgentPlan) => void): void {
    for (const [name, agent] of this.#agentsByName) if (addresses(signal.targets, name)) act(agent);
  }
  get #agentsByName(): Map<string, AgentPlan> {
    return (this.#agents ??= new Map([...this.#run.program.agents()].map((agent) => [agent.name, agent])));
  }
  get #ids(): Set<string> {
    return (this.#stepIds ??= new Set(
      this.#run.program.steps.slice(0, this.#run.program.fixed).map(({ id }) => id),
    ));
  }
  /** Whether a name can be that of an element, a round, or a step in a scope: `reviews[3]`, `review/security`. */
  #isInScope(name: string): boolean {
    if (!this.#run.program.hasScopes || this.#ids.has(name) || this.#agentsByName.has(name)) return false;
    const end = name.search(/[[#/]/);
    return end > 0 && this.#ids.has(name.slice(0, end));
  }

  #reportUnknown({ type, targets }: HctSignal): void {
    const { events } = this.#run;
    if (!events.heard) return;
    const known = (name: string) =>
      name === EVERYONE ||
      name === GOVERNANCE ||
      this.#ids.has(name) ||
      this.#agentsByName.has(name) ||
      this.#isInScope(name);
    const unknown = targets.filter((name) => !known(name));
    if (unknown.length === 0) return;
    const hint = didYouMean(unknown[0]!, [...this.#ids, ...this.#agentsByName.keys()]);
    const reason = `this performance has no step or agent called '${unknown.join("', '")}'.${hint}`;
    events.tell({ type: 'signal.unmatched', signal: type, targets: unknown, reason });
  }
  #report({ type }: HctSignal, targets: readonly string[], reason: string): void {
    this.#run.events.tell({ type: 'signal.unmatched', signal: type, targets, reason });
  }
}

/** Whether a signal is traffic of coherent state. */
function isOfSharedState(signal: HctSignal): boolean {
  if ('key' in signal && signal.key !== undefined) return true;
  const { payload } = signal;
  return typeof payload === 'object' && payload !== null && 'coherence' in payload;
}

/** Whether a cue has an answer or operands for the steps that it names. */
function brings({ payload }: HctSignal): boolean {
  const { answer, operands } = broughtBy(payload);
  return answer !== undefined || operands !== undefined;
}

/** How much sooner or later than others a cue wants a step: urgency and tempo, each counted from its default. */
function preferenceOf({ performance }: HctSignal): number {
  if (performance === undefined) return 0;
  const { urgency = 5, tempo = DEFAULT_TEMPO } = performance;
  return urgency - 5 + TEMPI.indexOf(tempo) - TEMPI.indexOf(DEFAULT_TEMPO);
}

const timed = (timeoutMs: number) =>
  ({ urgency: 5, tempo: DEFAULT_TEMPO, dynamics: 'mf', timeoutMs }) as const;
