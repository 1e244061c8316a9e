/** The score as it was played: for each step, in which phase it was when, and what it waited for.
 *
 *  Steps are named after renaming: a step reads the results of steps, and two steps that write the same name are two. */
import { bytes, countUpTo, floats, ints } from './columns.ts';

/** Where a step stands. The first six are a station's states; the others are how it ended. */
export const PHASES = ['waiting', 'ready', 'held', 'executing', 'writing', 'poisoned', 'squashed'] as const;
export type Phase = (typeof PHASES)[number];
const EXECUTING = PHASES.indexOf('executing');

export interface BoundRead {
  /** The name that is read. */
  readonly name: string;
  /** The step whose result it is, as a place in `steps`. */
  readonly step: number;
}
export interface StepRow {
  readonly index: number;
  readonly id: string;
  agent: string;
  /** The name that it writes, and how many steps of the run have written it so far: `draft`, 2. */
  writes: string;
  version: number;
  reads: readonly BoundRead[];
  /** Nothing from here on was issued before everything above had settled. */
  downbeat: boolean;
  readonly run: string;
  /** How it ended, and at which row: `done`, `failed`; empty before. */
  ended: string;
  endedRow: number;
  /** What went wrong. */
  error: string;
}
export interface Segment {
  readonly phase: Phase;
  readonly from: number;
  /** NaN while it lasts. */
  readonly to: number;
  readonly row: number;
}

export interface Critical {
  /** The steps of the chain, each with the one before it; −1 before the first. */
  readonly steps: ReadonlyMap<number, number>;
  /** In milliseconds. */
  readonly length: number;
}

export class ViewedScore {
  readonly steps: StepRow[] = [];
  /** How often a step was declared: rises when there is more to draw. */
  declared = 0;
  /** How many steps are in some phase now, and how many of them execute. */
  open = 0;
  executing = 0;
  readonly #byId = new Map<string, number>();
  readonly #writers = new Map<string, number>();
  readonly #segments: number[][] = [];
  readonly #phase = bytes();
  readonly #from = floats();
  readonly #to = floats();
  readonly #row = ints();
  readonly #step = ints();
  readonly #readers: number[][] = [];
  /** Rows at which a step ended, ascending, with the step. */
  readonly #ends: { row: number; step: number }[] = [];
  #critical: { at: number; steps: Map<number, number>; length: number } | undefined;

