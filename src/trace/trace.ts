/** A trace: every event of XState's inspection, and the additions of a bus, a program and a model's usage, as lines of
 *  Stately's inspection format. See `format.ts` for the fields, and `writer.ts` for how the cost stays low. */
import type { InspectionEvent } from 'xstate';
import type { Bus } from '../../actors/bus/bus.ts';
import { realClock, type Clock } from '../../actors/bus/clock.ts';
import type { Replica } from '../../actors/coherence/index.ts';
import { inRange } from '../score/limits.ts';
import { UsageMeter } from '../models/usage.ts';
import type { CallReport } from '../budget/call-report.ts';
import { Buses } from './buses.ts';
import { TRACE_LIMITS, type TraceLimits } from './format.ts';
import { Recorder, whoIs } from './recorder.ts';
import { endedEvent, programTexts, runEvent, usageEvent, type TracedRun, type TracedScore } from './runs.ts';
import { Sightings } from './sightings.ts';
import { PULSE, STATION } from './stations.ts';
import type { TraceSink } from './writer.ts';

export interface TraceOptions {
  /** See {@link TraceLimits}; the defaults are `TRACE_LIMITS`. */
  readonly limits?: Partial<TraceLimits> | undefined;
  /** Values that must never appear, in addition to those of the environment and to text that looks like a secret. */
  readonly secrets?: readonly string[] | undefined;
  /** The clock of what is traced. Default: real time. */
  readonly clock?: Clock | undefined;
}

/** Begins a trace.
 *  @throws {ScoreError} for a limit that makes no sense
 *  @example
 *  ```ts
 *  const trace = traceTo(traceFile('run.jsonl'));
 *  const run = perform(score, { inspect: trace.inspect });
 *  trace.watch(run, score);
 *  await run.report;
 *  await trace.close();
 *  ``` */
export function traceTo(sink: TraceSink, options: TraceOptions = {}): Trace {
  return new Trace(sink, options);
}

export class Trace {
  readonly #recorder: Recorder;
  readonly #sightings: Sightings;
  readonly #buses: Buses;
  readonly #runs = new Set<string>();
  readonly #undo: (() => void)[] = [];
  readonly #told = new WeakSet<CallReport>();
  #closed: Promise<void> | undefined;

  constructor(sink: TraceSink, { limits, secrets, clock = realClock }: TraceOptions) {
    this.#recorder = new Recorder(sink, {
      limits: checked({ ...TRACE_LIMITS, ...limits }),
      secrets,
      clock,
      rows: [
        { kind: STATION, messages: 2, text: (...row) => this.#sightings.text(...row) },
        { kind: PULSE, messages: 1, text: (...row) => this.#buses.text(...row) },
      ],
    });
    this.#sightings = new Sightings(this.#recorder);
    this.#buses = new Buses(this.#recorder);
  }

  /** Give this as `inspect` to `perform`, to a governor, or to `createActor` of your own. */
  readonly inspect = (event: InspectionEvent): void => {
    if (this.#closed !== undefined) return;
    try {
      this.#sightings.take(event as never, this.inspect);
    } catch (error) {
      this.#recorder.fail(error);
    }
  };

  /** Adds the parts of a performance that inspection lacks: its program, its bus, how it ended. Call it right after
   *  `perform`. */
  watch(run: TracedRun, score: TracedScore): void {
    if (this.#closed !== undefined) return;
    const recorder = this.#recorder;
    const who = this.#run(run.id);
    recorder.event(who, runEvent(run.id, score));
    for (const text of programTexts(who, score.program, recorder.shower)) recorder.say(text);
    this.watchBus(run.bus);
    run.onUsage?.((report) => this.usage(report)); // lives as long as the performance
    const ended = (event: ReturnType<typeof endedEvent>): void => {
      if (this.#closed !== undefined) return;
      recorder.event(who, event);
      this.#runs.delete(run.id);
    };
    run.report.then(
      (report) => ended(endedEvent(report)),
      (error: unknown) => ended(endedEvent(error)),
    );
  }
  /** Adds the lines of a shared space, unless it was made with this trace's `inspect`, and the bus that it is on. */
  watchShared({ replica }: { readonly replica: Replica }, bus: Bus): void {
    if (this.#closed !== undefined) return;
    if (replica.inspectedBy !== this.inspect) {
      const subscription = replica.system.inspect({ next: this.inspect });
      for (const { actor } of replica.lines.values()) this.#sightings.meet(actor, this.inspect);
      this.#undo.push(() => subscription.unsubscribe());
    }
    this.#buses.watchSpace(bus, replica);
  }
  /** Adds the signals of a bus. */
  watchBus(bus: Bus): void {
    if (this.#closed === undefined) this.#buses.watch(bus);
  }
  /** A meter for model agents (`modelAgent({ …, meter })`) that adds what their calls took. It sums as any meter. */
  meter(): UsageMeter {
    return new TracedMeter((report) => this.usage(report));
  }
  /** Adds what a call of a model took. */
  usage(report: CallReport): void {
    if (this.#closed !== undefined || this.#told.has(report)) return; // a meter and the performance tell the same
    this.#told.add(report);
    this.#recorder.event(this.#run(report.runId), usageEvent(report));
  }

  /** Writes the waiting messages and the last line, and closes the sink. Later events are not recorded.
   *  @throws what the sink threw, if it failed: then the trace ends where it did. */
  close(): Promise<void> {
    return (this.#closed ??= this.#finish());
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #finish(): Promise<void> {
    for (const undo of this.#undo) undo();
    this.#buses.close();
    this.#sightings.close();
    return this.#recorder.finish();
  }
  /** The actor that represents a performance. */
  #run(runId: string): string {
    const who = whoIs(`run:${runId}`);
    if (!this.#runs.has(runId)) {
      this.#runs.add(runId);
      this.#recorder.actor(who, 'performance');
    }
    return who;
  }
}

class TracedMeter extends UsageMeter {
  readonly #tell: (report: CallReport) => void;
  constructor(tell: (report: CallReport) => void) {
    super();
    this.#tell = tell;
  }
  override add(report: CallReport): void {
    super.add(report);
    this.#tell(report);
  }
}

function checked(limits: TraceLimits): TraceLimits {
  inRange('limits.messages', limits.messages, 0, Number.MAX_SAFE_INTEGER, true);
  inRange('limits.actors', limits.actors, 1, 10_000_000, true);
  inRange('limits.string', limits.string, 16, 1 << 20, true);
  inRange('limits.value', limits.value, 128, 1 << 24, true);
  inRange('limits.depth', limits.depth, 1, 64, true);
  inRange('limits.waiting', limits.waiting, 2, 1 << 24, true);
  return limits;
}
