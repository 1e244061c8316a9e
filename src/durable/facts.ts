/** What a durable performance notes, and the fold of its notes into where it stands.
 *
 *  | kind | about | data | value |
 *  |---|---|---|---|
 *  | `begin` | | format, score, options | the input |
 *  | `score` | | | one list a step, as `score-print.ts` writes them |
 *  | `start` | step | attempt, and whether the budget counts it | |
 *  | `open` | a map, a loop or a sub-score | | |
 *  | `hedge` | step, whose first attempt is late | whether the budget counts the second: 0 or 1 | |
 *  | `unstarted` | step | | |
 *  | `fail` | step | the error, the delay before the next try | |
 *  | `round` | step | round | its result |
 *  | `pulse` | step | status and fault; absent for a result | the result or the default |
 *  | `hold` | step | when it began | |
 *  | `signal` | | | an HCT signal that took effect |
 *  | `decide` | step | | what a person decided about a step in doubt |
 *  | `use` | step | what models used | |
 *  | `reserve`, `settle` | number | an amount that a call may use, and has used | |
 *  | `extend` | | what was added to the budget | |
 *  | `shared` | key | version | the whole value, or what changed |
 *  | `end` | | status, errors, usage, where outputs are | |
 *
 *  The state of a run is the fold of its log: nothing is enacted again. The first fact of a kind counts where there can
 *  be one only, so that a record that was appended twice changes nothing. */
import type { LogEntry } from '../../actors/bus/log.ts';
import type { StepStatus } from '../../actors/tomasulo/timeline.ts';
import type { Patch } from '../../actors/coherence/index.ts';
import type { Budget } from '../budget/budget.ts';
import type { HctSignal } from '../../machines/hct/signal.ts';
import type { FaultRecord } from './fault-record.ts';

/** The format of the facts. A later version of tutti reads it. */
export const FORMAT = 1;

/** What a person decides about an external step that may or may not have had its effect. */
export type Decision =
  /** It took place, with this result. */
  | { readonly did: unknown }
  /** It did not: run the step again. */
  | { readonly redo: true }
  /** Give the step up. */
  | { readonly fail: string };

export interface BeginRecord {
  readonly format: number;
  readonly score: string;
  /** Options of `perform` that JSON can keep. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The score file, for the command line. */
  readonly file?: string | undefined;
  readonly at: number;
  /** The input, as JSON. */
  readonly input: string | undefined;
}

/** Where one step stands. */
export class StepRecord {
  attempts = 0;
  /** Second attempts of hedged tries. */
  hedges = 0;
  failures = 0;
  retries = 0;
  rounds = 0;
  /** The last round's result, as JSON. */
  previous: string | undefined;
  /** Of a map, a loop or a sub-score: it has begun. */
  isOpened = false;
  /** Its last start has no outcome. */
  open = false;
  /** Its rest before the next try: when it began, and how long it is. */
  rest: { readonly since: number; readonly delayMs: number } | undefined;
  heldSince: number | undefined;
  decision: Decision | undefined;
  firstStart: number | undefined;
  end:
    | {
        readonly status: StepStatus;
        /** The result or the default, as JSON. */
        readonly value: string | undefined;
        readonly fault: FaultRecord | undefined;
        readonly at: number;
        readonly seq: number;
      }
    | undefined;
}

/** Where a performance is to be found at its end. */
export interface EndRecord {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly errors: readonly FaultRecord[];
  readonly usage: Readonly<Record<string, unknown>>;
  readonly makespan: number;
  readonly criticalPath: { readonly length: number; readonly steps: readonly string[] };
  /** By name: the step whose result it is, or null for the input, and the properties to follow in it. */
  readonly outputs: Readonly<Record<string, readonly [step: string | null, path: readonly string[]]>>;
  readonly shared?: Readonly<Record<string, unknown>> | undefined;
}

export interface Amounts {
  calls: number;
  tokens: number;
  usd: number;
}
export interface SharedCell {
  version: number;
  /** Every write since the last whole value. */
  value: unknown;
}

/** Where a performance stands: the fold of its log. */
export class RunRecord {
  begin: BeginRecord | undefined;
  /** The score, as `score-print.ts` writes it. */
  print = '';
  readonly steps = new Map<string, StepRecord>();
  readonly signals: { readonly signal: HctSignal; readonly at: number }[] = [];
  /** Starts that the budget counts. */
  charged = 0;
  /** Calls of models. */
  readonly used = { modelCalls: 0, tokens: 0, usd: 0 as number | undefined };
  /** Amounts set aside for calls whose outcome is not known, by number; and what settled calls have used. */
  readonly reserved = new Map<string, Amounts>();
  readonly settled: Amounts = { calls: 0, tokens: 0, usd: 0 };
  readonly extensions: Budget[] = [];
  readonly shared = new Map<string, SharedCell>();
  end: EndRecord | undefined;
  /** Positions to keep of a run that has ended. */
  readonly #kept: number[] = [];
  #tip = 0;

