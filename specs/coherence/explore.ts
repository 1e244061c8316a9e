/** Every reachable state of N lines of one key, their outboxes and memory: the lines by the table, memory by its own
 *  code. Versions and epochs are kept only as far as they matter: current, or not.
 *
 *  Worlds are plain objects here, one step is a function from one to the next, and worlds are neither packed nor
 *  merged. `search.ts`, which judges the claims and explores much further, packs and merges them; a test compares its
 *  worlds with these. */
import type { AnyStateMachine } from 'xstate';
import { cacheLine, compile, type LineEvent } from '../../machines/index.ts';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import { Memory, type Sink } from '../../actors/coherence/memory.ts';
import { type Faults } from '../../actors/coherence/faults.ts';
import { type MemorySnapshot } from '../../actors/coherence/snapshot.ts';
import type { Message } from '../harness/claim.ts';
import { PERMISSION } from './mapping.ts';
import { tellSteps } from './transcript.ts';
import { agentName } from './world.ts';

export interface LineView {
  readonly state: string;
  readonly copy: boolean;
  /** The copy's version is the current one. */
  readonly fresh: boolean;
  /** The line's epoch is the current one. */
  readonly mine: boolean;
}
export interface SentEntry {
  readonly op: 'gets' | 'getm' | 'put' | 'release' | 'evict' | 'reclaim';
  readonly fresh: boolean;
  readonly mine: boolean;
}
export interface OneKeyWorld {
  readonly cell: MemorySnapshot['cells'][number];
  readonly lines: readonly LineView[];
  /** By agent, and last the manager's reclaims. */
  readonly said: readonly (readonly SentEntry[])[];
}
/** What happens next: an agent's event, the manager's reclaim, or the bus taking the oldest word of an agent. */
export type OneKeyStep =
  | { readonly by: number; readonly event: 'LOAD' | 'STORE' | 'HOLD' | 'RELEASE' | 'EVICT' }
  | { readonly by: number; readonly event: 'RECLAIM' | 'APPEND' };

/** A line's table, which may have a mistake in it, and the same compiled. */
interface LineTable {
  readonly machine: AnyStateMachine;
  readonly logic: any;
}
const tableOf = (machine: AnyStateMachine): LineTable => ({ machine, logic: compile(machine) });
const nowhere = {} as never;

export function initialWorld(count: number): OneKeyWorld {
  const memory = new Memory({ initial: [['x', 0]], history: 0 });
  const line = { state: 'I', copy: false, fresh: false, mine: false };
  const [cell] = memory.snapshot().cells;
  return {
    cell: normal(cell!),
    lines: Array.from({ length: count }, () => line),
    said: Array.from({ length: count + 1 }, () => []),
  };
}
const normal = (cell: OneKeyWorld['cell']): OneKeyWorld['cell'] => ({
  ...cell,
  value: 0,
  version: 1,
  epoch: 1,
  changes: [],
});

/** How much may happen. On an atomic bus a request is ordered and delivered to all as soon as it is made; on a queued
 *  one it waits, and anything may happen first. */
export interface Scope {
  readonly bus: 'atomic' | 'queued';
  /** Which of the agents' events occur. Default: all. */
  readonly events?: readonly string[];
}

/** What may happen in a world. A client stores what it owns, and does nothing behind a release that is under way. */
export function steps(
  { cell, lines, said }: OneKeyWorld,
  { events }: Scope = { bus: 'queued' },
): OneKeyStep[] {
  const possible: OneKeyStep[] = [];
  lines.forEach(({ state }, by) => {
    const leaving = said[by]!.some(({ op }) => op === 'release');
    const offer = (...offered: string[]) => {
      for (const event of offered)
        if (events?.includes(event) ?? true) possible.push({ by, event } as OneKeyStep);
    };
    if (state === 'I' && said[by]!.length === 0) offer('LOAD', 'STORE', 'HOLD');
    if (state === 'S' || state === 'E') offer('STORE', 'HOLD', 'EVICT');
    if (state === 'M' && !leaving) offer('STORE', 'RELEASE', 'EVICT');
    if ((state === 'IM' || state === 'SM') && !leaving) offer('RELEASE');
  });
  const manager = lines.length;
  if (cell.held && said[manager]!.length === 0 && (events?.includes('RECLAIM') ?? true))
    possible.push({ by: manager, event: 'RECLAIM' });
  said.forEach((words, by) => words.length > 0 && possible.push({ by, event: 'APPEND' }));
  return possible;
}

