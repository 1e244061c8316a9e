/** A program whose steps add steps, performed one after the other: the oracle of dynamic issue.
 *
 *  Hardware: a loop's iterations are issued as fresh instructions, and renaming keeps them apart, so that the registers are
 *  those of the same iterations in order (Hennessy & Patterson, ch. 3; predicated instructions: app. H). It knows no
 *  stations, tags or time, and imports nothing. */

export type Work =
  | { readonly is: 'agent' }
  /** The body once for each element; without one, the agent. `concurrency` 1: one element after the other. */
  | {
      readonly is: 'map';
      readonly over: string;
      readonly body: readonly GrowingStep[] | undefined;
      readonly join: 'all' | 'allSettled' | 'any' | 'first' | { readonly quorum: number };
    }
  | { readonly is: 'score'; readonly body: readonly GrowingStep[] }
  /** The body until this round, at most `max` rounds; then its outputs count. */
  | {
      readonly is: 'repeat';
      readonly body: readonly GrowingStep[];
      readonly until: number;
      readonly max: number;
    };

export interface GrowingStep {
  readonly id: string;
  readonly writes: string;
  /** Names, with properties to follow: the operands a, b, … */
  readonly reads: readonly string[];
  /** Performed only if the digest of its operands is odd. */
  readonly when: boolean;
  /** Performed only if the condition of the step above did not hold. */
  readonly otherwise: boolean;
  /** Whether its agent fails where its id has an odd digest. */
  readonly fails: boolean;
  readonly fallback: boolean;
  readonly work: Work;
}

/** A value, a fault, or neither: a condition did not hold, and there was no earlier value. */
type End =
  { readonly is: 'value'; readonly value: unknown } | { readonly is: 'fault' } | { readonly is: 'absent' };
type Values = Readonly<Record<string, unknown>>;

export interface InOrder {
  readonly outputs: Values;
  /** By id of each step that was reached. */
  readonly statuses: ReadonlyMap<string, string>;
  /** How often each agent was started, by id of its step. */
  readonly starts: ReadonlyMap<string, number>;
}

/** A number that depends on all of a value. */
export function digest(value: unknown): number {
  if (typeof value === 'number') return value % 9_973;
  if (typeof value === 'string')
    return [...value].reduce((sum, letter) => (sum * 33 + (letter.codePointAt(0) ?? 0)) % 9_973, 7);
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => (sum * 17 + digest(one)) % 9_973, 1);
  if (typeof value !== 'object' || value === null) return 2;
  if ((value as Values)['status'] === 'rejected') return 3;
  return Object.keys(value)
    .toSorted()
    .reduce((sum, key) => (sum * 19 + key.length + digest((value as Values)[key])) % 9_973, 5);
}
/** What an agent returns. */
export function agentResult(
  id: string,
  operands: Values,
): { readonly n: number; readonly list: readonly number[] } {
  const n = (digest(id) * 7 + digest(operands) * 31) % 9_973;
  return { n, list: Array.from({ length: n % 4 }, (_, i) => n + i) };
}
export const failsAt = ({ fails }: GrowingStep, id: string): boolean => fails && digest(id) % 2 === 1;
export const STAND_IN = { n: 1, list: [5] };

export function inOrder(steps: readonly GrowingStep[], input: unknown): InOrder {
  const run = new Sequence();
  const outputs: Record<string, unknown> = {};
  for (const [name, end] of run.sequence(steps, '', input).names)
    if (end.is === 'value') outputs[name] = end.value;
  return { outputs, statuses: run.statuses, starts: run.starts };
}

class Sequence {
  readonly statuses = new Map<string, string>();
  readonly starts = new Map<string, number>();