  /** A step by its run and id; made at its first message. */
  step(run: string, id: string): StepRow {
    const key = `${run}\n${id}`;
    const known = this.#byId.get(key);
    if (known !== undefined) return this.steps[known] as StepRow;
    const index = this.steps.length;
    const row: StepRow = {
      index, id, run, agent: '', writes: id, version: 1, reads: [], downbeat: false, ended: '', endedRow: -1, error: '',
    }; // prettier-ignore
    this.steps.push(row);
    this.#byId.set(key, index);
    this.#segments.push([]);
    this.#readers.push([]);
    return row;
  }
  /** A step by its name in an address: run, slash, id. */
  named(name: string): StepRow | undefined {
    const slash = name.indexOf('/');
    const index = this.#byId.get(`${name.slice(0, slash)}\n${name.slice(slash + 1)}`);
    return index === undefined ? undefined : this.steps[index];
  }
  /** The description of a step, from the program at the start of a run. */
  declare(
    run: string,
    id: string,
    agent: string,
    writes: string,
    reads: readonly BoundRead[],
    downbeat = false,
  ): StepRow {
    const step = this.step(run, id);
    const name = `${run}\n${writes}`;
    const version = (this.#writers.get(name) ?? 0) + 1;
    this.#writers.set(name, version);
    Object.assign(step, { agent, writes, version, reads, downbeat });
    this.declared++;
    for (const { step: source } of reads) this.#readers[source]?.push(step.index);
    this.#critical = undefined;
    return step;
  }
  /** Moves a step into a phase; `ended` says how it ended, and then it is in none. */
  move(step: StepRow, phase: Phase | undefined, time: number, row: number): void {
    const mine = this.#segments[step.index] as number[];
    const open = mine.at(-1);
    if (open !== undefined && Number.isNaN(this.#to.at(open))) {
      if (phase !== undefined && this.#phase.at(open) === PHASES.indexOf(phase)) return;
      this.#to.set(open, time);
      this.open--;
      if (this.#phase.at(open) === EXECUTING) this.executing--;
    }
    if (phase === undefined) return;
    this.open++;
    if (phase === 'executing') this.executing++;
    mine.push(this.#phase.length);
    this.#phase.push(PHASES.indexOf(phase));
    this.#from.push(time);
    this.#to.push(NaN);
    this.#row.push(row);
    this.#step.push(step.index);
    this.#critical = undefined;
  }
  end(step: StepRow, how: string, time: number, row: number): void {
    this.move(step, undefined, time, row);
    if (step.ended !== '') return;
    Object.assign(step, { ended: how, endedRow: row });
    this.#ends.push({ row, step: step.index });
    this.#critical = undefined;
  }

  segments(step: StepRow): Segment[] {
    return (this.#segments[step.index] ?? []).map((at) => ({
      phase: PHASES[this.#phase.at(at)] as Phase,
      from: this.#from.at(at),
      to: this.#to.at(at),
      row: this.#row.at(at),
    }));
  }
  /** Where a step stands as of `cursor`: a phase, how it ended, or `pending`. */
  statusAt(step: StepRow, cursor: number): string {
    if (step.endedRow >= 0 && step.endedRow <= cursor) return step.ended;
    const mine = this.#segments[step.index] as number[];
    const count = countUpTo(mine.length, (index) => this.#row.at(mine[index] as number), cursor);
    return count === 0 ? 'pending' : (PHASES[this.#phase.at(mine[count - 1] as number)] as string);
  }
  /** Steps that read a step's result. */
  readers(step: StepRow): readonly StepRow[] {
    return [...new Set(this.#readers[step.index])].map((index) => this.steps[index] as StepRow);
  }
  /** The step that changed last, as of `cursor`. */
  latest(cursor: number): StepRow | undefined {
    const count = countUpTo(this.#row.length, (at) => this.#row.at(at), cursor);
    return count === 0 ? undefined : this.steps[this.#step.at(count - 1)];
  }
  /** How many steps had ended by `cursor`. */
  endedBy(cursor: number): number {
    return countUpTo(this.#ends.length, (index) => (this.#ends[index] as { row: number }).row, cursor);
  }
  /** First and last moment of a step, in milliseconds; none when it was never issued. */
  span(step: StepRow): { from: number; to: number } | undefined {
    const mine = this.#segments[step.index] ?? [];
    const [first, final] = [mine[0], mine.at(-1)];
    return first === undefined || final === undefined
      ? undefined
      : { from: this.#from.at(first), to: this.#to.at(final) };
  }

  /** When a step first ran. */
  started(step: StepRow): number | undefined {
    const first = (this.#segments[step.index] ?? []).find((at) => PHASES[this.#phase.at(at)] === 'executing');
    return first === undefined ? undefined : this.#from.at(first);
  }

  /** The longest chain of dependent steps by what they really took: no schedule could have been shorter. Below a
   *  downbeat every step depends on all above it. The same as the report's. */
  critical(): Critical {
    if (this.#critical?.at === this.steps.length) return this.#critical;
    const n = this.steps.length;
    const reached = new Float64Array(n);
    const before = new Int32Array(n).fill(-1);
    /** By run: the steps that its longest chains end with, of all so far and of all above its last downbeat. */
    const ends = new Map<string, { last: number; barrier: number }>();
    let longest = -1;
    // Steps are declared in program order, and read only what is written above them.
    for (const { index, run, reads, downbeat } of this.steps) {
      const chains = ends.get(run) ?? { last: -1, barrier: -1 };
      ends.set(run, chains);
      if (downbeat) chains.barrier = chains.last;
      before[index] = chains.barrier;
      const length = (end: number) => (end === -1 ? -1 : (reached[end] as number));
      for (const { step: source } of reads)
        if (source >= 0 && source < index && length(source) > length(before[index])) before[index] = source;
      reached[index] = Math.max(0, length(before[index])) + this.#took(index);
      if (length(index) > length(chains.last)) chains.last = index;
      if (length(index) > length(longest)) longest = index;
    }
    const steps = new Map<number, number>();
    const length = longest === -1 ? 0 : (reached[longest] as number);
    for (let step = longest; step !== -1 && length > 0; step = before[step] as number)
      steps.set(step, before[step] as number);
    this.#critical = { at: n, steps, length };
    return this.#critical;
  }
  /** From the first start to the last answer, retries and their rests included. What comes after that, until the result
   *  is on the bus, is not the step's doing. */
  #took(step: number): number {
    const mine = this.#segments[step] as number[];
    const start = this.started(this.steps[step] as StepRow);
    const final = mine.findLast((at) => !AFTER.has(PHASES[this.#phase.at(at)] as Phase));
    if (start === undefined || final === undefined) return 0;
    const to = this.#to.at(final);
    return Number.isNaN(to) ? 0 : to - start;
  }
}

/** The phases of a step that has answered. */
const AFTER: ReadonlySet<Phase> = new Set(['writing', 'poisoned', 'squashed']);

/** The tag of a step's result, as a person may write it: the name, and which writing of it. */
export const resultTag = ({ writes, version }: { writes: string; version: number }): string =>
  `${writes}#${version}`;
