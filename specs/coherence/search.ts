/** Every reachable world, breadth first, so that a way to what is wrong is a shortest one. */
import { Bench } from './bench.ts';
import type { WorldOptions } from './world-state.ts';
import { mayHappen, type ClientBehaviour } from './client.ts';
import { Problem } from './rules.ts';
import { LINE_EVENTS } from './table.ts';
import { worldTranscript, type ExplainedPath } from './transcript.ts';
import type { Message } from '../harness/claim.ts';
import type { Lanes, WorldStep } from './world.ts';

export interface SearchSetting extends WorldOptions, ClientBehaviour {
  /** More worlds than this are an error of the caller. Default 4,000,000. */
  readonly limit?: number;
  /** Whether every step is kept, for checks of runs and not only of worlds. */
  readonly keep?: boolean;
}

/** The result of an exploration. */
export interface SearchedSpace {
  readonly states: number;
  readonly edges: number;
  /** `state EVENT` cells of the table that occurred. */
  readonly cells: ReadonlySet<string>;
  /** Packed, in the order in which they were found. */
  readonly worlds: readonly string[];
  /** The names of a line's states, by their number in a packed world. */
  readonly names: readonly string[];
  /** By world: the steps out of it; only if they are kept. */
  readonly next: readonly (readonly WorldEdge[])[];
  readonly violation?: SpaceViolation;
  readonly lanes: Lanes;
  /** The worlds on a shortest way to one. */
  readonly wayTo: (world: number) => readonly number[];
  /** The transcript of a path through worlds, each one step from the one before. */
  readonly tell: (way: readonly number[]) => ExplainedPath;
}
export interface WorldEdge {
  readonly step: WorldStep;
  readonly to: number;
  /** The answer that the first agent received for the first key in this step. */
  readonly filled: boolean;
  readonly done: boolean;
}
export interface SpaceViolation extends Problem {
  readonly steps: readonly WorldStep[];
  readonly transcript: readonly Message[];
}

export class WorldSearch {
  readonly setting: SearchSetting;
  readonly bench: Bench;
  readonly worlds: string[] = [];
  readonly next: WorldEdge[][] = [];
  violation: SpaceViolation | undefined;
  edges = 0;
  readonly #known = new Map<string, number>();
  readonly #parents: number[] = [];
  readonly #limit: number;
  #at = 0;

  /** @param lanes of another search, so that the worlds of both can be compared. */
  constructor(setting: SearchSetting, lanes?: Lanes) {
    this.setting = setting;
    this.bench = new Bench(setting, lanes);
    this.#limit = setting.limit ?? 4_000_000;
    this.#reach(this.bench.save(), -1);
  }
  /** Explores so many more worlds.
   *  @returns whether any world is left to explore. */
  go(worlds: number): boolean {
    const { bench, setting } = this;
    for (const end = this.#at + worlds; this.#at < end; this.#at++) {
      if (this.violation !== undefined || this.#at >= this.worlds.length) return false;
      const world = this.worlds[this.#at] as string;
      bench.load(world);
      const row: WorldEdge[] = [];
      for (const [i, step] of mayHappen(bench, setting).entries()) {
        if (i > 0) bench.load(world);
        bench.take(step);
        this.edges++;
        if (bench.problem !== undefined) {
          this.#fail(bench.problem, step);
          return false;
        }
        const to = this.#reach(bench.save(), this.#at);
        if (setting.keep) row.push({ step, to, filled: bench.first.filled, done: bench.first.done });
      }
      if (setting.keep) this.next.push(row);
    }
    return this.#at < this.worlds.length;
  }
  toTheEnd(): SearchedSpace {
    while (this.go(10_000));
    return this.space;
  }
  knows(world: string): boolean {
    return this.#known.has(world);
  }
  get space(): SearchedSpace {
    const { states } = this.bench.table;
    const cells = new Set<string>();
    for (const [at, heard] of this.bench.visited.entries())
      if (heard)
        cells.add(`${states[Math.floor(at / LINE_EVENTS.length)]} ${LINE_EVENTS[at % LINE_EVENTS.length]}`);
    const { worlds, next, edges, violation } = this;
    const tell = (way: readonly number[]) => this.#tell(way, undefined);
    const wayTo = (world: number) => this.#wayTo(world);
    return {
      states: worlds.length,
      edges,
      cells,
      worlds,
      names: states,
      next,
      wayTo,
      tell,
      lanes: this.bench.lanes,
      ...(violation && { violation }),
    };
  }
  #wayTo(world: number): number[] {
    const way: number[] = [];
    for (let at = world; at >= 0; at = this.#parents[at] as number) way.unshift(at);
    return way;
  }

  #reach(world: string, from: number): number {
    const known = this.#known.get(world);
    if (known !== undefined) return known;
    const index = this.worlds.push(world) - 1;
    if (index >= this.#limit) throw new RangeError(`more than ${this.#limit} worlds; bound the events.`);
    this.#known.set(world, index);
    this.#parents.push(from);
    return index;
  }
  #tell(way: readonly number[], last: WorldStep | undefined): ExplainedPath {
    const worlds = way.map((at) => this.worlds[at] as string);
    return worldTranscript(this.setting, this.bench.lanes, worlds, last);
  }
  #fail(problem: Problem, last: WorldStep): void {
    const told = this.#tell(this.#wayTo(this.#at), last);
    const { rule, what } = told.problem ?? problem;
    this.violation = { rule, what, steps: told.steps, transcript: told.transcript };
  }
}

/** Explores to the end, or to the first violation.
 *  @throws {RangeError} when there are more worlds than `limit`. */
export function searchWorlds(setting: SearchSetting, lanes?: Lanes): SearchedSpace {
  return new WorldSearch(setting, lanes).toTheEnd();
}
