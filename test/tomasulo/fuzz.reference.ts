/** What a score does, by one walk through its steps in program order. It knows no stations, units, buses or clocks, and
 *  imports nothing of `machines/`, `actors/` or `src/`, so that it cannot share their mistakes. */

/** What an agent does in one try. `ms` is how long it sleeps first. */
export interface Behaviour {
  readonly kind: (typeof SUCCEEDS)[number] | (typeof FAILS)[number] | (typeof HANGS)[number];
  readonly ms: number;
  /** Which value is thrown, if one is. */
  readonly thrown: number;
}
export const SUCCEEDS = ['return', 'async', 'sleep', 'thenable', 'nested', 'dangling'] as const;
export const FAILS = ['throw', 'reject', 'sleepThrow', 'thenableThrow', 'getter'] as const;
/** Never end by themselves. `obey` ends when aborted; `late` returns a value then; `deaf` ignores the abort; `tardy`
 *  answers when the performance has stopped waiting. */
export const HANGS = ['obey', 'late', 'deaf', 'tardy'] as const;
export const SLEEPS = ['sleep', 'sleepThrow', 'nested', 'dangling'];

export interface FuzzStep {
  readonly id: string;
  readonly agent: string;
  readonly writes: string | undefined;
  /** `name`, `name.v` or `name.missing`; `input` is a name, too. */
  readonly reads: readonly string[];
  /** All reads as one operand, a list. */
  readonly list: boolean;
  readonly after: readonly string[];
  readonly tolerant: boolean;
  readonly tries: number | undefined;
  readonly fallback: boolean;
  readonly timeoutMs: number | undefined;
  readonly external: boolean;
  readonly tacet: boolean;
  readonly downbeat: boolean;
  readonly fermata: { readonly timeoutMs: number; readonly onTimeout: 'fail' | 'resume' } | undefined;
  readonly vamp: FuzzVamp | undefined;
  readonly quality: number | undefined;
  /** By try; the last one counts for all further tries. */
  readonly behaviours: readonly Behaviour[];
}
export interface FuzzVamp {
  readonly max: number;
  /** The round that is good enough. */
  readonly enough: number;
  readonly until: 'sync' | 'async' | 'throws' | 'rejects';
  readonly onCap: 'fail' | 'accept';
}
/** What a signal asks, in the words of this interpreter. No targets: everyone. */
export interface Order {
  readonly type: string;
  readonly targets: readonly string[];
  readonly intent?: string | undefined;
  readonly syncPoint?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly onTimeout?: 'fail' | 'resume' | undefined;
  readonly durationMs?: number | undefined;
  readonly rounds?: number | undefined;
  readonly quality?: number | undefined;
}
export interface ReferenceInput {
  readonly steps: readonly FuzzStep[];
  readonly input: unknown;
  readonly inputFits: boolean;
  readonly cancelled: boolean;
  readonly tries: number | undefined;
  readonly stepMs: number | undefined;
  readonly calls: number | undefined;
  /** Signals that arrive before the first step is issued. */
  readonly orders: readonly Order[];
}
export interface Expected {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly outputs: Readonly<Record<string, unknown>>;
  /** By step: each status that it may end with. More than one where a fault and a refusal race. */
  readonly statuses: readonly ReadonlySet<string>[];
  readonly attempts: readonly number[];
  /** By blamed fault: each step that may be its root. */
  readonly roots: readonly ReadonlySet<string>[];
  readonly calls: number;
  readonly retries: number;
  readonly deadlock: boolean;
  /** A try was refused for want of budget: which one depends on the order of the starts. */
  readonly overBudget: boolean;
}

type End =
  | { is: 'value'; value: unknown; status: string }
  | { is: 'fault'; roots: Set<string>; statuses: Set<string> }
  | { is: 'never' };

/** What an agent makes of its operands: it depends on each of them, and on the try. */
export function valueOf(step: number, attempt: number, operands: Readonly<Record<string, unknown>>): number {
  return Object.entries(operands).reduce(
    (sum, [name, operand]) => (sum * 31 + name.length + digest(operand)) % 9_973,
    step * 7 + attempt,
  );
}
function digest(value: unknown): number {
  if (typeof value === 'number') return value;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => (sum * 17 + digest(item)) % 9_973, 1);
  if (typeof value !== 'object' || value === null) return 2;
  if ('status' in value)
    return value.status === 'rejected' ? 3 : 5 + digest((value as { value?: unknown }).value);
  return 11 + digest((value as { v?: unknown }).v);
}
export const resultOf = (step: FuzzStep, v: number): Record<string, unknown> =>
  step.quality === undefined ? { v } : { v, quality: step.quality };
export const fallbackOf = (step: number): { v: number } => ({ v: 9_000 + step });

