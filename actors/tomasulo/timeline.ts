/** What happened when, in columns: a performance of 100,000 steps keeps a few bytes for each. */
import { grownBytes, grownFloats } from './columns.ts';
import type { DynamicProgram, AddedSteps } from './dynamic-program.ts';
import { INPUT } from './program.ts';

/** Where a step stands, or how it ended.
 *  `skipped`: its condition did not hold, or an operand was faulty or absent. `defaulted`: its default stood in. `tacet`: it was silent. */
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
  /** Why it was skipped. */
  readonly reason?: string;
  /** Second attempts that were started because the first was late, and those that gave the answer; if there were any. */
  readonly hedges?: { readonly started: number; readonly won: number };
}

export class Timeline {
  readonly #program: DynamicProgram;
  #issued: Float64Array;
  #start: Float64Array;
  #end: Float64Array;
  #status: Uint8Array;
  /** A vamp of 1,000 rounds counts further than a byte. */
  #attempts: Uint16Array;
  /** By step that was skipped: why. */
  readonly #reasons = new Map<number, string>();
  readonly #hedges = new Map<number, { started: number; won: number }>();
  #makespan = 0;

  constructor(program: DynamicProgram) {
    const n = program.steps.length;
    this.#program = program;
    this.#issued = new Float64Array(n).fill(NaN);
    this.#start = new Float64Array(n).fill(NaN);
    this.#end = new Float64Array(n).fill(NaN);
    this.#status = new Uint8Array(n);
    this.#attempts = new Uint16Array(n);
  }

