/** Write result: what a station has written goes over the bus to whoever waits for it.
 *
 *  Hardware: the common data bus of Tomasulo 1967. Everybody hears every pulse; a station that waits for its tag
 *  captures the value, and the station that wrote it is free again. */
import type { Pulse } from '../machines/signal.ts';
import { clear } from './clear.ts';
import type * as errors from './errors.ts';
import { asError } from './errors.ts';
import type { Run } from './run.ts';
import type { Station } from './station-pool.ts';
import type { StepStatus } from './timeline.ts';

const OPERAND = Object.freeze({ type: 'OPERAND' } as const);
const FAULT = Object.freeze({ type: 'FAULT' } as const);
const WRITTEN = Object.freeze({ type: 'WRITTEN' } as const);

export class WriteStage {
  readonly #run: Run;
  readonly #publishOptions: { readonly runId: string };
  #settled = 0;

  constructor(run: Run) {
    this.#run = run;
    this.#publishOptions = { runId: run.id };
  }
  /** Steps whose result or fault has been on the bus. */
  get settled(): number {
    return this.#settled;
  }

  /** Puts on the bus what stations have written. The bus answers through {@link capture}, at once or later. */
  publish(): void {
    const { writes } = this.#run.pool.notes;
    for (let i = 0; i < writes.length; i++) {
      const { step: tag, written, fault, result } = writes[i]!;
      this.#run.timeline.wrote(tag, this.#run.now());
      this.send(
        written === 'fault'
          ? { type: 'pulse', tag, fault: fault as errors.StepError }
          : { type: 'pulse', tag, value: written === 'value' ? result : this.#run.fallback(tag) },
      );
    }
    clear(writes);
  }

  send(pulse: Pulse): void {
    const { bus, stop, next } = this.#run;
    try {
      const published = bus.publish(pulse, this.#publishOptions);
      if (typeof published !== 'number') published.catch((error: unknown) => stop(asError(error)));
    } catch (error) {
      next(() => stop(asError(error)));
    }
  }

  /** A result or fault of an issued step passes on the bus. */
  capture(pulse: Pulse): void {
    const { tags, pool, program } = this.#run;
    const tag = pulse.tag as number;
    const writer = pool.holding(tag);
    const fault = pulse.fault as errors.StepError | undefined;
    if (fault === undefined) tags.write(tag, pulse.value);
    else tags.poison(tag, fault);
    this.#settled++;
    this.#noteEnd(tag, writer, fault);
    for (let edge = tags.firstWaiter(tag); edge >= 0; edge = tags.nextWaiter(edge)) {
      const station = pool.holding(program.reader[edge]!);
      if (station === undefined) continue; // it has settled without this operand
      if (fault === undefined) station.actor.send(OPERAND);
      else this.captureFault(station, fault);
    }
    writer?.actor.send(WRITTEN);
  }

  captureFault(station: Station, fault: errors.StepError): void {
    station.fault ??= fault.through(this.#run.stepOf(station).id);
    station.actor.send(FAULT);
  }

  #noteEnd(tag: number, writer: Station | undefined, fault: errors.StepError | undefined): void {
    const { timeline, program, events } = this.#run;
    const status = this.#statusOf(tag, writer, fault);
    timeline.ended(tag, this.#run.now(), status);
    if (fault !== undefined && program.readers[tag] === 0) this.#run.blame(fault);
    if (!events.heard) return;
    const error = fault ?? (status === 'defaulted' ? writer?.fault : undefined);
    const stepId = program.steps[tag]!.id;
    events.tell({ type: 'step.ended', stepId, status, ...(error ? { error } : {}) });
  }

  #statusOf(tag: number, writer: Station | undefined, fault: errors.StepError | undefined): StepStatus {
    if (fault !== undefined) {
      const ran = this.#run.timeline.attempts(tag) > 0;
      return ran || fault.stepId === fault.at ? 'failed' : 'skipped';
    }
    if (writer === undefined) return 'tacet';
    return writer.written === 'default' ? 'defaulted' : 'done';
  }
}
