/** A store of runs in memory, for tests and for runs that only have to survive a failed attempt to perform them. */
import type { Seq } from './bus.ts';
import { FencedLogError, LogError, type LogEntry, type LogRecord } from './log.ts';
import {
  RunBusyError,
  RunExistsError,
  UnknownRunError,
  type InboxMessage,
  type RunInfo,
  type RunLog,
  type RunState,
  type RunStore,
} from './run-store.ts';

interface Kept {
  readonly id: string;
  readonly score: string;
  readonly created: number;
  updated: number;
  state: RunState;
  isShrunk: boolean;
  epoch: number;
  /** The log that may append, if one is open. */
  writer: MemoryLog | undefined;
  entries: LogEntry[];
  messages: InboxMessage[];
}

/** Creates a store in memory.
 *  @example
 *  ```ts
 *  const store = memoryStore();
 *  const log = store.create('a', 'greeting');
 *  log.append({ kind: 'begin', about: '', at: 0 });
 *  log.commit();
 *  [...log.read()].length; // 1
 *  ``` */
export function memoryStore(): MemoryStore {
  return new MemoryStore();
}

export class MemoryStore implements RunStore {
  readonly name = 'memory';
  readonly #runs = new Map<string, Kept>();
  readonly #used = new Set<string>();
  #messages = 0;

  create(id: string, score: string): RunLog {
    if (this.#used.has(id)) throw new RunExistsError(id, this.name);
    this.#used.add(id);
    const now = Date.now();
    const common = { id, score, created: now, updated: now, state: 'open' as const, isShrunk: false };
    const run: Kept = { ...common, epoch: 0, writer: undefined, entries: [], messages: [] };
    this.#runs.set(id, run);
    return new MemoryLog(run);
  }
  open(id: string): RunLog {
    const run = this.#run(id);
    if (run.writer !== undefined) throw new RunBusyError(id, 'another log of this process');
    return new MemoryLog(run);
  }
  read(id: string): Iterable<LogEntry> {
    return [...this.#run(id).entries];
  }
  stateOf(id: string): RunState {
    return this.#run(id).state;
  }
  endedBefore(time: number): string[] {
    const runs = [...this.#runs.values()];
    return runs
      .filter(({ state, updated, isShrunk }) => state !== 'open' && updated < time && !isShrunk)
      .map(({ id }) => id);
  }
  list(): RunInfo[] {
    return [...this.#runs.values()].map(
      ({ id, score, created, updated, state, isShrunk, writer, entries, messages }) => ({
        ...{ id, score, created, updated, state, isShrunk },
        holder: writer === undefined ? undefined : 'this process',
        records: entries.length,
        waiting: messages.length,
      }),
    );
  }
  tell(id: string, text: string): void {
    const run = this.#run(id);
    if (run.state !== 'open')
      throw new LogError(`the run '${id}' has ended (${run.state}); it takes no answers.`);
    run.messages.push({ id: ++this.#messages, at: Date.now(), text });
  }
  remove(id: string): void {
    if (this.#run(id).writer !== undefined) throw new RunBusyError(id, 'another log of this process');
    this.#runs.delete(id);
  }
  close(): void {}

  /** What a crash does: the writer is gone, with everything that it has not committed. */
  crash(id: string): void {
    this.#run(id).writer = undefined;
  }
  #run(id: string): Kept {
    const run = this.#runs.get(id);
    if (run === undefined) throw new UnknownRunError(id, this.name, [...this.#runs.keys()]);
    return run;
  }
}

class MemoryLog implements RunLog {
  readonly #run: Kept;
  readonly #epoch: number;
  #pending: LogEntry[] = [];
  #taken = new Set<number>();
  #state: RunState | undefined;
  #tip: Seq;

  constructor(run: Kept) {
    this.#run = run;
    this.#epoch = ++run.epoch;
    run.writer = this;
    this.#tip = run.entries.at(-1)?.seq ?? 0;
  }
  get runId(): string {
    return this.#run.id;
  }
  get tip(): Seq {
    return this.#tip;
  }
  get committed(): Seq {
    return this.#run.entries.at(-1)?.seq ?? 0;
  }
  append(record: LogRecord): Seq {
    this.#pending.push({ ...record, seq: ++this.#tip });
    return this.#tip;
  }
  commit(): void {
    this.renew();
    const run = this.#run;
    for (const entry of this.#pending) run.entries.push(entry);
    this.#pending = [];
    if (this.#taken.size > 0) run.messages = run.messages.filter(({ id }) => !this.#taken.has(id));
    this.#taken = new Set();
    run.state = this.#state ?? run.state;
    run.updated = Date.now();
  }
  renew(): void {
    if (this.#run.epoch !== this.#epoch || this.#run.writer !== this)
      throw new FencedLogError(this.#run.id, 'another log');
  }
  *read(from: Seq = 1): Iterable<LogEntry> {
    for (const entry of this.#run.entries) if (entry.seq >= from) yield entry;
  }
  keep(positions: readonly Seq[]): void {
    this.renew();
    const kept = new Set(positions);
    this.#run.entries = this.#run.entries.filter(({ seq }) => kept.has(seq));
    this.#run.isShrunk = true;
  }
  inbox(): InboxMessage[] {
    this.renew();
    return this.#run.messages.filter(({ id }) => !this.#taken.has(id));
  }
  took(id: number): void {
    this.#taken.add(id);
  }
  ended(state: Exclude<RunState, 'open'>): void {
    this.#state = state;
  }
  close(): void {
    this.#pending = [];
    if (this.#run.writer === this) this.#run.writer = undefined;
  }
}
