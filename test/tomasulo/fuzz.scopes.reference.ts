/** What a score with maps, conditions, sub-scores, loops and questions does, by one recursive walk in program order. It knows
 *  no stations, windows or clocks, and imports nothing of `machines/`, `actors/` or `src/`. */
import { FAILS, HANGS, SLEEPS, type Behaviour } from './fuzz.reference.ts';

export interface FuzzScore {
  readonly nodes: readonly FuzzNode[];
  /** What it returns, by name. Default: the last value of every name. */
  readonly outputs: Readonly<Record<string, string>> | undefined;
  /** Whether it checks its input, and what the check says. */
  readonly input: 'none' | 'sync' | 'async' | 'unfit';
}
export type FuzzScope =
  | {
      readonly kind: 'map';
      readonly over: string;
      readonly join: 'all' | 'allSettled' | 'any' | 'first' | { readonly quorum: number };
      readonly concurrency: number | undefined;
      readonly index: boolean;
      /** Undefined: the agent of the node does each element. */
      readonly body: FuzzScore | undefined;
    }
  | { readonly kind: 'score'; readonly body: FuzzScore; readonly timeoutMs: number | undefined }
  | {
      readonly kind: 'repeat';
      readonly body: FuzzScore;
      readonly max: number;
      /** The round that is good enough. */
      readonly enough: number;
      readonly throws: boolean;
      readonly onCap: 'fail' | 'accept';
    };
/** A hold of the score. A person replies to its question at once, or stays silent. */
export interface FuzzHold {
  readonly asks: 'nothing' | 'question' | 'answer';
  readonly reply: 'answers' | 'edits' | 'refuses' | 'unfit' | 'silent';
  readonly timeoutMs: number;
  readonly onTimeout: 'fail' | 'resume';
}
export interface FuzzNode {
  readonly id: string;
  readonly agent: string;
  readonly writes: string | undefined;
  /** A name, with the properties to follow: the operands r0, r1, … */
  readonly reads: readonly string[];
  readonly after: readonly string[];
  readonly tolerant: boolean;
  readonly tries: number | undefined;
  readonly fallback: boolean;
  readonly timeoutMs: number | undefined;
  readonly external: boolean;
  readonly tacet: boolean;
  readonly downbeat: boolean;
  readonly when: 'odd' | 'holds' | 'fails' | 'throws' | undefined;
  readonly otherwise: boolean;
  readonly hold: FuzzHold | undefined;
  readonly behaviours: readonly Behaviour[];
  readonly scope: FuzzScope | undefined;
}
export interface ScopesInput {
  readonly score: FuzzScore;
  readonly input: unknown;
  /** The performance is stopped before its first step, or its input does not fit. */
  readonly stopped: 'cancelled' | 'failed' | undefined;
  readonly tries: number | undefined;
  readonly stepMs: number | undefined;
  /** What a caesura names before the first step is issued. */
  readonly refused: ReadonlySet<string>;
}
export interface ScopesExpected {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly statuses: ReadonlyMap<string, ReadonlySet<string>>;
  readonly attempts: ReadonlyMap<string, number>;
  /** By blamed fault: each step that may be its root. */
  readonly roots: readonly ReadonlySet<string>[];
  readonly calls: number;
  readonly retries: number;
}

/** A value, a fault, or neither: a condition did not hold. */
type End =
  | { readonly is: 'value'; readonly value: unknown }
  | { readonly is: 'fault'; readonly roots: ReadonlySet<string> }
  | { readonly is: 'absent' };
type Names = Readonly<Record<string, unknown>>;
const MISSING = Symbol('missing');

export const hashOf = (text: string): number =>
  [...text].reduce((sum, letter) => (sum * 33 + letter.codePointAt(0)!) % 9_973, 7);
