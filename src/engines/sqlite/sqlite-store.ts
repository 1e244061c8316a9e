/** A store of runs in one SQLite file, by Node.js's own driver.
 *
 *  In WAL mode a commit appends to one file. Records are collected in memory, and a commit writes them as one row: `head`
 *  lists them as JSON, five fields a record (kind, about, time, details, payload), and `body` has their payloads one after
 *  the other. The same statement checks the writer's epoch, so that a writer that lost its lease adds nothing. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Seq } from '../../../actors/bus/bus.ts';
import { FencedLogError, LogError, type LogEntry, type LogRecord } from '../../../actors/bus/log.ts';
import {
  RunBusyError,
  RunExistsError,
  UnknownRunError,
  type InboxMessage,
  type RunInfo,
  type RunLog,
  type RunState,
  type RunStore,
} from '../../../actors/bus/run-store.ts';

export interface SqliteStoreOptions {
  /** What a commit survives. `process`: the end of the process, also by kill -9; a power failure may take the last
   *  commits. `power`: a power failure, too; each commit waits for the disk. Default `process`. */
  readonly level?: 'process' | 'power' | undefined;
  /** How long to wait for another process that writes, 0 … 600,000 ms. Default 5,000. */
  readonly busyMs?: number | undefined;
  /** How long a writer may be silent before another may take its run over, 100 … 86,400,000 ms. Default 30,000. A
   *  writer of this host that has ended is replaced at once. */
  readonly leaseMs?: number | undefined;
  /** How long the whole log of a run that has ended is kept, 0 … 3,153,600,000,000 ms (100 years). After that it shrinks
   *  to its beginning, outputs, usage and end, when a performance of this store ends. Default: it is kept. */
  readonly keepMs?: number | undefined;
}

const OPTIONS = ['level', 'busyMs', 'leaseMs', 'keepMs'];
/** The format of the file. */
const FORMAT = 2;
/** Larger payloads are stored once, by content. */
const INLINE = 4_096;
/** The most records in one row. */
const BATCH = 256;
/** Rows that are read at once. */
const PAGE = 256;
/** Bytes of the WAL after which a checkpoint is due. A commit adds at least one page. */
const CHECKPOINT_BYTES = 16 * 1_024 * 1_024;
const PAGE_BYTES = 4_096;

const SCHEMA = `
CREATE TABLE run (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, score TEXT NOT NULL, state TEXT NOT NULL, created REAL NOT NULL,
  updated REAL NOT NULL, epoch INTEGER NOT NULL, holder TEXT, heard REAL NOT NULL,
  shrunk INTEGER NOT NULL DEFAULT 0);
CREATE TABLE batch (
  run INTEGER NOT NULL, seq INTEGER NOT NULL, records INTEGER NOT NULL, head TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (run, seq)) WITHOUT ROWID;
CREATE TABLE payload (hash TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE uses (run INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, hash)) WITHOUT ROWID;
CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, at REAL NOT NULL, text TEXT NOT NULL);
PRAGMA user_version = ${FORMAT};
`;

/** A process, and how to find out whether it is alive. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, so that another one with the same number is not taken for it. */
  readonly born: string;
  /** Tells two logs of one process apart. */
  readonly log: string;
}

/** Opens, or creates, a store of runs.
 *  @param path a file, or a folder that has or gets the file `runs.db`
 *  @throws {LogError} when it cannot be used: which file, why, and what to do. @throws {RangeError} for an option
 *  @example
 *  ```ts
 *  const store = sqliteStore('.tutti');
 *  await perform(review, { durable: store, runId: 'review-1' }).result;
 *  store.close();
 *  ``` */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): SqliteStore {
  return new SqliteStore(path, options);
}

/** Whether this version of SQLite is known to keep a WAL file sound while several connections write and checkpoint. */
export function isSoundVersion(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major !== 3) return major > 3;
  if (minor > 51 || (minor === 51 && patch >= 3)) return true;
  return (minor === 50 && patch >= 7) || (minor === 44 && patch >= 6);
}

const live = new Set<string>();