/** The holds, silences, refusals and vamps that signals have left when the first step is issued. */
class Orders {
  cancelled = false;
  readonly refused = new Set<number>();
  /** Steps whose own fermata a cue has lifted in advance. */
  readonly released = new Set<number>();
  readonly vamps = new Map<number, { rounds: number; quality: number | undefined }>();
  readonly silent = new Map<string, 'for good' | 'for a time'>();
  holds: { steps: Set<number>; order: Order }[] = [];

  constructor(steps: readonly FuzzStep[], orders: readonly Order[]) {
    const agents = new Set(steps.map(({ agent }) => agent));
    for (const order of orders) {
      const { type, targets, intent } = order;
      const everyone = targets.length === 0 || targets.includes('*');
      const named = new Set<number>();
      steps.forEach(({ id, agent }, i) => {
        if (everyone || targets.includes(id) || targets.includes(agent)) named.add(i);
      });
      const namedAgents = [...agents].filter((agent) => everyone || targets.includes(agent));
      if (type === 'caesura') {
        if (everyone) this.cancelled = true;
        else for (const step of named) this.refused.add(step);
      } else if (type === 'fermata') this.holds.push({ steps: named, order });
      else if (type === 'vamp')
        for (const step of named)
          this.vamps.set(step, { rounds: order.rounds ?? 1_000, quality: order.quality });
      else if (type === 'downbeat') this.#release(named, (hold) => hold.syncPoint === order.syncPoint);
      else if (type === 'cue' && intent !== 'update') {
        if (intent === 'resume') {
          this.#release(named, () => true);
          for (const step of named) this.released.add(step);
        }
        for (const agent of namedAgents) this.silent.delete(agent);
      } else if (type === 'tacet') {
        const until = order.durationMs === undefined ? 'for good' : 'for a time';
        for (const agent of namedAgents)
          if (this.silent.get(agent) !== 'for good') this.silent.set(agent, until);
        const steps_ = steps.flatMap(({ id }, i) => (targets.includes(id) && !everyone ? [i] : []));
        const hold = { type, targets, timeoutMs: order.durationMs, onTimeout: 'resume' } as const;
        this.holds.push({ steps: new Set(steps_), order: hold });
      }
    }
  }
  #release(named: ReadonlySet<number>, speaks: (hold: Order) => boolean): void {
    for (const { steps, order } of this.holds)
      if (speaks(order)) for (const step of named) steps.delete(step);
  }
  on(step: number): Order[] {
    return this.holds.flatMap(({ steps, order }) => (steps.has(step) ? [order] : []));
  }
}

/** Plays a score. */
export class Reference {
  readonly #given: ReferenceInput;
  readonly #orders: Orders;
  readonly #ends: End[] = [];
  readonly #attempts: number[] = [];
  #calls = 0;
  #retries = 0;
  #overBudget = false;

  constructor(given: ReferenceInput) {
    this.#given = given;
    this.#orders = new Orders(given.steps, given.orders);
  }
  /** Whether a signal holds or silences a step: how long depends on when the step is issued. */
  get holds(): boolean {
    return this.#orders.silent.size > 0 || this.#orders.holds.some(({ steps }) => steps.size > 0);
  }