  #call(step: GrowingStep, id: string, operands: Values): End {
    this.starts.set(id, (this.starts.get(id) ?? 0) + 1);
    return failsAt(step, id) ? { is: 'fault' } : { is: 'value', value: agentResult(id, operands) };
  }
  /** @returns the value of each name, by the latest step that writes it; and whether a fault was overwritten unread */
  sequence(
    body: readonly GrowingStep[],
    prefix: string,
    given: unknown,
  ): { names: Map<string, End>; lost: boolean } {
    const names = new Map<string, End>([['input', { is: 'value', value: given }]]);
    const unread = new Set<string>();
    let declined = false;
    let lost = false;
    for (const step of body) {
      for (const read of namesReadBy(step)) unread.delete(read.split('.')[0]!);
      const { writes, when, otherwise, fallback } = step;
      const result = this.#one(step, prefix + step.id, names, declined);
      declined = result.declined;
      const keeps = (when || otherwise) && fallback;
      lost ||= unread.has(writes) && !keeps && names.get(writes)!.is === 'fault';
      names.set(writes, result.end);
      unread.add(writes);
    }
    names.delete('input');
    return { names, lost };
  }
  /** What a body returns: a fault if any of its names has one. */
  #whole(body: readonly GrowingStep[], prefix: string, given: unknown): End {
    const values: Record<string, unknown> = {};
    const { names, lost } = this.sequence(body, prefix, given);
    if (lost) return { is: 'fault' };
    for (const [name, end] of names) {
      if (end.is === 'fault') return end;
      if (end.is === 'value') values[name] = end.value;
    }
    return { is: 'value', value: values };
  }
  #one(
    step: GrowingStep,
    id: string,
    names: ReadonlyMap<string, End>,
    declinedAbove: boolean,
  ): { end: End; declined: boolean } {
    const finish = (end: End, status: string, declined = false) => {
      const standsIn = end.is !== 'value' && step.fallback;
      this.statuses.set(
        id,
        standsIn && status !== 'unmet' ? 'defaulted' : status === 'unmet' ? 'skipped' : status,
      );
      return { end: standsIn ? ({ is: 'value', value: STAND_IN } as const) : end, declined };
    };
    const ends = namesReadBy(step).map((read) => readOf(names, read));
    if (ends.some((end) => end.is === 'fault')) return finish({ is: 'fault' }, 'skipped');
    if (ends.some((end) => end.is === 'absent')) return finish({ is: 'absent' }, 'skipped');
    const values = ends.map((end) => (end as { value: unknown }).value);
    const operands: Record<string, unknown> = {};
    values.forEach((value, i) => (operands[i === step.reads.length ? 'item' : LETTERS[i]!] = value));
    const holds = !step.when || digest(operands) % 2 === 1;
    if (step.otherwise && !declinedAbove) return finish(names.get(step.writes) ?? { is: 'absent' }, 'unmet');
    if (!holds) return finish(names.get(step.writes) ?? { is: 'absent' }, 'unmet', true);
    const end = this.#performed(step, id, operands);
    return finish(end, end.is === 'value' ? 'done' : 'failed');
  }
  #performed(step: GrowingStep, id: string, operands: Values): End {
    const { work } = step;
    if (work.is === 'agent') return this.#call(step, id, operands);
    if (work.is === 'score') return this.#whole(work.body, `${id}/`, operands);
    if (work.is === 'map') return this.#mapped(step, work, id, operands);
    let given = operands;
    for (let round = 1; ; round++) {
      const end = this.#whole(work.body, `${id}#${round}/`, given);
      if (end.is !== 'value' || round >= Math.min(work.until, work.max)) return end;
      given = { ...operands, ...(end.value as Values) };
    }
  }
  #mapped(step: GrowingStep, work: Work & { is: 'map' }, id: string, operands: Values): End {
    const { item, ...others } = operands;
    const { body, join } = work;
    if (!Array.isArray(item)) return { is: 'fault' };
    const needed = typeof join === 'object' ? join.quorum : join === 'any' || join === 'first' ? 1 : 0;
    if (item.length < needed) return { is: 'fault' };
    const results: End[] = [];
    let decided: End | undefined;
    item.forEach((element, i) => {
      const at = `${id}[${i}]`;
      if (decided !== undefined) {
        for (const inner of body?.map((one) => `${at}/${one.id}`) ?? [at])
          this.statuses.set(inner, 'cancelled');
        return;
      }
      const given = { ...others, item: element as unknown };
      const end = body === undefined ? this.#call(step, at, given) : this.#whole(body, `${at}/`, given);
      if (body === undefined) this.statuses.set(at, end.is === 'value' ? 'done' : 'failed');
      results.push(end);
      if (needed > 0) decided = judged(results, item.length, needed, join);
    });
    if (decided !== undefined || item.length === 0) return decided ?? { is: 'value', value: [] };
    if (join === 'all' && results.some(({ is }) => is === 'fault')) return { is: 'fault' };
    const value = results.map((end) =>
      join === 'all'
        ? (end as { value?: unknown }).value
        : end.is === 'value'
          ? { status: 'fulfilled', value: end.value }
          : { status: 'rejected' },
    );
    return { is: 'value', value };
  }
}
/** What a step reads, the list of a map last. */
export const namesReadBy = ({ reads, work }: GrowingStep): readonly string[] =>
  work.is === 'map' ? [...reads, work.over] : reads;
export const LETTERS = ['a', 'b', 'c'] as const;

function readOf(names: ReadonlyMap<string, End>, read: string): End {
  const [name, ...path] = read.split('.') as [string, ...string[]];
  const end = names.get(name)!;
  if (end.is !== 'value') return end;
  return {
    is: 'value',
    value: path.reduce<unknown>((value, property) => (value as Values)[property], end.value),
  };
}
function judged(
  results: readonly End[],
  elements: number,
  needed: number,
  join: (Work & { is: 'map' })['join'],
): End | undefined {
  const values = results.flatMap((end) => (end.is === 'value' ? [end.value] : []));
  if (join === 'first') return results[0];
  if (values.length >= needed) return { is: 'value', value: join === 'any' ? values[0] : values };
  return elements - (results.length - values.length) < needed ? { is: 'fault' } : undefined;
}