export class SqliteStore implements RunStore {
  readonly name: string;
  readonly level: 'process' | 'power';
  readonly keepMs: number | undefined;
  readonly #db: DatabaseSync;
  readonly #leaseMs: number;
  readonly #statements = new Map<string, StatementSync>();
  readonly #logs = new Set<SqliteLog>();
  #sinceCheckpoint = 0;
  #checkpoint: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, options: SqliteStoreOptions = {}) {
    const { level = 'process', busyMs = 5_000, leaseMs = 30_000, keepMs } = options;
    for (const key of Object.keys(options))
      if (!OPTIONS.includes(key))
        throw new RangeError(`sqliteStore: unknown option '${key}'; known are ${OPTIONS.join(', ')}.`);
    if (level !== 'process' && level !== 'power')
      throw new RangeError(`sqliteStore: level must be 'process' or 'power', not '${String(level)}'.`);
    within('busyMs', busyMs, 0, 600_000);
    within('leaseMs', leaseMs, 100, 86_400_000);
    if (keepMs !== undefined) within('keepMs', keepMs, 0, 3_153_600_000_000);
    if (!isSoundVersion(process.versions.sqlite ?? '0'))
      throw new LogError(
        `this Node.js has SQLite ${process.versions.sqlite}, which can damage a file that two processes use; use a Node.js with SQLite 3.51.3 or later.`,
      );
    this.name = fileOf(path);
    this.level = level;
    this.keepMs = keepMs;
    this.#leaseMs = leaseMs;
    try {
      mkdirSync(dirname(this.name), { recursive: true });
      this.#db = new DatabaseSync(this.name, { timeout: busyMs });
      this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = OFF;');
      this.#db.exec(`PRAGMA synchronous = ${level === 'power' ? 'FULL' : 'NORMAL'};`);
      this.#checkFormat();
    } catch (error) {
      throw this.failed('cannot be opened', error);
    }
  }

  #checkFormat(): void {
    if (this.#format === FORMAT) return;
    this.transaction(() => {
      const found = this.#format; // another process may have made the tables
      if (found === FORMAT) return;
      if (found > FORMAT)
        throw new LogError(
          `${this.name} has format ${found}, and this version of tutti reads format ${FORMAT}; use a later version.`,
        );
      if (this.#db.prepare('SELECT name FROM sqlite_schema LIMIT 1').get() !== undefined)
        throw new LogError(
          `${this.name} was not made by a released version of tutti; move it away, or give another path.`,
        );
      this.#db.exec(SCHEMA);
    });
  }
  get #format(): number {
    return (this.#db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  }

  create(id: string, score: string): SqliteLog {
    const holder = holderOf();
    const now = Date.now();
    const n = this.transaction(() => {
      const row = this.statement('SELECT n FROM run WHERE id = ?').get(id);
      if (row !== undefined) throw new RunExistsError(id, this.name);
      return Number(
        this.statement(
          "INSERT INTO run (id, score, state, created, updated, epoch, holder, heard) VALUES (?, ?, 'open', ?, ?, 1, ?, ?)",
        ).run(id, score, now, now, JSON.stringify(holder), now).lastInsertRowid,
      );
    });
    return this.#log(id, n, 1, holder, 0);
  }

  open(id: string): SqliteLog {
    const holder = holderOf();
    const [n, epoch, tip] = this.transaction(() => {
      const row = this.#row(id);
      const before = this.#holder(row);
      if (before !== undefined) throw new RunBusyError(id, before);
      this.statement('UPDATE run SET epoch = epoch + 1, holder = ?, heard = ? WHERE n = ?').run(
        JSON.stringify(holder),
        Date.now(),
        row.n,
      );
      const last = this.statement(
        'SELECT seq + records - 1 AS tip FROM batch WHERE run = ? ORDER BY seq DESC LIMIT 1',
      ).get(row.n) as { tip: number } | undefined;
      return [row.n, row.epoch + 1, last?.tip ?? 0] as const;
    });
    return this.#log(id, n, epoch, holder, tip);
  }
  #log(id: string, n: number, epoch: number, holder: Holder, tip: Seq): SqliteLog {
    live.add(holder.log);
    const log = new SqliteLog(this, { id, n, epoch, tip, heartbeatMs: this.#leaseMs / 4 }, () => {
      live.delete(holder.log);
      this.#logs.delete(log);
    });
    this.#logs.add(log);
    return log;
  }

  read(id: string): Iterable<LogEntry> {
    return this.readRun(this.#row(id).n, 1);
  }
  stateOf(id: string): RunState {
    return this.guarded('cannot be read', () => this.#row(id)).state as RunState;
  }
  /** @internal */
  *readRun(run: number, from: Seq): Generator<LogEntry, void, undefined> {
    const first = this.guarded('cannot be read', () =>
      this.statement('SELECT max(seq) AS seq FROM batch WHERE run = ? AND seq <= ?').get(run, from),
    ) as { seq: Seq | null };
    // In pages: an open read would keep the WAL from being written back.
    for (let next = first.seq ?? from; ;) {
      const rows = this.guarded('cannot be read', () => this.#page(run, next));
      for (const [seq, , head, body] of rows) {
        const fields = JSON.parse(head) as HeadField[];
        let taken = 0;
        for (let i = 0, at = seq; i < fields.length; i += FIELDS, at++) {
          const kept = fields[i + 4] as PayloadField;
          let value: string | undefined;
          if (typeof kept === 'string') value = this.#payload(kept);
          else if (kept !== null) value = body.slice(taken, (taken += kept));
          if (at < from) continue;
          yield {
            seq: at,
            kind: fields[i] as string,
            about: fields[i + 1] as string,
            at: fields[i + 2] as number,
            data: (fields[i + 3] as string | null) ?? undefined,
            value,
          };
        }
      }
      if (rows.length < PAGE) return;
      const [seq, records] = rows.at(-1)!;
      next = seq + records;
    }
  }
  #page(run: number, from: Seq): readonly BatchRow[] {
    const statement = this.statement(
      `SELECT seq, records, head, body FROM batch WHERE run = ? AND seq >= ? ORDER BY seq LIMIT ${PAGE}`,
    );
    statement.setReturnArrays(true);
    return statement.all(run, from) as unknown as readonly BatchRow[];
  }
  #payload(hash: string): string {
    const found = this.guarded('cannot be read', () =>
      this.statement('SELECT text FROM payload WHERE hash = ?').get(hash),
    ) as { text: string } | undefined;
    if (found === undefined)
      throw new LogError(`${this.name}: a payload is missing; the file is damaged. Restore it from a copy.`);
    return found.text;
  }

  endedBefore(time: number): string[] {
    const rows = this.guarded('cannot be read', () =>
      this.statement(
        "SELECT id FROM run WHERE state NOT IN ('open', 'removed') AND shrunk = 0 AND updated < ? ORDER BY n",
      ).all(time),
    ) as unknown as { id: string }[];
    return rows.map(({ id }) => id);
  }
  /** Gives the room of what was removed or has been shrunk back to the disk. The file is written again, so do it seldom.
   *  @throws {LogError} while another process writes */
  compact(): void {
    this.guarded('cannot be written', () => {
      this.#db.exec('VACUUM');
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    });
  }

  list(): RunInfo[] {
    const rows = this.guarded('cannot be read', () =>
      this.statement(
        `SELECT n, id, score, state, created, updated, epoch, holder, heard, shrunk,
         (SELECT coalesce(sum(records), 0) FROM batch WHERE batch.run = run.n) AS records,
         (SELECT count(*) FROM message WHERE message.run = run.n) AS waiting
         FROM run WHERE state <> 'removed' ORDER BY n`,
      ).all(),
    ) as unknown as (RunRow & { records: number; waiting: number })[];
    return rows.map((row) => ({
      ...{ id: row.id, score: row.score, state: row.state as RunState },
      ...{ created: row.created, updated: row.updated, records: row.records, waiting: row.waiting },
      isShrunk: row.shrunk === 1,
      holder: this.#holder(row),
    }));
  }

  tell(id: string, text: string): void {
    this.transaction(() => {
      const { n, state } = this.#row(id);
      if (state !== 'open') throw new LogError(`the run '${id}' has ended (${state}); it takes no answers.`);
      this.statement('INSERT INTO message (run, at, text) VALUES (?, ?, ?)').run(n, Date.now(), text);
    });
  }

  remove(id: string): void {
    this.transaction(() => {
      const row = this.#row(id);
      const holder = this.#holder(row);
      if (holder !== undefined) throw new RunBusyError(id, holder);
      this.statement('DELETE FROM message WHERE run = ?').run(row.n);
      this.statement("UPDATE run SET state = 'removed', score = '', holder = NULL WHERE n = ?").run(row.n);
      this.drop(row.n);
      this.dropPayloads();
    });
  }
  /** Deletes the records of a run. @internal */
  drop(run: number): void {
    this.statement('DELETE FROM batch WHERE run = ?').run(run);
    this.statement('DELETE FROM uses WHERE run = ?').run(run);
  }
  /** Deletes payloads that no run uses. @internal */
  dropPayloads(): void {
    this.statement('DELETE FROM payload WHERE hash NOT IN (SELECT hash FROM uses)').run();
  }

  close(): void {
    for (const log of this.#logs) log.close();
    clearTimeout(this.#checkpoint);
    if (!this.#db.isOpen) return;
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // another process reads; the file is sound without it
    }
    this.#statements.clear();
    this.#db.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #row(id: string): RunRow {
    const row = this.statement("SELECT * FROM run WHERE id = ? AND state <> 'removed'").get(id);
    if (row === undefined)
      throw new UnknownRunError(
        id,
        this.name,
        this.list().map((run) => run.id),
      );
    return row as unknown as RunRow;
  }
  /** The living writer of a run, in words. */
  #holder({ holder, heard }: RunRow): string | undefined {
    if (holder === null) return undefined;
    const { pid, host, born, log } = JSON.parse(holder) as Holder;
    const words = `process ${pid} on ${host}`;
    const lapsed = Date.now() - heard > this.#leaseMs;
    if (host !== hostname()) return lapsed ? undefined : words;
    if (pid === process.pid && born === birthOf(pid))
      return live.has(log) ? `this process (${pid})` : undefined;
    if (!isAlive(pid) || (born !== '' && birthOf(pid) !== born)) return undefined;
    return lapsed ? undefined : words;
  }
  /** In words, who holds the run of a number now. @internal */
  whoHolds(n: number): string {
    const row = this.statement('SELECT * FROM run WHERE n = ?').get(n) as unknown as RunRow | undefined;
    return (row && this.#holder(row)) ?? 'another process';
  }

  /** @internal */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }
  /** Runs work in one transaction. @internal */
  transaction<T>(work: () => T): T {
    return this.guarded('cannot be written', () => {
      this.statement('BEGIN IMMEDIATE').run();
      try {
        const result = work();
        this.statement('COMMIT').run();
        return result;
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }
  /** @internal */
  guarded<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof LogError ? error : this.failed(what, error);
    }
  }
  /** @internal */
  failed(what: string, error: unknown): LogError {
    const { message, errcode } = error as { message?: string; errcode?: number };
    const reason = message ?? String(error);
    const base = (errcode ?? 0) & 0xff;
    return new LogError(`${this.name} ${what}: ${reason}.${REMEDY[base] ?? ''}`, { cause: error });
  }
  /** Writes the WAL back later, when the process has nothing else to do. @internal */
  wrote(bytes: number): void {
    this.#sinceCheckpoint += bytes;
    if (this.#sinceCheckpoint < CHECKPOINT_BYTES || this.#checkpoint !== undefined) return;
    this.#checkpoint = setTimeout(() => {
      this.#checkpoint = undefined;
      this.#sinceCheckpoint = 0;
      try {
        this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)');
      } catch {
        // tried again after as many bytes
      }
    }, 100);
    this.#checkpoint.unref();
  }
}

/** By SQLite's result code. */
const REMEDY: Readonly<Record<number, string>> = {
  5: ' Another process writes for long; wait, or raise busyMs.',
  8: ' Make the file and its folder writable.',
  11: ' The file is damaged; restore it from a copy.',
  13: ' Make room on the disk, then resume the run.',
  14: ' Give a path whose folder exists and is writable.',
  26: ' It is no store of tutti; give another path.',
};

/** Fields of a record in `head`. The payload's is its length in `body`, or its hash, or null where there is none. */
const FIELDS = 5;
type PayloadField = number | string | null;
type HeadField = string | number | null;
type BatchRow = readonly [seq: Seq, records: number, head: string, body: string];
interface RunRow {
  readonly n: number;
  readonly id: string;
  readonly score: string;
  readonly state: string;
  readonly created: number;
  readonly updated: number;
  readonly epoch: number;
  readonly holder: string | null;
  readonly heard: number;
  readonly shrunk: number;
}

export class SqliteLog implements RunLog {
  readonly runId: string;
  readonly #store: SqliteStore;
  readonly #n: number;
  readonly #epoch: number;
  readonly #onClose: () => void;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  #pending: LogRecord[] = [];
  #taken: number[] = [];
  #state: RunState | undefined;
  #tip: Seq;
  #committed: Seq;
  #closed = false;
  #lost: unknown;

  constructor(
    store: SqliteStore,
    run: { id: string; n: number; epoch: number; tip: Seq; heartbeatMs: number },
    onClose: () => void,
  ) {
    this.#store = store;
    this.runId = run.id;
    this.#n = run.n;
    this.#epoch = run.epoch;
    this.#tip = this.#committed = run.tip;
    this.#onClose = onClose;
    this.#heartbeat = setInterval(() => {
      try {
        this.renew();
      } catch (error) {
        this.#lost = error;
      }
    }, run.heartbeatMs);
    this.#heartbeat.unref();
  }
  get tip(): Seq {
    return this.#tip;
  }
  get committed(): Seq {
    return this.#committed;
  }
  append(record: LogRecord): Seq {
    this.#pending.push(record);
    return ++this.#tip;
  }
  commit(): void {
    if (this.#lost instanceof FencedLogError) throw this.#lost;
    const pending = this.#pending;
    if (pending.length === 0 && this.#taken.length === 0 && this.#state === undefined) return;
    const store = this.#store;
    const isPlain = pending.length <= BATCH && this.#taken.length === 0 && this.#state === undefined;
    if (isPlain && !this.#closed && pending.every(isInline)) {
      const { head, body } = packed(pending);
      const { changes } = store.guarded('cannot be written', () =>
        store
          .statement('INSERT INTO batch SELECT n, ?, ?, ?, ? FROM run WHERE n = ? AND epoch = ?')
          .run(this.#committed + 1, pending.length, head, body, this.#n, this.#epoch),
      );
      if (changes === 0) throw this.#fenced();
      store.wrote(PAGE_BYTES + head.length + body.length);
    } else
      store.transaction(() => {
        this.#check();
        for (let i = 0; i < pending.length; i += BATCH)
          this.#insert(this.#committed + 1 + i, pending.slice(i, i + BATCH));
        for (const id of this.#taken) store.statement('DELETE FROM message WHERE id = ?').run(id);
        if (this.#state !== undefined)
          store
            .statement('UPDATE run SET state = ?, updated = ? WHERE n = ?')
            .run(this.#state, Date.now(), this.#n);
      });
    this.#committed += pending.length;
    this.#pending = [];
    this.#taken = [];
    this.#state = undefined;
  }
  #insert(seq: Seq, records: readonly LogRecord[]): void {
    const { head, body } = packed(records, (text) => this.#savePayload(text));
    this.#store
      .statement('INSERT INTO batch VALUES (?, ?, ?, ?, ?)')
      .run(this.#n, seq, records.length, head, body);
    this.#store.wrote(PAGE_BYTES + head.length + body.length);
  }
  #savePayload(text: string): string {
    const hash = createHash('sha256').update(text).digest('base64url');
    const { changes } = this.#store.statement('INSERT OR IGNORE INTO payload VALUES (?, ?)').run(hash, text);
    this.#store.statement('INSERT OR IGNORE INTO uses VALUES (?, ?)').run(this.#n, hash);
    if (changes > 0) this.#store.wrote(text.length);
    return hash;
  }
  #check(): void {
    const row = this.#store.statement('SELECT epoch FROM run WHERE n = ?').get(this.#n) as
      { epoch: number } | undefined;
    if (row?.epoch !== this.#epoch || this.#closed) throw this.#fenced();
  }
  #fenced(): FencedLogError {
    const error = new FencedLogError(this.runId, this.#store.whoHolds(this.#n));
    this.#lost = error;
    return error;
  }
  renew(): void {
    if (this.#lost !== undefined) throw this.#lost;
    this.#store.transaction(() => {
      this.#check();
      const now = Date.now();
      this.#store.statement('UPDATE run SET heard = ?, updated = ? WHERE n = ?').run(now, now, this.#n);
    });
  }
  read(from: Seq = 1): Iterable<LogEntry> {
    return this.#store.readRun(this.#n, from);
  }
  keep(positions: readonly Seq[]): void {
    this.#store.transaction(() => {
      this.#check();
      const wanted = new Set(positions);
      const kept = [...this.read()].filter(({ seq }) => wanted.has(seq));
      this.#store.drop(this.#n);
      for (const entry of kept) this.#insert(entry.seq, [entry]);
      this.#store.statement('UPDATE run SET shrunk = 1 WHERE n = ?').run(this.#n);
      this.#store.dropPayloads();
    });
  }
  inbox(): InboxMessage[] {
    if (this.#lost !== undefined) throw this.#lost;
    this.#store.guarded('cannot be read', () => this.#check());
    const rows = this.#store.guarded('cannot be read', () =>
      this.#store.statement('SELECT id, at, text FROM message WHERE run = ? ORDER BY id').all(this.#n),
    );
    return (rows as unknown as InboxMessage[]).filter(({ id }) => !this.#taken.includes(id));
  }
  took(id: number): void {
    this.#taken.push(id);
  }
  ended(state: Exclude<RunState, 'open'>): void {
    this.#state = state;
  }
  close(): void {
    if (this.#closed) return;
    clearInterval(this.#heartbeat);
    this.#pending = [];
    try {
      this.#store
        .statement(
          "UPDATE run SET holder = NULL, updated = iif(state = 'open', ?, updated) WHERE n = ? AND epoch = ?",
        )
        .run(Date.now(), this.#n, this.#epoch);
    } catch {
      // the lease runs out by itself, and at once when this process ends
    }
    this.#closed = true;
    this.#onClose();
  }
}

const isInline = ({ value }: LogRecord): boolean => value === undefined || value.length <= INLINE;

/** A row of records.
 *  @param save stores a large payload and gives its hash */
function packed(
  records: readonly LogRecord[],
  save?: (text: string) => string,
): { readonly head: string; readonly body: string } {
  const fields: HeadField[] = [];
  let body = '';
  for (const record of records) {
    const { kind, about, at, data = null, value } = record;
    let kept: PayloadField = null;
    if (value !== undefined && save !== undefined && !isInline(record)) kept = save(value);
    else if (value !== undefined) {
      kept = value.length;
      body += value;
    }
    fields.push(kind, about, at, data, kept);
  }
  return { head: JSON.stringify(fields), body };
}

function within(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most))
    throw new RangeError(`sqliteStore: ${name} must be from ${least} to ${most}, not ${value}.`);
}

/** The file of a path that may be a folder. */
function fileOf(path: string): string {
  const whole = resolve(path);
  try {
    if (statSync(whole).isDirectory()) return join(whole, 'runs.db');
  } catch {
    // it will be made
  }
  return /\.[a-z0-9]+$/i.test(whole.replace(/^.*[/\\]\.?/, '')) ? whole : join(whole, 'runs.db');
}

const holderOf = (): Holder => ({
  pid: process.pid,
  host: hostname(),
  born: birthOf(process.pid),
  log: globalThis.crypto.randomUUID(),
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, in the kernel's ticks; empty where the system does not say. A process that has ended and was
 *  not waited for (a zombie) has no birth: it writes nothing more. */
function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