export interface Observer {
  /** An event that a line received, and its state. */
  heard(state: string, event: LineEvent['type']): void;
}

/** The world after a step. */
export function worldAfter(
  world: OneKeyWorld,
  step: OneKeyStep,
  readers: ReaderPolicy,
  observer: Observer,
  faults: Faults = {},
  table: LineTable = tableOf(cacheLine),
): OneKeyWorld {
  const { logic } = table;
  const lines = world.lines.map((line) => ({ ...line }));
  const said = world.said.map((words) => [...words]);
  const memory = new Memory({ initial: [], readers, history: 0, faults });
  memory.restore({ cells: [world.cell], agents: [], left: [] });
  const cell = memory.cells.get('x')!;
  const tell = (index: number, type: LineEvent['type']): void => {
    const line = lines[index]!;
    observer.heard(line.state, type);
    const words: string[] = [];
    const machine = logic.restoreSnapshot!(
      { value: line.state, context: { readers, copy: line.copy } },
      nowhere,
    );
    const candidates = saying(table, line.state, type, line.copy, readers);
    words.push(...candidates);
    const next = logic.transition(machine, { type }, nowhere);
    line.state = next.value;
    line.copy = next.context.copy;
    for (const word of words) {
      if (word === 'fill' || word === 'done') Object.assign(line, { fresh: cell.version, mine: cell.epoch });
      if (word === 'granted') Object.assign(line, { mine: cell.epoch });
      const op = ENTRY[word];
      if (op !== undefined) said[index]!.push({ op, fresh: line.fresh, mine: line.mine });
    }
  };
  // Within the step, fresh and mine are numbers: 1 is what was current before it.
  for (const line of lines as any[]) [line.fresh, line.mine] = [line.fresh ? 1 : 0, line.mine ? 1 : 0];
  for (const words of said as any[][])
    words.forEach((word, i) => (words[i] = { ...word, fresh: word.fresh ? 1 : 0, mine: word.mine ? 1 : 0 }));

  if (step.event === 'RECLAIM') said[step.by]!.push({ op: 'reclaim', fresh: false, mine: 1 as never });
  else if (step.event === 'APPEND') {
    const word = said[step.by]!.shift() as any;
    const entry = {
      agent: agentName(step.by),
      number: 0,
      floor: 0,
      key: 'x',
      op: word.op,
      epoch: word.mine,
      base: word.fresh,
      value: 0,
    };
    const sink: Sink = {
      own: (agent, _, event) => tell(Number(agent.slice(1)), event),
      others: (agent, _, event) =>
        lines.forEach((__, index) => agentName(index) !== agent && tell(index, event)),
      held: () => undefined,
      settled: () => undefined,
    };
    memory.apply(entry, sink);
  } else tell(step.by, step.event);

  const view = (x: any) => ({ ...x, fresh: x.fresh === cell.version, mine: x.mine === cell.epoch });
  const [snapshot] = memory.snapshot().cells;
  return { cell: normal(snapshot!), lines: lines.map(view), said: said.map((words) => words.map(view)) };
}

/** The world when the bus has taken every word. */
function drained(
  world: OneKeyWorld,
  readers: ReaderPolicy,
  observer: Observer,
  faults: Faults,
  table: LineTable,
): OneKeyWorld {
  for (let words = 0; ; words++) {
    const by = world.said.findIndex(({ length }) => length > 0);
    if (by < 0) return world;
    if (words > 100) throw new Error('the bus never falls silent');
    world = worldAfter(world, { by, event: 'APPEND' }, readers, observer, faults, table);
  }
}

/** The output of a cell of the table, by name. */
function saying(
  { machine }: LineTable,
  state: string,
  type: string,
  copy: boolean,
  readers: ReaderPolicy,
): readonly string[] {
  const on = (machine.config.states as any)[state].on[type];
  const candidates = Array.isArray(on) ? on : [on];
  const guards: Record<string, boolean> = { copy, committed: readers === 'committed' };
  const taken = candidates.find(
    (candidate) => candidate.guard === undefined || guards[candidate.guard as string],
  );
  const actions = typeof taken === 'string' ? [] : (taken?.actions ?? []);
  return Array.isArray(actions) ? actions : [actions];
}
const ENTRY: Record<string, SentEntry['op'] | undefined> = {
  requestShared: 'gets',
  requestModified: 'getm',
  put: 'put',
  release: 'release',
  evict: 'evict',
};