/** What an agent makes of its operands: it depends on each of them, on the try, and on what a person has answered. */
export function madeOf(id: string, attempt: number, operands: Names, answer: unknown): unknown {
  const v = (hashOf(id) * 7 + attempt + digestOf(operands) * 31 + digestOf(answer)) % 9_973;
  return { v, list: listOf(v, 2) };
}
const listOf = (v: number, depth: number): unknown[] =>
  Array.from({ length: v % 4 }, (_, k) => {
    const inner = (v * 13 + k) % 9_973;
    return { v: inner, list: depth > 1 ? listOf(inner, depth - 1) : [] };
  });
export function digestOf(value: unknown): number {
  if (typeof value === 'number') return value % 9_973;
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value))
    return value.reduce<number>((sum, item) => (sum * 17 + digestOf(item)) % 9_973, 1);
  if (typeof value !== 'object' || value === null) return 2;
  if ((value as { status?: unknown }).status === 'rejected') return 3;
  return Object.keys(value)
    .toSorted()
    .reduce((sum, key) => (sum * 19 + key.length + digestOf((value as Names)[key])) % 9_973, 5);
}
export const standInOf = (id: string): unknown => ({ v: 9_000 + id.length, list: [{ v: 1, list: [] }] });
export const ANSWER = 'yes';
export const EDIT = { v: 77, list: [{ v: 78, list: [] }] };
/** Whether a node's condition holds. */
export function holdsOf(node: FuzzNode, operands: Names): boolean {
  if (node.when === 'throws') throw new Error('cannot tell');
  return node.when === 'holds' || (node.when === 'odd' && digestOf(operands) % 2 === 1);
}
/** What a step's agent does in a try. */
export const behaviourOf = ({ behaviours }: FuzzNode, id: string, attempt: number): Behaviour =>
  behaviours[(Math.min(attempt, 3) + hashOf(id)) % behaviours.length]!;

export class ScopesReference {
  readonly #given: ScopesInput;
  readonly #statuses = new Map<string, Set<string>>();
  readonly #attempts = new Map<string, number>();
  #calls = 0;
  #retries = 0;
  /** The outcome depends on time. */
  isOpen = false;

  constructor(given: ScopesInput) {
    this.#given = given;
  }

  play(): ScopesExpected {
    const { score, input, stopped } = this.#given;
    const expected = { statuses: this.#statuses, attempts: this.#attempts };
    if (stopped !== undefined) {
      for (const { id } of score.nodes) this.#ends(id, 'cancelled');
      return { ...expected, status: stopped, outputs: {}, roots: [], calls: 0, retries: 0 };
    }
    const { outputs, roots } = this.#score(score, '', input, []);
    return {
      ...expected,
      status: roots.length === 0 ? 'completed' : 'failed',
      outputs: outputs as Names,
      roots,
      calls: this.#calls,
      retries: this.#retries,
    };
  }

  #ends(id: string, ...statuses: string[]): void {
    this.#statuses.set(id, new Set(statuses));
    if (!this.#attempts.has(id)) this.#attempts.set(id, 0);
  }

  /** @param prefix of the ids of its steps
   *  @param around what a signal may name to mean all of it
   *  @returns the faults that no step absorbs, and the outputs; MISSING where one of them cannot be read */
  #score(
    { nodes, outputs: wanted }: FuzzScore,
    prefix: string,
    input: unknown,
    around: readonly string[],
  ): { roots: ReadonlySet<string>[]; outputs: unknown } {
    const names = new Map<string, number>([['input', -1]]);
    const ends: End[] = [];
    const absorbed = nodes.map(() => false);
    let declined = false;
    nodes.forEach((node, i) => {
      const endOf = (read: string): End => {
        const [name, ...path] = read.split('.') as [string, ...string[]];
        const tag = names.get(name)!;
        if (tag >= 0) absorbed[tag] = true;
        const end: End = tag < 0 ? { is: 'value', value: input } : ends[tag]!;
        return end.is === 'value' ? { is: 'value', value: follow(end.value, path) } : end;
      };
      const reads = node.scope?.kind === 'map' ? [...node.reads, node.scope.over] : node.reads;
      const step: Step = {
        node,
        id: prefix + node.id,
        around,
        reads: reads.map(endOf),
        isInput: reads.map((read) => read.split('.')[0] === 'input'),
        after: node.after.map(endOf),
        kept: undefined,
        isElse: node.otherwise,
        mayBeElse: declined,
        declined: false,
      };
      const before = names.get(node.writes ?? node.id);
      const conditional = node.when !== undefined || node.otherwise;
      if (conditional && before !== undefined) {
        step.kept = ends[before];
        if (node.fallback) absorbed[before] = true;
      }
      ends[i] = this.#step(step);
      declined = step.declined;
      names.set(node.writes ?? node.id, i);
    });
    names.delete('input');
    const roots = ends.flatMap((end, i) =>
      end.is === 'fault' && !absorbed[i] ? [{ i, roots: end.roots }] : [],
    );
    const outputs: Record<string, unknown> = {};
    const plans =
      wanted === undefined ? [...names.keys()].map((name) => [name, name]) : Object.entries(wanted);
    names.set('input', -1);
    let missing = false;
    for (const [name, read] of plans as [string, string][]) {
      const [from, ...path] = read.split('.') as [string, ...string[]];
      const tag = names.get(from)!;
      const end: End = tag < 0 ? { is: 'value', value: input } : ends[tag]!;
      if (end.is === 'fault' && !roots.some(({ i }) => i === tag)) roots.push({ i: tag, roots: end.roots });
      if (end.is !== 'value') continue;
      const value = follow(end.value, path);
      if (value === MISSING) missing = true;
      outputs[name] = value;
    }
    return { roots: roots.map((one) => one.roots), outputs: missing ? MISSING : outputs };
  }

