/** The program of one performance: the steps of its score, and those that scopes add while it runs.
 *
 *  Hardware: dynamic issue. A loop's body is issued once for each iteration, and renaming gives every issue fresh tags. So
 *  an element of a map, a sub-score and a round of a loop are the steps of a body with fresh tags, issued by the same
 *  stage into the same window. Everything is kept in columns: an element of a map costs a few dozen bytes. */
import { grownFloats, grownInts } from './columns.ts';
import { INPUT, joinsSome, type OutputPlan, type Program, type StepPlan } from './program.ts';

/** The steps that a scope has added: its body, once for each element. */
export interface AddedSteps {
  /** The tag of the scope's step. */
  readonly scope: number;
  readonly body: Program;
  /** The tag of the first step, and the number of its first edge. */
  readonly base: number;
  readonly firstEdge: number;
  readonly elements: number;
  /** What a body reads as `input`. */
  inputOf: (element: number) => unknown;
  /** What follows the scope's id in the id of an element: `[3]`, `#2`, or nothing. */
  readonly suffix: (element: number) => string;
  /** Whether an element is one step, which bears the element's id. */
  readonly flat: boolean;
}

export class DynamicProgram {
  readonly outputs: ReadonlyMap<string, OutputPlan>;
  /** Whether a step of the score is a scope. */
  readonly hasScopes: boolean;
  /** Whether steps of the score or of a body are scopes or have conditions. */
  readonly isPlain: boolean;
  /** Whether a step of the score or of a body is hedged. What no step asks for costs one look. */
  readonly hasHedges: boolean;
  /** Whether a step waits for some of its reads, and not for all. */
  readonly hasJoins: boolean;
  /** How many steps the score itself has. */
  readonly fixed: number;
  /** See {@link Program}. Replaced when the program grows. */
  readonly steps: StepPlan[];
  firstEdge: Int32Array;
  source: Int32Array;
  reader: Int32Array;
  readers: Int32Array;
  remaining: Float64Array;
  readonly #score: Program;
  readonly #expansions: AddedSteps[] = [];
  /** By tag, from the first that a scope has added: the place of its expansion. */
  #owner: Int32Array = new Int32Array(0);
  #edges: number;

  constructor(score: Program) {
    this.#score = score;
    this.outputs = score.outputs;
    this.fixed = score.steps.length;
    this.hasScopes = score.steps.some(({ scope }) => scope !== undefined);
    this.isPlain = !this.hasScopes && score.guards.size === 0;
    this.hasHedges = someStep(score, ({ hedge }) => hedge !== undefined);
    this.hasJoins = someStep(score, joinsSome);
    this.steps = [...score.steps];
    this.firstEdge = score.firstEdge;
    this.source = score.source;
    this.reader = score.reader;
    this.readers = score.readers;
    this.remaining = score.remaining;
    this.#edges = score.source.length;
  }
  get edges(): number {
    return this.#edges;
  }
  /** By tag of a scope: what it has added, in order. */
  expansions(): ReadonlyMap<number, readonly AddedSteps[]> {
    const found = new Map<number, AddedSteps[]>();
    for (const expansion of this.#expansions) {
      const list = found.get(expansion.scope);
      if (list === undefined) found.set(expansion.scope, [expansion]);
      else list.push(expansion);
    }
    return found;
  }

