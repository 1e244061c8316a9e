/** The governors: at which operating point each pool ran, and what had been spent, over time. */
import { countUpTo, floats, ints } from './columns.ts';

/** Slowest, and softest, first; a marking that is not among them is drawn below all. */
export const TEMPO_AXIS = ['grave', 'largo', 'adagio', 'andante', 'moderato', 'allegro', 'vivace', 'presto'];
export const DYNAMICS_AXIS = ['ppp', 'pp', 'p', 'mp', 'mf', 'f', 'ff', 'fff'];

export interface PointRow {
  readonly row: number;
  readonly time: number;
  readonly tempo: string;
  readonly dynamics: string;
  readonly policy: string;
}
/** What had been spent, all together. */
export interface Spent {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** In the trace's currency. */
  readonly cost: number;
}
const NOTHING: Spent = { calls: 0, inputTokens: 0, outputTokens: 0, cost: 0 };

export class Governors {
  readonly units: string[] = [];
  readonly #points = new Map<string, PointRow[]>();
  readonly #rows = ints();
  readonly #times = floats();
  readonly #calls = floats();
  readonly #input = floats();
  readonly #output = floats();
  readonly #cost = floats();

  point(unit: string, point: PointRow): void {
    let mine = this.#points.get(unit);
    if (mine === undefined) {
      mine = [];
      this.#points.set(unit, mine);
      this.units.push(unit);
    }
    const before = mine.at(-1);
    const same =
      before?.tempo === point.tempo && before.dynamics === point.dynamics && before.policy === point.policy;
    if (!same) mine.push(point);
  }
  points(unit: string): readonly PointRow[] {
    return this.#points.get(unit) ?? [];
  }
  pointAt(unit: string, cursor: number): PointRow | undefined {
    const mine = this.points(unit);
    return mine[countUpTo(mine.length, (index) => (mine[index] as PointRow).row, cursor) - 1];
  }

  /** Adds what one call took. */
  spend(row: number, time: number, { calls, inputTokens, outputTokens, cost }: Spent): void {
    const before = this.#rows.length === 0 ? NOTHING : this.spentAfter(this.#rows.length - 1);
    this.#rows.push(row);
    this.#times.push(time);
    this.#calls.push(before.calls + calls);
    this.#input.push(before.inputTokens + inputTokens);
    this.#output.push(before.outputTokens + outputTokens);
    this.#cost.push(before.cost + cost);
  }
  get payments(): number {
    return this.#rows.length;
  }
  timeOf(payment: number): number {
    return this.#times.at(payment);
  }
  spentAfter(payment: number): Spent {
    return {
      calls: this.#calls.at(payment),
      inputTokens: this.#input.at(payment),
      outputTokens: this.#output.at(payment),
      cost: this.#cost.at(payment),
    };
  }
  spentAt(cursor: number): Spent {
    const count = countUpTo(this.#rows.length, (index) => this.#rows.at(index), cursor);
    return count === 0 ? NOTHING : this.spentAfter(count - 1);
  }
}