  play(): Expected {
    const { steps, input, inputFits } = this.#given;
    const stopped = this.#given.cancelled || this.#orders.cancelled;
    const readers = steps.map(() => 0);
    const names = new Map<string, number>([['input', -1]]);
    let barrier = false;
    steps.forEach((step, i) => {
      const tags = [...step.reads, ...step.after].map((read) => names.get(read.split('.')[0]!)!);
      for (const tag of tags) if (tag >= 0) readers[tag]!++;
      this.#attempts[i] = 0;
      barrier ||= step.downbeat && this.#ends.some(({ is }) => is === 'never');
      this.#ends[i] =
        stopped || !inputFits || barrier
          ? { is: 'never' }
          : this.#step(
              i,
              step,
              tags,
              tags.map((tag) => (tag < 0 ? { is: 'value', value: input, status: '' } : this.#ends[tag]!)),
            );
      names.set(step.writes ?? step.id, i);
    });
    names.delete('input');
    const outputs: Record<string, unknown> = {};
    for (const [name, tag] of names) {
      readers[tag]!++;
      const end = this.#ends[tag]!;
      if (end.is === 'value') outputs[name] = end.value;
    }
    const last = new Set(names.values());
    const roots = this.#ends.flatMap((end, i) =>
      end.is === 'fault' && (last.has(i) || readers[i] === 0) ? [end.roots] : [],
    );
    const deadlock = !stopped && inputFits && this.#ends.some(({ is }) => is === 'never');
    return {
      status: stopped ? 'cancelled' : !inputFits || deadlock || roots.length > 0 ? 'failed' : 'completed',
      outputs,
      statuses: this.#ends.map((end) =>
        end.is === 'never'
          ? new Set(['cancelled'])
          : end.is === 'value'
            ? new Set([end.status])
            : end.statuses,
      ),
      attempts: this.#attempts,
      roots,
      calls: this.#calls,
      retries: this.#retries,
      deadlock,
      overBudget: this.#overBudget,
    };
  }

  #step(i: number, step: FuzzStep, tags: readonly number[], sources: readonly End[]): End {
    const fault = (status: string): End => ({
      is: 'fault',
      roots: new Set([step.id]),
      statuses: new Set([status]),
    });
    const standIn: End = { is: 'value', value: fallbackOf(i), status: 'defaulted' };
    if (step.tacet) return { is: 'value', value: step.fallback ? fallbackOf(i) : undefined, status: 'tacet' };
    const faults = step.tolerant ? [] : sources.filter((end) => end.is === 'fault');
    const skipped: End = {
      is: 'fault',
      roots: new Set(faults.flatMap(({ roots }) => [...roots])),
      statuses: new Set(['skipped']),
    };
    const holds: { timeoutMs?: number | undefined; onTimeout?: string | undefined }[] = this.#orders.on(i);
    if (step.fermata !== undefined && !this.#orders.released.has(i)) holds.push(step.fermata);
    const runsOut = holds.some(
      ({ timeoutMs, onTimeout }) => timeoutMs !== undefined && onTimeout !== 'resume',
    );
    const refused = this.#orders.refused.has(i);
    if (refused || runsOut) {
      if (step.fallback) return standIn;
      const end = fault(refused ? 'cancelled' : 'failed');
      if (faults.length === 0 || end.is !== 'fault' || skipped.is !== 'fault') return end;
      return {
        is: 'fault',
        roots: new Set([...end.roots, ...skipped.roots]),
        statuses: new Set([...end.statuses, 'skipped']),
      };
    }
    if (faults.length > 0) return step.fallback ? standIn : skipped;
    const silent = this.#orders.silent.get(step.agent) === 'for good';
    if (silent || holds.some(({ timeoutMs }) => timeoutMs === undefined)) return { is: 'never' };
    if (sources.some(({ is }) => is === 'never')) return { is: 'never' };
    return (
      this.#run(i, step, this.#operands(step, tags, sources)) ?? (step.fallback ? standIn : fault('failed'))
    );
  }

  /** @returns undefined when a read names a property that is not there */
  #operands(
    step: FuzzStep,
    tags: readonly number[],
    sources: readonly End[],
  ): Record<string, unknown> | undefined {
    let missing = false;
    const values = step.reads.map((read, k) => {
      const source = sources[k]!;
      const settled = step.tolerant && tags[k]! >= 0;
      if (source.is !== 'value') return { status: 'rejected' };
      const [, property] = read.split('.');
      let { value } = source;
      if (property !== undefined) {
        missing ||= typeof value !== 'object' || value === null || !Object.hasOwn(value, property);
        value = (value as Record<string, unknown> | undefined)?.[property];
      }
      return settled ? { status: 'fulfilled', value } : value;
    });
    if (missing) return undefined;
    return step.list ? { all: values } : Object.fromEntries(values.map((value, k) => [`r${k}`, value]));
  }

  /** @returns undefined when the step fails for good */
  #run(i: number, step: FuzzStep, operands: Record<string, unknown> | undefined): End | undefined {
    const { tries = 1, stepMs, calls = Infinity } = this.#given;
    const order = this.#orders.vamps.get(i);
    const vamp = order === undefined ? step.vamp : undefined;
    const limit = step.timeoutMs ?? stepMs ?? Infinity;
    let failures = step.tries ?? (step.external ? 1 : tries);
    let rounds = order?.rounds ?? vamp?.max ?? 1;
    let round = 1;
    let retrying = false;
    let previous: unknown;
    for (let attempt = 1; ; attempt++) {
      this.#attempts[i] = attempt;
      if (this.#calls >= calls) {
        this.#overBudget = true;
        return undefined;
      }
      this.#calls++;
      if (retrying) this.#retries++;
      if (operands === undefined) return undefined;
      const { kind, ms } = step.behaviours[Math.min(attempt, step.behaviours.length) - 1]!;
      const took = (HANGS as readonly string[]).includes(kind) ? Infinity : SLEEPS.includes(kind) ? ms : 0;
      retrying = took > limit || (FAILS as readonly string[]).includes(kind);
      if (retrying) {
        if (--failures === 0) return undefined;
        continue;
      }
      const given = step.vamp === undefined && order === undefined ? operands : { ...operands, previous };
      const value = resultOf(step, valueOf(i, attempt, given));
      const done: End = { is: 'value', value, status: 'done' };
      if (vamp === undefined && order === undefined) return done;
      if (vamp !== undefined && ['throws', 'rejects'].includes(vamp.until)) return undefined;
      if (vamp !== undefined && round >= vamp.enough) return done;
      if (order?.quality !== undefined && (step.quality ?? -1) >= order.quality) return done;
      if (--rounds === 0) return vamp?.onCap === 'fail' ? undefined : done;
      round++;
      previous = value;
    }
  }
}