  /** Makes room for steps that a scope has added. */
  grow(): void {
    const { length } = this.#program.steps;
    this.#issued = grownFloats(this.#issued, length, NaN);
    this.#start = grownFloats(this.#start, length, NaN);
    this.#end = grownFloats(this.#end, length, NaN);
    this.#status = grownBytes(this.#status, length);
    if (this.#attempts.length < this.#status.length) {
      const grown = new Uint16Array(this.#status.length);
      grown.set(this.#attempts);
      this.#attempts = grown;
    }
  }
  /** Notes why a step is skipped. */
  because(step: number, reason: string): void {
    this.#reasons.set(step, reason);
  }

  /** A second attempt was started, or has given the answer. */
  hedged(step: number, what: 'started' | 'won'): void {
    const counts = this.#hedges.get(step) ?? { started: 0, won: 0 };
    counts[what]++;
    this.#hedges.set(step, counts);
  }

  reasonOf(step: number): string | undefined {
    return this.#reasons.get(step);
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
    if (Number.isNaN(this.#start[step])) this.#start[step] = at; // of a step that was resumed, in this life
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
  isIssued(step: number): boolean {
    return this.#status[step] !== 0;
  }
  status(step: number): StepStatus {
    return STATUSES[this.#status[step] as number] as StepStatus;
  }
  /** When its result was ready, in milliseconds since the downbeat. */
  endOf(step: number): number {
    return this.#end[step]!;
  }
  attempts(step: number): number {
    return this.#attempts[step] as number;
  }

  /** The ids of the steps that this one reads, each once. */
  waitedFor(step: number): string[] {
    const { firstEdge, source } = this.#program;
    const tags = new Set(source.subarray(firstEdge[step], firstEdge[step + 1]));
    return [...tags].flatMap((tag) => (tag === INPUT ? [] : [this.#program.idOf(tag)]));
  }

  report(step: number): StepReport {
    const { agent } = this.#program.steps[step]!;
    const reason = this.#reasons.get(step);
    const hedges = this.#hedges.get(step);
    return {
      id: this.#program.idOf(step),
      agent: agent.name,
      status: this.status(step),
      issued: known(this.#issued[step]),
      start: known(this.#start[step]),
      end: known(this.#end[step]),
      waitedFor: this.waitedFor(step),
      attempts: this.attempts(step),
      ...(reason === undefined ? {} : { reason }),
      ...(hedges === undefined ? {} : { hedges: { ...hedges } }),
    };
  }

  /** In program order; what a scope has added follows the scope. */
  reports(): StepReport[] {
    const { fixed } = this.#program;
    const expansions = this.#program.expansions();
    const reports: StepReport[] = [];
    const add = (from: number, to: number): void => {
      for (let step = from; step < to; step++) {
        reports.push(this.report(step));
        for (const { base, body, elements } of expansions.get(step) ?? [])
          add(base, base + elements * body.steps.length);
      }
    };
    add(0, fixed);
    return reports;
  }

  /** The longest chain of dependent steps by what they really took: no schedule could have been shorter. Below a
   *  downbeat every step depends on all above it. A scope took as long as the longest chain inside it.
   *  @returns its length in milliseconds and its steps, first to last. */
  criticalPath(): { length: number; steps: string[] } {
    const expansions = this.#program.expansions();
    const inside = new Map<number, Chain>();
    // What a scope has added comes after the scope: inner scopes are measured before the ones around them.
    for (const [scope, list] of [...expansions].sort(([a], [b]) => b - a)) {
      const chains = list.map((expansion) => this.#longestElement(expansion, inside));
      const { kind } = this.#program.steps[scope]!.scope!;
      inside.set(scope, kind === 'repeat' ? joined(chains) : chains[0]!);
    }
    const { length, steps } = this.#chain(0, this.#program.fixed, inside);
    return { length, steps: steps.map((step) => this.#program.idOf(step)) };
  }
  #longestElement(expansion: AddedSteps, inside: ReadonlyMap<number, Chain>): Chain {
    const { base, body, elements } = expansion;
    let longest: Chain = { length: 0, steps: [] };
    for (let element = 0; element < elements; element++) {
      const from = base + element * body.steps.length;
      if (expansion.flat) {
        const length = this.#took(from, inside);
        if (length > longest.length) longest = { length, steps: [from] };
        continue;
      }
      const chain = this.#chain(from, from + body.steps.length, inside);
      if (chain.length > longest.length) longest = chain;
    }
    return longest;
  }
  #took(step: number, inside: ReadonlyMap<number, Chain>): number {
    const took = inside.get(step)?.length ?? this.#end[step]! - this.#start[step]!;
    return Number.isNaN(took) ? 0 : took;
  }

  /** The longest chain among steps that follow each other. */
  #chain(from: number, to: number, inside: ReadonlyMap<number, Chain>): Chain {
    const { steps, firstEdge, source } = this.#program;
    const reached = new Float64Array(to - from);
    const before = new Int32Array(to - from).fill(INPUT);
    let last = INPUT; //    the step that the longest chain so far ends with
    let barrier = INPUT; // the same at the last downbeat
    for (let i = 0; i < to - from; i++) {
      const tag = from + i;
      if (steps[tag]!.downbeat) barrier = last;
      let longest = barrier === INPUT ? 0 : reached[barrier]!;
      before[i] = barrier;
      for (let edge = firstEdge[tag]!; edge < firstEdge[tag + 1]!; edge++) {
        if (source[edge] === INPUT) continue;
        const other = source[edge]! - from;
        if (before[i] !== INPUT && reached[other]! <= longest) continue;
        longest = reached[other]!;
        before[i] = other;
      }
      reached[i] = longest + this.#took(tag, inside);
      if (last === INPUT || reached[i]! > reached[last]!) last = i;
    }
    const chain: number[] = [];
    for (let i = last; i !== INPUT; i = before[i]!) {
      for (const step of (inside.get(from + i)?.steps ?? []).toReversed()) chain.push(step);
      chain.push(from + i);
    }
    return { length: last === INPUT ? 0 : reached[last]!, steps: chain.reverse() };
  }
}

/** Steps that follow each other, and how long they took together. */
interface Chain {
  readonly length: number;
  readonly steps: readonly number[];
}
const joined = (chains: readonly Chain[]): Chain => ({
  length: chains.reduce((sum, { length }) => sum + length, 0),
  steps: chains.flatMap(({ steps }) => steps),
});

const known = (time: number | undefined): number | undefined =>
  time === undefined || Number.isNaN(time) ? undefined : time;