/** What is wrong with a world, if anything. */
export function wrong({ cell, lines }: OneKeyWorld, readers: ReaderPolicy): string | undefined {
  const readable = lines.map(
    ({ state, copy }) => PERMISSION[state as keyof typeof PERMISSION] !== 'none' && (state !== 'MP' || copy),
  );
  for (const [index, line] of lines.entries()) {
    if (readable[index] && !line.fresh) return `line ${index} reads a stale copy`;
    if (line.state === 'M' && (cell.owner !== agentName(index) || !cell.held || !line.mine))
      return `line ${index} is M without a hold`;
    if (line.state === 'E' && (cell.owner !== agentName(index) || cell.held))
      return `line ${index} is E and not the owner`;
    if (line.state !== 'M' && line.state !== 'E') continue;
    const others = lines.some(({ state }, other) => other !== index && readable[other] && state !== 'MP');
    if (others && !(line.state === 'M' && readers === 'committed'))
      return `line ${index} owns, and another reads`;
    if (lines.some(({ state }, other) => other !== index && (state === 'M' || state === 'E')))
      return 'two owners';
  }
  return undefined;
}

export interface Graph {
  readonly states: number;
  readonly edges: number;
  readonly cells: ReadonlySet<string>;
  /** By state: where each step leads. */
  readonly next: readonly (readonly (readonly [step: OneKeyStep, to: number])[])[];
  readonly worlds: readonly OneKeyWorld[];
}

/** Something is wrong in a world that can be reached; the steps are a shortest way there. */
export class MesiViolation extends Error {
  override name = 'MesiViolation';
  readonly steps: readonly OneKeyStep[];
  readonly transcript: readonly Message[];
  constructor(what: string, steps: readonly OneKeyStep[], transcript: readonly Message[]) {
    super(what);
    this.steps = steps;
    this.transcript = transcript;
  }
}

export interface OneKeyOptions extends Scope {
  /** Rules of memory that are left out. */
  readonly faults?: Faults;
  /** A line's table with a mistake in it. Default: the real one. */
  readonly machine?: AnyStateMachine;
  /** More states than this are an error of the caller. Default 1,000,000. */
  readonly limit?: number;
}

/** Breadth first, to the end.
 *  @throws {MesiViolation} at the first world in which something is wrong. */
export function exploreOneKey(
  count: number,
  readers: ReaderPolicy,
  { faults = {}, limit = 1e6, machine = cacheLine, ...scope }: OneKeyOptions,
): Graph {
  const table = tableOf(machine);
  const cells = new Set<string>();
  const worlds = [initialWorld(count)];
  const known = new Map([[JSON.stringify(worlds[0]), 0]]);
  const parents: (readonly [OneKeyStep, number] | undefined)[] = [undefined];
  const next: [OneKeyStep, number][][] = [];
  const observer: Observer = {
    heard: (state, event) => {
      cells.add(`${state} ${event}`);
      if (saying(table, state, event, true, readers).includes('impossible'))
        throw new Error(`impossible: ${event} in ${state}`);
    },
  };
  const violation = (what: string, at: number, last: OneKeyStep): MesiViolation => {
    const steps = wayTo(at, last);
    const setting = { agents: count, readers, faults, machine, ...scope };
    const keyed = steps.map((step) => ({ ...step, key: 0 }));
    return new MesiViolation(what, steps, tellSteps(setting, keyed, what));
  };
  const wayTo = (at: number, last: OneKeyStep): OneKeyStep[] => {
    const way = [last];
    for (let parent = parents[at]; parent !== undefined; parent = parents[parent[1]]) way.unshift(parent[0]);
    return way;
  };
  let edges = 0;
  for (let at = 0; at < worlds.length; at++) {
    const world = worlds[at]!;
    const row: [OneKeyStep, number][] = [];
    for (const step of steps(world, scope)) {
      let to: OneKeyWorld;
      try {
        to = worldAfter(world, step, readers, observer, faults, table);
        if (scope.bus === 'atomic') to = drained(to, readers, observer, faults, table);
      } catch (error) {
        throw violation((error as Error).message, at, step);
      }
      const key = JSON.stringify(to);
      let index = known.get(key);
      if (index === undefined) {
        const problem = wrong(to, readers);
        if (problem !== undefined) throw violation(problem, at, step);
        known.set(key, (index = worlds.push(to) - 1));
        parents[index] = [step, at];
        if (index > limit) throw new RangeError(`more than ${limit} states`);
      }
      row.push([step, index]);
      edges++;
    }
    next.push(row);
  }
  return { states: worlds.length, edges, cells, next, worlds };
}
