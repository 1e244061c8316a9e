/** What happened when, in columns: a performance of 100,000 steps keeps a few bytes for each. */
import { INPUT, type Program, type StepPlan } from './program.ts';

/** Where a step stands, or how it ended.
 *  `skipped`: an operand was faulty. `defaulted`: its default stood in. `tacet`: it was silent. */
export type StepStatus =
  'pending' | 'waiting' | 'running' | 'done' | 'defaulted' | 'tacet' | 'failed' | 'skipped' | 'cancelled';

const STATUSES: readonly StepStatus[] = [
  'pending',
  'waiting',
  'running',
  'done',
  'defaulted',
  'tacet',
  'failed',
  'skipped',
  'cancelled',
];

export interface StepReport {
  readonly id: string;
  readonly agent: string;
  readonly status: StepStatus;
  /** Milliseconds since the downbeat; `undefined` for what never happened. */
  readonly issued: number | undefined;
  readonly start: number | undefined;
  readonly end: number | undefined;
  /** Ids of the steps whose results it waited for. */
  readonly waitedFor: readonly string[];
  readonly attempts: number;
}

export class Timeline {
  readonly #program: Program;
  readonly #issued: Float64Array;
  readonly #start: Float64Array;
  readonly #end: Float64Array;
  readonly #status: Uint8Array;
  /** A vamp of 1,000 rounds counts further than a byte. */
  readonly #attempts: Uint16Array;
  #makespan = 0;

  constructor(program: Program) {
    const n = program.steps.length;
    this.#program = program;
    this.#issued = new Float64Array(n).fill(NaN);
    this.#start = new Float64Array(n).fill(NaN);
    this.#end = new Float64Array(n).fill(NaN);
    this.#status = new Uint8Array(n);
    this.#attempts = new Uint16Array(n);
  }

  /** Milliseconds from the downbeat to the last event. */
  get makespan(): number {
    return this.#makespan;
  }
  issued(step: number, at: number): void {
    this.#issued[step] = at;
    this.#status[step] = 1;
  }
  started(step: number, at: number): void {
    if (this.#attempts[step] === 0) this.#start[step] = at;
    this.#attempts[step]!++;
    this.#status[step] = 2;
  }
  /** What an earlier life has noted. Times that are not known stay open. */
  restore(step: number, attempts: number, start = NaN, end = NaN, status?: StepStatus): void {
    this.#attempts[step] = attempts;
    this.#start[step] = start;
    if (status !== undefined) this.#end[step] = end;
    if (status !== undefined) this.ended(step, end, status);
  }
  /** Back to waiting, for a retry. */
  rested(step: number): void {
    this.#status[step] = 1;
  }
  /** Its result is ready; the time on the bus does not count as work. */
  wrote(step: number, at: number): void {
    this.#end[step] = at;
  }
  ended(step: number, at: number, status: StepStatus): void {
    if (Number.isNaN(this.#end[step])) this.#end[step] = at;
    this.#status[step] = STATUSES.indexOf(status);
    if (at > this.#makespan) this.#makespan = at;
  }
  status(step: number): StepStatus {
    return STATUSES[this.#status[step] as number] as StepStatus;
  }
  attempts(step: number): number {
    return this.#attempts[step] as number;
  }

  /** The ids of the steps that this one reads, each once. */
  waitedFor(step: number): string[] {
    const { firstEdge, source, steps } = this.#program;
    const ids = new Set<string>();
    for (let edge = firstEdge[step] as number; edge < (firstEdge[step + 1] as number); edge++) {
      const tag = source[edge] as number;
      if (tag !== INPUT) ids.add((steps[tag] as StepPlan).id);
    }
    return [...ids];
  }

  report(step: number): StepReport {
    const { id, agent } = this.#program.steps[step] as StepPlan;
    return {
      id,
      agent: agent.name,
      status: this.status(step),
      issued: known(this.#issued[step]),
      start: known(this.#start[step]),
      end: known(this.#end[step]),
      waitedFor: this.waitedFor(step),
      attempts: this.attempts(step),
    };
  }

  reports(): StepReport[] {
    return this.#program.steps.map((_, step) => this.report(step));
  }

  /** The longest chain of dependent steps by what they really took: no schedule could have been shorter. Below a
   *  downbeat every step depends on all above it.
   *  @returns its length in milliseconds and its steps, first to last. */
  criticalPath(): { length: number; steps: string[] } {
    const { steps, firstEdge, source } = this.#program;
    const reached = new Float64Array(steps.length);
    const before = new Int32Array(steps.length).fill(INPUT);
    let last = INPUT; //    the step that the longest chain so far ends with
    let barrier = INPUT; // the same at the last downbeat
    for (let i = 0; i < steps.length; i++) {
      if ((steps[i] as StepPlan).downbeat) barrier = last;
      let longest = barrier === INPUT ? 0 : (reached[barrier] as number);
      before[i] = barrier;
      for (let edge = firstEdge[i] as number; edge < (firstEdge[i + 1] as number); edge++) {
        const tag = source[edge] as number;
        if (tag === INPUT || (before[i] !== INPUT && (reached[tag] as number) <= longest)) continue;
        longest = reached[tag] as number;
        before[i] = tag;
      }
      const took = (this.#end[i] as number) - (this.#start[i] as number);
      reached[i] = longest + (Number.isNaN(took) ? 0 : took);
      if (last === INPUT || (reached[i] as number) > (reached[last] as number)) last = i;
    }
    const length = last === INPUT ? 0 : (reached[last] as number);
    const chain: string[] = [];
    for (let i = last; i !== INPUT; i = before[i] as number) chain.push((steps[i] as StepPlan).id);
    return { length, steps: chain.reverse() };
  }
}

const known = (time: number | undefined): number | undefined =>
  time === undefined || Number.isNaN(time) ? undefined : time;