  #step(step: Step): End {
    const { node, id, reads, after } = step;
    const fault = (...roots: string[]): End => ({ is: 'fault', roots: new Set(roots) });
    const standIn: End = { is: 'value', value: standInOf(node.id) };
    /** The step has no result, unless its default stands in. */
    const without = (end: End, ...statuses: string[]): End => {
      this.#ends(id, ...(node.fallback ? ['defaulted'] : statuses));
      return node.fallback ? standIn : end;
    };
    if (node.tacet) {
      this.#ends(id, 'tacet');
      return node.fallback ? standIn : { is: 'value', value: undefined };
    }
    const isRefused = [
      id,
      node.scope === undefined ? node.agent : `(${node.scope.kind})`,
      ...step.around,
    ].some((name) => this.#given.refused.has(name));
    if (isRefused) return without(fault(id), 'cancelled');
    const sources = node.tolerant && node.scope === undefined ? [] : [...reads, ...after];
    const faults = sources.flatMap((end) => (end.is === 'fault' ? [...end.roots] : []));
    const absent = sources.some(({ is }) => is === 'absent');
    const { hold } = node;
    const expires = hold?.onTimeout === 'fail';
    if (hold?.asks === 'nothing' && expires) {
      // Which comes first, the end of the hold or a fault, depends on time.
      if (absent && faults.length === 0 && !node.fallback) this.isOpen = true;
      return without(fault(id, ...faults), 'failed', ...(faults.length > 0 ? ['skipped'] : []));
    }
    if (faults.length > 0) return without(fault(...faults), 'skipped');
    if (absent) return without({ is: 'absent' }, 'skipped');
    let edited = false;
    let answer: unknown;
    if (hold !== undefined && hold.asks !== 'nothing') {
      if (hold.reply === 'refuses') return without(fault(id), 'failed');
      if (hold.reply === 'silent' || (hold.reply === 'unfit' && hold.asks === 'answer')) {
        if (expires) return without(fault(id), 'failed');
      } else {
        answer = ANSWER;
        edited = hold.reply === 'edits';
      }
    }
    const operands = operandsOf(step, edited);
    if (node.otherwise && !step.mayBeElse) return this.#skip(step, without);
    if (node.when !== undefined) {
      let holds: boolean;
      try {
        if (operands === MISSING) throw new Error('no operands');
        holds = holdsOf(node, operands);
      } catch {
        return without(fault(id), 'failed');
      }
      if (!holds) {
        step.declined = true;
        return this.#skip(step, without);
      }
    }
    const end =
      node.scope === undefined
        ? this.#tries(node, id, operands, answer)
        : this.#scope(node.scope, step, operands);
    if (end.is !== 'value') return without(end, 'failed');
    this.#ends(id, 'done');
    return end;
  }
  /** The name that a step writes keeps its earlier value. */
  #skip({ id, kept }: Step, without: (end: End, ...statuses: string[]) => End): End {
    const end = kept === undefined ? without({ is: 'absent' }) : kept.is === 'value' ? kept : without(kept);
    this.#ends(id, 'skipped');
    return end;
  }

  #tries(node: FuzzNode, id: string, operands: Names | typeof MISSING, answer: unknown): End {
    const { tries = 1, stepMs } = this.#given;
    const limit = node.timeoutMs ?? stepMs ?? Infinity;
    const most = node.tries ?? (node.external ? 1 : tries);
    const failed: End = { is: 'fault', roots: new Set([id]) };
    for (let attempt = 1; attempt <= most; attempt++) {
      this.#attempts.set(id, attempt);
      this.#calls++;
      if (attempt > 1) this.#retries++;
      if (operands === MISSING) return failed;
      const { kind, ms } = behaviourOf(node, id, attempt);
      const took = (HANGS as readonly string[]).includes(kind) ? Infinity : SLEEPS.includes(kind) ? ms : 0;
      if (took <= limit && !(FAILS as readonly string[]).includes(kind))
        return { is: 'value', value: madeOf(id, attempt, operands, answer) };
    }
    return failed;
  }

  #scope(scope: FuzzScope, step: Step, operands: Names | typeof MISSING): End {
    const { id } = step;
    this.#attempts.set(id, 1);
    const failed: End = { is: 'fault', roots: new Set([id]) };
    if (operands === MISSING) return failed;
    if (scope.kind === 'map') return this.#map(scope, step, operands) ?? failed;
    if (scope.body.input === 'unfit' || scope.body.input === 'async') return failed;
    if (scope.kind === 'score') {
      if (scope.timeoutMs !== undefined) this.isOpen = true;
      return this.#body(scope.body, id, operands, [...step.around, id]);
    }
    let input = operands;
    for (let round = 1; ; round++) {
      const end = this.#body(scope.body, `${id}#${round}`, input, [...step.around, id, `${id}#${round}`]);
      if (end.is !== 'value') return end;
      if (scope.throws) return failed;
      if (round >= scope.enough) return end;
      if (round >= scope.max) return scope.onCap === 'accept' ? end : failed;
      input = { ...operands, ...(end.value as Names) };
    }
  }
  #body(body: FuzzScore, id: string, input: unknown, around: readonly string[]): End {
    const { roots, outputs } = this.#score(body, `${id}/`, input, around);
    if (roots.length > 0) return { is: 'fault', roots: new Set(roots.flatMap((one) => [...one])) };
    return outputs === MISSING ? { is: 'fault', roots: new Set([id]) } : { is: 'value', value: outputs };
  }

  /** @returns undefined when the map itself fails */
  #map(scope: FuzzScope & { kind: 'map' }, step: Step, operands: Names): End | undefined {
    const { node, id } = step;
    const { item, ...others } = operands;
    const { join, body } = scope;
    if (!Array.isArray(item)) return undefined;
    const list = item as readonly unknown[];
    if (typeof join === 'object' && join.quorum > list.length) return undefined;
    if (list.length === 0) return join === 'any' || join === 'first' ? undefined : { is: 'value', value: [] };
    if (body !== undefined && (body.input === 'unfit' || body.input === 'async')) return undefined;
    const endsEarly = join !== 'all' && join !== 'allSettled';
    if (endsEarly && scope.concurrency !== 1 && list.length > 1) this.isOpen = true;
    const ends: End[] = [];
    let decided: End | undefined | 'not yet' = 'not yet';
    list.forEach((element, i) => {
      const elementId = `${id}[${i}]`;
      const around = [...step.around, id, elementId];
      if (decided !== 'not yet') {
        for (const name of body === undefined
          ? [elementId]
          : body.nodes.map((one) => `${elementId}/${one.id}`))
          this.#ends(name, 'cancelled');
        return;
      }
      const given = { ...others, item: element, ...(scope.index ? { place: i } : {}) };
      ends[i] =
        body === undefined
          ? this.#element(node, elementId, given, around)
          : this.#body(body, elementId, given, around);
      decided = endsEarly ? judged(join, ends, list.length) : 'not yet';
    });
    if (decided !== 'not yet') return decided;
    if (join === 'allSettled')
      return {
        is: 'value',
        value: ends.map((end) =>
          end.is === 'value' ? { status: 'fulfilled', value: end.value } : { status: 'rejected' },
        ),
      };
    const first = ends.find(({ is }) => is === 'fault');
    return first ?? { is: 'value', value: ends.map((end) => (end as { value?: unknown }).value) };
  }
  #element(node: FuzzNode, id: string, operands: Names, around: readonly string[]): End {
    if ([id, node.agent, ...around].some((name) => this.#given.refused.has(name))) {
      this.#ends(id, 'cancelled');
      return { is: 'fault', roots: new Set([id]) };
    }
    const end = this.#tries(node, id, operands, undefined);
    this.#ends(id, end.is === 'value' ? 'done' : 'failed');
    return end;
  }
}