  /** Adds the steps of a body, once for each element. Their tags follow all others. */
  expand(given: Omit<AddedSteps, 'base' | 'firstEdge'>): AddedSteps {
    const { body, elements, scope } = given;
    const base = this.steps.length;
    const firstEdge = this.#edges;
    const size = body.steps.length;
    const edges = body.source.length;
    const steps = base + elements * size;
    this.#edges += elements * edges;
    this.#reserve(steps, this.#edges);
    const below = this.remaining[scope]! - (this.steps[scope]!.cost ?? 1);
    const owner = this.#expansions.length;
    for (let element = 0; element < elements; element++) {
      const first = base + element * size;
      const edge = firstEdge + element * edges;
      for (let j = 0; j < size; j++) {
        const tag = first + j;
        this.steps.push(body.steps[j]!);
        this.firstEdge[tag] = edge + body.firstEdge[j]!;
        this.readers[tag] = body.readers[j]!;
        this.remaining[tag] = body.remaining[j]! + below;
        this.#owner[tag - this.fixed] = owner;
      }
      for (let e = 0; e < edges; e++) {
        const from = body.source[e]!;
        this.source[edge + e] = from === INPUT ? INPUT : first + from;
        this.reader[edge + e] = first + body.reader[e]!;
      }
    }
    this.firstEdge[steps] = this.#edges;
    const expansion: AddedSteps = { ...given, base, firstEdge };
    this.#expansions.push(expansion);
    return expansion;
  }
  #reserve(steps: number, edges: number): void {
    this.firstEdge = grownInts(this.firstEdge, steps + 1);
    this.readers = grownInts(this.readers, steps);
    this.remaining = grownFloats(this.remaining, steps);
    this.source = grownInts(this.source, edges);
    this.reader = grownInts(this.reader, edges);
    this.#owner = grownInts(this.#owner, steps - this.fixed);
  }

  /** The expansion that a step belongs to; none for a step of the score itself. */
  ownerOf(tag: number): AddedSteps | undefined {
    return tag < this.fixed ? undefined : this.#expansions[this.#owner[tag - this.fixed]!];
  }
  /** The id of a step, such as `draft`, `reviews[3]`, `review/security`, `loop#2/check`. */
  idOf(tag: number): string {
    const owner = this.ownerOf(tag);
    if (owner === undefined) return this.steps[tag]!.id;
    const element = this.elementId(owner, elementOf(owner, tag));
    return owner.flat ? element : `${element}/${this.steps[tag]!.id}`;
  }
  elementId(expansion: AddedSteps, element: number): string {
    return this.idOf(expansion.scope) + expansion.suffix(element);
  }
  /** The names that a step answers to: its id, its agent's name, the ids of the elements and scopes around it. */
  namesOf(tag: number): readonly [id: string, agent: string, ...around: string[]] {
    const { id, agent } = this.steps[tag]!;
    let owner = this.ownerOf(tag);
    if (owner === undefined) return [id, agent.name];
    const around: string[] = [];
    for (let inner = tag; owner !== undefined; owner = this.ownerOf(inner)) {
      const element = this.elementId(owner, elementOf(owner, inner));
      inner = owner.scope;
      if (!owner.flat) around.push(element);
      const outer = this.idOf(inner);
      if (outer !== element) around.push(outer);
    }
    return [this.idOf(tag), agent.name, ...around];
  }
  /** Every agent of the score and of the bodies in it. */
  *agents(): Iterable<StepPlan['agent']> {
    yield* agentsOf(this.#score);
  }
  inputOf(tag: number, input: unknown): unknown {
    const owner = this.ownerOf(tag);
    return owner === undefined ? input : owner.inputOf(elementOf(owner, tag));
  }
  /** The properties to follow in what an edge of a step reads. */
  pathOf(edge: number, tag: number): readonly string[] | undefined {
    const owner = this.ownerOf(tag);
    if (owner === undefined) return this.#score.paths.get(edge);
    const { paths, source } = owner.body;
    return paths.size === 0 ? undefined : paths.get((edge - owner.firstEdge) % source.length);
  }
  /** The edges of a step that serve its condition alone: what it reads of them may be missing. */
  guardOf(tag: number): { readonly kept: number | undefined; readonly above: number | undefined } {
    const owner = this.ownerOf(tag);
    const [program, place, shift] =
      owner === undefined
        ? ([this.#score, tag, 0] as const)
        : ([
            owner.body,
            (tag - owner.base) % owner.body.steps.length,
            owner.firstEdge + elementOf(owner, tag) * owner.body.source.length,
          ] as const);
    const { kept, above } = program.guards.get(place) ?? {};
    return { kept: moved(kept, shift), above: moved(above, shift) };
  }
  /** Whether a step or an output has the fault of this step in its place. */
  isAbsorbed(tag: number): boolean {
    const owner = this.ownerOf(tag);
    const { unabsorbed } = owner === undefined ? this.#score : owner.body;
    return !unabsorbed.has(owner === undefined ? tag : (tag - owner.base) % owner.body.steps.length);
  }
  isGuard(edge: number, reader: number): boolean {
    const { when, otherwise } = this.steps[reader]!;
    if (when === undefined && otherwise !== true) return false;
    const { kept, above } = this.guardOf(reader);
    return edge === kept || edge === above;
  }
}

const moved = (edge: number | undefined, by: number): number | undefined =>
  edge === undefined ? undefined : edge + by;

/** The element that a step belongs to. */
export const elementOf = ({ base, body }: AddedSteps, tag: number): number =>
  Math.floor((tag - base) / body.steps.length);

/** Whether it is so of a step of the score, or of a body in it. */
const someStep = ({ steps }: Program, test: (step: StepPlan) => boolean): boolean =>
  steps.some((step) => test(step) || (step.scope !== undefined && someStep(step.scope.body, test)));

function* agentsOf(program: Program): Iterable<StepPlan['agent']> {
  for (const { agent, scope } of program.steps) {
    yield agent;
    if (scope !== undefined) yield* agentsOf(scope.body);
  }
}
