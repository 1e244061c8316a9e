/** Every situation that can be reached, breadth first, and a shortest way to what is wrong.
 *
 *  It explores a {@link Model}: where something begins, what may happen next, and what comes of it. `system` makes one of
 *  several XState machines, what is under way between them, and their surroundings; any other can be written by hand.
 *
 *  `invariant` means what it means in XState's own proposal (statelyai/xstate#5627): it holds everywhere, and a throw
 *  is a violation. Here `false` is a violation too; the invariant receives only the situation, and not the step that
 *  led there; it is synchronous; and it is checked in every situation that can be reached, not only in those on the
 *  paths that were tried. */
import { BreadthFirst } from './breadth-first.ts';
import type { Model, Edge, Explored, Wrong } from './explorable.ts';
import { plainText, whole } from './plain.ts';
import { notSymmetric, Symmetry } from './symmetry.ts';
import { turns } from './turn.ts';
import { transcriptOf } from './way.ts';

export type Invariant<W> = (world: W) => boolean | void;

export interface ExploreOptions<W> {
  /** Has to hold in every situation; `false` or a throw is a violation. Give several by name. */
  readonly invariant?: Invariant<W> | Readonly<Record<string, Invariant<W>>>;
  /** Whether it is all right that nothing may happen any more. Default: always. */
  readonly mayEnd?: (world: W) => boolean;
  /** What matters of a situation; two of which the same matters are one. It has to be all that can make a difference
   *  later. Default: everything. */
  readonly canonical?: (world: W) => unknown;
  /** Groups of names that are interchangeable: agents, or values. Situations that differ only in which name stands
   *  where are one. Names are texts and keys anywhere in a situation, and parts of dotted ones (`out.a0`). At most
   *  5,040 permutations in all. */
  readonly symmetry?: readonly (readonly string[])[];
  /** More situations than this are an error of the caller: 1 … 10,000,000. Default 100,000. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  /** Called from time to time with the number of situations found so far. */
  readonly progress?: (situations: number) => void;
}

/** Explores until every situation has been seen, or something is wrong.
 *  @throws {RangeError} for more situations than `limit`, or an option out of its range.
 *  @throws the signal's reason.
 *  @example
 *  ```ts
 *  // Two counters, each of which may be raised up to 2: nine situations.
 *  const counters = {
 *    initial: { a: 0, b: 0 },
 *    steps: (world) => ['a', 'b'].filter((name) => world[name] < 2),
 *    after: (world, name) => ({ world: { ...world, [name]: world[name] + 1 } }),
 *  };
 *  (await explore(counters)).situations; // 9
 *  (await explore(counters, { symmetry: [['a', 'b']] })).situations; // 6
 *  (await explore(counters, { invariant: ({ a, b }) => a + b < 3 })).violation.path.length; // 3
 *  ``` */
export async function explore<W, S>(
  model: Model<W, S>,
  options: ExploreOptions<W> = {},
): Promise<Explored<W, S>> {
  const turn = turns(options.signal);
  const search = new Search(model, options);
  for (let at = 0; at < search.worlds.length && search.violation === undefined; at++) {
    await turn();
    if (at % 1_000 === 0) options.progress?.(search.worlds.length);
    search.expand(at);
  }
  return search.explored();
}

/** The sentence of what is wrong with a world, if anything. */
export function failing<W>(
  invariant: ExploreOptions<W>['invariant'],
  world: W,
): { what: string; error?: unknown } | undefined {
  const named = typeof invariant === 'function' ? { '': invariant } : (invariant ?? {});
  for (const [name, holds] of Object.entries(named)) {
    const what = name === '' ? 'The invariant does not hold' : `It does not hold that ${name}`;
    let held: unknown;
    try {
      held = holds(world);
    } catch (error) {
      return { what: `${what}: ${error instanceof Error ? error.message : String(error)}`, error };
    }
    if (held instanceof Promise)
      throw new TypeError('An invariant has to be synchronous; a promise would always count as true.');
    if (held === false) return { what: `${what}.` };
  }
  return undefined;
}

const tooMany = (limit: number): string =>
  `There are more than ${limit} situations. Bound what the surroundings may do, leave out of the context ` +
  'what only counts up (or use `canonical` to keep only what matters of it), or raise `limit`.';

class Search<W, S> {
  violation: Wrong<W, S> | undefined;
  readonly #model: Model<W, S>;
  readonly #options: ExploreOptions<W>;
  readonly #places: BreadthFirst<W, S>;
  readonly #key: (world: W) => string;
  readonly #symmetry: Symmetry | undefined;
  readonly #next: Edge<S>[][] = [];
  #steps = 0;

  constructor(model: Model<W, S>, options: ExploreOptions<W>) {
    const { canonical, symmetry = [], limit = 100_000 } = options;
    this.#model = model;
    this.#options = options;
    this.#places = new BreadthFirst(whole('limit', limit, 1, 10_000_000), tooMany);
    const alike = (this.#symmetry = symmetry.length === 0 ? undefined : new Symmetry(symmetry));
    const matters = canonical ?? ((world: W): unknown => world);
    this.#key =
      alike !== undefined
        ? (world) => alike.text(matters(world))
        : canonical === undefined && model.key !== undefined
          ? (world) => model.key!(world)
          : (world) => plainText(matters(world), 'the situation');
    this.#reach(model.initial, undefined);
  }

  get worlds(): readonly W[] {
    return this.#places.worlds;
  }

  expand(at: number): void {
    const world = this.worlds[at] as W;
    const steps = this.#model.steps(world);
    const edges: Edge<S>[] = [];
    this.#next.push(edges);
    if (this.#symmetry !== undefined && at < 100) {
      const holds = (other: W) => failing(this.#options.invariant, other) === undefined;
      notSymmetric(this.#model, world, this.#symmetry, this.#key, holds);
    }
    if (steps.length === 0 && !(this.#options.mayEnd?.(world) ?? true))
      this.#found({
        kind: 'end',
        what: 'Nothing may happen any more, and it is not at an end.',
        path: this.#places.pathTo(at),
        world,
      });
    for (const step of steps) {
      const { world: to, broken } = this.#model.after(world, step);
      this.#steps++;
      if (broken !== undefined)
        this.#found({
          kind: 'step',
          what: broken,
          path: [...this.#places.pathTo(at), step],
          world: to,
        });
      else edges.push([step, this.#reach(to, [step, at])]);
      if (this.violation !== undefined) return;
    }
  }

  explored(): Explored<W, S> {
    const { violation } = this;
    while (this.#next.length < this.worlds.length) this.#next.push([]);
    return {
      model: this.#model,
      situations: this.worlds.length,
      steps: this.#steps,
      worlds: this.worlds,
      next: this.#next,
      parents: this.#places.parents,
      reduced: this.#symmetry !== undefined,
      ...(violation === undefined
        ? {}
        : {
            violation,
            counterexample: {
              what: violation.what,
              transcript: transcriptOf(this.#model, violation.path),
            },
          }),
    };
  }

  #reach(world: W, parent: readonly [S, number] | undefined): number {
    const key = this.#key(world);
    const before = this.worlds.length;
    const at = this.#places.reach(key, world, parent);
    if (at < before) return at;
    const failure = failing(this.#options.invariant, world);
    if (failure !== undefined)
      this.#found({ kind: 'invariant', path: this.#places.pathTo(at), world, ...failure });
    return at;
  }

  #found(violation: Wrong<W, S>): void {
    this.violation ??= violation;
  }
}