  get tip(): number {
    return this.#tip;
  }
  /** What is needed to show the end: its beginning, its outputs, its end. */
  positionsToKeep(): number[] {
    const steps = new Set(Object.values(this.end?.outputs ?? {}).map(([step]) => step));
    const results = [...steps].flatMap((step) => this.steps.get(step ?? '')?.end?.seq ?? []);
    return [...this.#kept, ...results];
  }
  step(id: string): StepRecord {
    let step = this.steps.get(id);
    if (step === undefined) this.steps.set(id, (step = new StepRecord()));
    return step;
  }

  apply({ seq, kind, about, at, data, value }: LogEntry): void {
    this.#tip = seq;
    switch (kind) {
      case 'start':
        return this.#start(this.step(about), at, JSON.parse(data!) as number | [number, number]);
      case 'pulse':
        return this.#pulse(this.step(about), seq, at, data, value);
      case 'open': {
        const step = this.step(about);
        step.isOpened = true;
        step.firstStart ??= at;
        return;
      }
      case 'hedge':
        this.step(about).hedges++;
        if (Number(data) === 1) this.charged++;
        return;
      case 'unstarted': {
        const step = this.step(about);
        if (step.open) step.attempts--;
        step.open = false;
        return;
      }
      case 'fail': {
        const step = this.step(about);
        step.open = false;
        step.failures++;
        step.retries++;
        const { delayMs } = JSON.parse(data!) as { delayMs: number };
        step.rest = { since: at, delayMs };
        return;
      }
      case 'round': {
        const step = this.step(about);
        step.open = false;
        step.failures = 0;
        step.rounds = Math.max(step.rounds, Number(data));
        step.previous = value;
        return;
      }
      case 'hold':
        this.step(about).heldSince ??= Number(data);
        return;
      case 'signal':
        return void this.signals.push({ signal: JSON.parse(value!) as HctSignal, at });
      case 'decide': {
        const step = this.step(about);
        if (step.open) step.decision ??= JSON.parse(value!) as Decision;
        return;
      }
      default:
        return this.#applyToRun({ seq, kind, about, at, data, value });
    }
  }
  /** Facts that are not about a step's way. */
  #applyToRun({ seq, kind, about, at, data, value }: LogEntry): void {
    switch (kind) {
      case 'use':
        return this.#use(JSON.parse(data!) as { tokens: number; usd: number | null });
      case 'reserve':
        return void this.reserved.set(about, JSON.parse(data!) as Amounts);
      case 'settle':
        return this.#settle(about, JSON.parse(data!) as Amounts | null);
      case 'extend':
        return void this.extensions.push(JSON.parse(data!) as Budget);
      case 'shared':
        return this.#share(about, Number(data), value!);
      case 'begin':
        this.#kept.push(seq);
        this.begin ??= { ...(JSON.parse(data!) as Omit<BeginRecord, 'at' | 'input'>), at, input: value };
        return;
      case 'score':
        this.print = value!;
        return;
      case 'end':
        this.#kept.push(seq);
        this.end ??= JSON.parse(value!) as EndRecord;
        return;
      default: // a fact of a later minor version, which does not change what is known here
    }
  }

  #start(step: StepRecord, at: number, given: number | [number, number]): void {
    const [attempt, counts] = typeof given === 'number' ? [given, 0] : given;
    if (attempt <= step.attempts) return;
    if (counts === 1) this.charged++;
    step.attempts = attempt;
    step.open = true;
    step.rest = undefined;
    step.decision = undefined;
    step.firstStart ??= at;
  }
  #pulse(
    step: StepRecord,
    seq: number,
    at: number,
    data: string | undefined,
    value: string | undefined,
  ): void {
    if (step.end !== undefined) return;
    const { status = 'done', fault } = (data === undefined ? {} : JSON.parse(data)) as {
      status?: StepStatus;
      fault?: FaultRecord;
    };
    step.open = false;
    step.end = { status, value, fault, at, seq };
  }
  #use({ tokens, usd }: { tokens: number; usd: number | null }): void {
    this.used.modelCalls++;
    this.used.tokens += tokens;
    this.used.usd = this.used.usd === undefined || usd === null ? undefined : this.used.usd + usd;
  }
  #settle(number: string, used: Amounts | null): void {
    if (!this.reserved.delete(number) || used === null) return;
    for (const kind of ['calls', 'tokens', 'usd'] as const) this.settled[kind] += used[kind];
  }
  #share(key: string, version: number, text: string): void {
    const cell = this.shared.get(key);
    if (cell !== undefined && version <= cell.version) return; // applied once
    const change = JSON.parse(text) as { value?: unknown; patches?: readonly Patch[] };
    const value =
      change.patches === undefined || cell === undefined
        ? change.value
        : applyPatches(cell.value, change.patches);
    this.shared.set(key, { version, value });
  }
}

/** Reads a log. @returns where the performance stands */
export function foldLog(entries: Iterable<LogEntry>): RunRecord {
  const record = new RunRecord();
  for (const entry of entries) record.apply(entry);
  return record;
}

/** Applies patches as Immer writes them to a value of plain JSON that only this fold has. */
function applyPatches(value: unknown, patches: readonly Patch[]): unknown {
  const root = { value };
  for (const { op, path, value: given } of patches) {
    let target = root as Record<string | number, any>;
    let key: string | number = 'value';
    for (const part of path) {
      target = target[key] as Record<string | number, any>;
      key = part;
    }
    const fresh = given === undefined ? given : (structuredClone(given) as unknown);
    if (!Array.isArray(target)) {
      if (op === 'remove') delete target[key];
      else target[key] = fresh;
    } else if (op === 'add') target.splice(Number(key), 0, fresh);
    else if (op === 'remove') target.splice(Number(key), 1);
    else if (key === 'length') target.length = Number(fresh);
    else target[Number(key)] = fresh;
  }
  return root.value;
}