/** What the reference knows of a step before it plays it. */
interface Step {
  readonly node: FuzzNode;
  readonly id: string;
  readonly around: readonly string[];
  readonly reads: readonly End[];
  readonly isInput: readonly boolean[];
  readonly after: readonly End[];
  /** The earlier value of the name that it writes. */
  kept: End | undefined;
  readonly isElse: boolean;
  /** Whether the step above was skipped by its own condition. */
  readonly mayBeElse: boolean;
  /** Whether this one is. */
  declined: boolean;
}

function operandsOf({ node, reads, isInput }: Step, edited: boolean): Names | typeof MISSING {
  const operands: Record<string, unknown> = {};
  const tolerant = node.tolerant && node.scope === undefined;
  for (const [k, end] of reads.entries()) {
    const name = node.scope?.kind === 'map' && k === reads.length - 1 ? 'item' : `r${k}`;
    if (end.is !== 'value') operands[name] = { status: 'rejected' };
    else if (end.value === MISSING) return MISSING;
    else operands[name] = tolerant && !isInput[k] ? { status: 'fulfilled', value: end.value } : end.value;
  }
  return edited ? { ...operands, r0: EDIT } : operands;
}
function follow(whole: unknown, path: readonly string[]): unknown {
  let value = whole;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return MISSING;
    value = (value as Names)[key];
  }
  return value;
}
/** The result of a map that ends early. Elements run one after the other.
 *  @returns undefined when it fails by itself */
function judged(
  join: 'any' | 'first' | { readonly quorum: number },
  ends: readonly End[],
  elements: number,
): End | undefined | 'not yet' {
  const values = ends.flatMap((end) => (end.is === 'value' ? [end.value] : []));
  if (join === 'first') return ends[0]!;
  if (join === 'any' && values.length > 0) return { is: 'value', value: values[0] };
  const quorum = join === 'any' ? 1 : join.quorum;
  if (values.length >= quorum) return { is: 'value', value: values };
  return elements - (ends.length - values.length) < quorum ? undefined : 'not yet';
}
