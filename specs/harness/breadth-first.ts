/** What a breadth-first exploration has found: every place once, by its key, in the order found, with a shortest path to
 *  it. Every explorer here uses it, except `coherence/search.ts`, which packs its worlds into texts. */
import { pathFromParents } from './way.ts';

/** The step that first led to a place, and the number of the place where it began. */
export type Parent<S> = readonly [step: S, from: number] | undefined;

export class BreadthFirst<W, S> {
  readonly worlds: W[] = [];
  readonly parents: Parent<S>[] = [];
  readonly #known = new Map<string, number>();
  readonly #limit: number;
  readonly #advice: string;

  /** @param limit more places than this are an error of the caller
   *  @param advice what the caller can do then. */
  constructor(limit = Infinity, advice = 'bound what may happen.') {
    this.#limit = limit;
    this.#advice = advice;
  }

  /** @returns the number of the place; it is new if that was `worlds.length` before.
   *  @throws {RangeError} for more places than the limit. */
  reach(key: string, world: W, parent?: Parent<S>): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = this.worlds.length;
    if (at >= this.#limit) throw new RangeError(`more than ${this.#limit} situations; ${this.#advice}`);
    this.#known.set(key, at);
    this.worlds.push(world);
    this.parents.push(parent);
    return at;
  }

  /** The steps of a shortest path from the beginning. */
  pathTo(at: number): S[] {
    return pathFromParents(this.parents, at);
  }
}
