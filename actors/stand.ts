/** The conductor's stand: HCT's signals from anybody with a place on the bus become events of stations and units.
 *
 *  Hears   cue, fermata, downbeat, caesura, tacet, attacca.
 *  Says    HOLD and RESUME to stations; silence, wake and hurry to the dispatcher; aborts to agents. */
import type { HctSignal } from '../machines/signal.ts';
import * as errors from './errors.ts';
import type { ExecuteStage } from './execute-stage.ts';
import type { AgentPlan } from './program.ts';
import type { Run } from './run.ts';

const HOLD = Object.freeze({ type: 'HOLD' } as const);
const RESUME = Object.freeze({ type: 'RESUME' } as const);

export class Stand {
  readonly #run: Run;
  readonly #execute: ExecuteStage;
  readonly #cancel: (reason: string) => void;

  /** @param cancel ends the whole performance. */
  constructor(run: Run, execute: ExecuteStage, cancel: (reason: string) => void) {
    this.#run = run;
    this.#execute = execute;
    this.#cancel = cancel;
  }

  obey(signal: HctSignal, seq: number): void {
    if (signal.type === 'cue' || signal.type === 'downbeat') {
      this.#run.holds.resolve(signal, this.#run.namesOf);
      if (signal.type === 'cue' && signal.intent !== 'update') this.#cue(signal);
    } else if (signal.type === 'fermata' && signal.intent === 'hold') this.#hold(signal, seq);
    else if (signal.type === 'caesura') this.#caesura(signal);
    else if (signal.type === 'tacet') this.#silence(signal, signal.durationMs);
    else if (signal.type === 'attacca') this.#hurry(signal);
  }

  /** Besides lifting holds, a cue wakes silent units and ends vamps after the round that runs. */
  #cue(signal: HctSignal): void {
    const { dispatcher, pool, program } = this.#run;
    this.#eachAgent(signal, (agent) => dispatcher.wake(agent));
    for (const { step } of pool.held()) {
      if (program.steps[step]!.vamp !== undefined && this.#meant(signal, step)) this.#execute.endVamp(step);
    }
  }

  #hold(signal: HctSignal & { type: 'fermata' }, seq: number): void {
    const { holds, pool, events, namesOf } = this.#run;
    const hold = holds.begin(signal, seq);
    for (const station of pool.held()) {
      const [stepId, agent] = namesOf(station.step);
      const over = [...holds.over(stepId, agent)].some(({ id }) => id === hold.id);
      const before = station.actor.getSnapshot().context.holds;
      if (!over) continue;
      station.actor.send(HOLD);
      if (station.actor.getSnapshot().context.holds === before) continue; // what has begun is not held
      holds.join(hold.id, station.step);
      events.tellStep('step.held', station.step);
    }
    this.withdraw();
  }

  #caesura(signal: HctSignal): void {
    const why = `caesura by ${signal.source}`;
    if (addresses(signal, this.#run.id)) return this.#cancel(why);
    for (const station of this.#run.pool.held()) {
      if (station.attempt === undefined || !this.#meant(signal, station.step)) continue;
      this.#execute.abort(station, new errors.CancelledError(why));
    }
  }

  #silence(signal: HctSignal, durationMs: number | undefined): void {
    const { dispatcher, wake } = this.#run;
    this.#eachAgent(signal, (agent) => {
      dispatcher.silence(agent);
      if (durationMs === undefined) return;
      this.#run.later(durationMs, () => {
        dispatcher.wake(agent);
        wake();
      });
    });
  }

  #hurry(signal: HctSignal): void {
    const { dispatcher, pool, program } = this.#run;
    for (let index = 0; index < program.steps.length; index++) {
      if (!this.#meant(signal, index)) continue;
      dispatcher.hurry(index);
      // Its place in the queue was found by its old priority: leave the queue and join it again.
      const station = pool.holding(index);
      if (station?.actor.getSnapshot().value !== 'ready') continue;
      station.actor.send(HOLD);
      this.withdraw();
      station.actor.send(RESUME);
    }
  }

  /** Takes back the requests of stations that no longer want a unit. */
  withdraw(): void {
    const { pool, dispatcher } = this.#run;
    const { withdrawals, requests } = pool.notes;
    for (const station of withdrawals.splice(0)) {
      const waiting = requests.indexOf(station);
      if (waiting >= 0) requests.splice(waiting, 1);
      else dispatcher.withdraw(station);
    }
  }

  #meant(signal: HctSignal, index: number): boolean {
    const [id, agent] = this.#run.namesOf(index);
    return signal.targets.includes(id) || signal.targets.includes(agent);
  }
  #eachAgent(signal: HctSignal, act: (agent: AgentPlan) => void): void {
    const agents = new Map(this.#run.program.steps.map(({ agent }) => [agent.name, agent]));
    const everybody = signal.targets.includes('*');
    for (const [name, agent] of agents) if (everybody || signal.targets.includes(name)) act(agent);
  }
}

const addresses = (signal: HctSignal, runId: string): boolean =>
  signal.targets.length === 0 || signal.targets.includes('*') || signal.targets.includes(runId);
