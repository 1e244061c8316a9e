/** One replica: the log applied in order, and the lines of the agents that live here.
 *
 *  Owns:     memory as of the applied prefix, and the line actors.
 *  Receives: every signal of the bus, in order.
 *  Sends:    the entries that lines and leases ask for.
 *
 *  Several replicas on one bus make the same state, each at its own pace. */
import { createActor, setup, type AnyActorRef, type InspectionEvent, type Observer } from 'xstate';
import type { LineEvent, ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import type { Envelope } from '../../machines/hct/signal.ts';
import { BusClosedError, BusHistoryError, type Bus, type Seq } from '../bus/bus.ts';
import { realClock, type Clock } from '../bus/clock.ts';
import { InvariantError } from '../tomasulo/errors.ts';
import type { Cell } from './cell.ts';
import { agentId, fromSignal, type Entry, type Result } from './entry.ts';
import { Leases } from './leases.ts';
import { Line, lineLogic, type LineHost, type LineLogic, type LineState, type Pending } from './line.ts';
import { Memory, type Faults, type MemorySnapshot, type Sink } from './memory.ts';
import { fingerprint, markOf } from './origin.ts';
import { Sender, type Outlet, type Unsent } from './sender.ts';

export interface ReplicaOptions {
  readonly bus: Bus;
  /** Names the space; several may share a bus. Default `shared`. */
  readonly scope?: string;
  readonly initial: Iterable<readonly [key: string, value: unknown]>;
  readonly readers?: ReaderPolicy;
  readonly history?: number;
  readonly clock?: Clock;
  /** How long an owner may be silent while another agent waits, ms. */
  readonly leaseMs?: number;
  /** How long a bus that fails is tried again, ms. */
  readonly outageMs?: number;
  /** Tells this process's entries from those of any other. */
  readonly session: string;
  /** Where to begin: at the start of the log (default), at its tip because no entry of this space is on it, or from
   *  another replica's snapshot. */
  readonly from?: 'log' | 'tip' | ReplicaSnapshot;
  readonly faults?: Faults;
  /** XState's inspection of every line. */
  readonly inspect?: Inspect | undefined;
  /** Called when this replica cannot go on: the bus is gone, or the replica does not know the history. */
  readonly onLost?: (why: unknown) => void;
}
export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/** The bus no longer has the history that this replica needs. */
export class MissedHistoryError extends Error {
  override name = 'MissedHistoryError';
  constructor(cause?: unknown) {
    super(
      "this space has a history that the bus no longer has: begin from another replica's checkpoint (`from`), or let the bus retain more.",
      { cause },
    );
  }
}
/** Another replica began the same space with other values. */
export class OriginError extends Error {
  override name = 'OriginError';
  constructor(scope: string) {
    super(
      `the space '${scope}' began with other keys or initial values, or from another checkpoint: give every replica the same, or give this space another scope.`,
    );
  }
}

/** A replica as JSON: memory, and the position up to which the bus has been applied. */
export interface ReplicaSnapshot {
  readonly applied: Seq;
  /** Tells the envelope at `applied` from one at the same position of another bus. */
  readonly mark: string;
  /** The fingerprint of the values with which the space began. */
  readonly origin: string;
  readonly memory: MemorySnapshot;
}

/** A filter of snoops: the lines of one key that a snoop can change. Every other line ignores it. */
interface Listening {
  /** Lines that have a copy or are about to write: they listen for GETM and PUT of other agents. */
  readonly active: Line[];
  /** The line in E, if there is one: it listens for GETS of other agents. */
  exclusive: Line | undefined;
}
/** The actor whose system the lines belong to. */
const space = setup({}).createMachine({ id: 'shared-space' });
const replicas = new WeakMap<object, Replica>();
/** The replica whose lines belong to an actor system, if there is one. */
export const replicaOf = (system: object): Replica | undefined => replicas.get(system);

const ACTIVE: Readonly<Record<LineState, boolean>> = {
  ...{ I: false, IS: false, IM: false },
  ...{ S: true, E: true, M: true, SM: true, MP: true },
};

export class Replica implements Sink, LineHost {
  readonly memory: Memory;
  readonly session: string;
  /** By number: every line that lives here. */
  readonly lines = new Map<number, Line>();
  /** Events that machines called impossible. Always 0 in a sound build. */
  impossible = 0;
  /** Resolves when history that was on the bus before this replica has been applied. */
  readonly ready: Promise<void>;
  /** Who inspects every line, if anyone does. */
  readonly inspectedBy: Inspect | undefined;
  readonly #bus: Bus;
  readonly #scope: string;
  readonly #readers: ReaderPolicy;
  readonly #logic: LineLogic;
  readonly #root: AnyActorRef;
  readonly #outlet: Outlet;
  readonly #manager: Sender;
  readonly #leases: Leases;
  readonly #lost: ((why: unknown) => void) | undefined;
  readonly #subscription: { unsubscribe(): void };
  readonly #senders = new Map<string, Sender>();
  /** By the cell's index. */
  readonly #listening: Listening[] = [];
  #made = 0;
  /** What lines have asked for and the bus has not been given yet. */
  readonly #outbox: { sender: Sender; entry: Unsent }[] = [];
  readonly #prefetches: Line[] = [];
  readonly #afterwards: (() => void)[] = [];
  #applying: Entry | undefined;
  #busy = false;
  #applied: Seq = 0;
  #last: Envelope | undefined;
  #origin: string | undefined;
  /** Whether an entry with this replica's origin has been applied: then one with another origin is wrong. */
  #confirmed = false;
  /** Senders that began with other values. Their entries are ignored. */
  readonly #foreign = new Set<string>();
  /** While history is replayed: `unsure` until it is known which log this is. */
  #joining: 'no' | 'unsure' | 'yes' = 'no';
  #left: Error | undefined;
  /** Why it cannot go on. */
  #failure: unknown;
  #waiting: { seq: Seq; resolve: () => void; reject: (why: Error) => void }[] = [];

  constructor(options: ReplicaOptions) {
    const { bus, clock = realClock, leaseMs = 30_000, outageMs = 30_000, from = 'log' } = options;
    this.#bus = bus;
    this.session = options.session;
    this.#scope = options.scope ?? 'shared';
    this.#readers = options.readers ?? 'wait';
    this.#lost = options.onLost;
    this.memory = new Memory(options);
    this.#logic = lineLogic(this);
    const { inspect } = options;
    this.inspectedBy = inspect;
    this.#root = createActor(space, { id: `space:${this.#scope}`, ...(inspect && { inspect }) }).start();
    replicas.set(this.#root.system, this);
    this.#outlet = this.#makeOutlet({ bus, clock, outageMs, scope: this.#scope });
    this.#manager = new Sender(agentId('memory', this.session, 0), this.#outlet);
    this.#senders.set(this.#manager.agent, this.#manager);
    this.#leases = new Leases({
      ...{ clock, leaseMs },
      working: (cell) => this.#lineOf(cell.owner, cell)?.client?.working === true,
      renew: ({ key, epoch, owner }) => this.#senders.get(owner!)?.send({ op: 'renew', key, epoch }),
      reclaim: ({ key, epoch }) => this.#manager.send({ op: 'reclaim', key, epoch }),
    });
    this.ready = this.#begin(from);
    this.ready.catch(() => undefined); // every call of an agent reports it
    this.#subscription = bus.signals.subscribe({
      next: (envelope) => this.#receive(envelope),
      complete: () => this.#fail(new BusClosedError()),
    });
  }

  #makeOutlet(given: Pick<Outlet, 'bus' | 'clock' | 'outageMs' | 'scope'>): Outlet {
    const origin = () => (this.#origin ??= fingerprint(this.memory.cells.values()));
    const closed = () => this.#left !== undefined;
    return {
      ...given,
      get origin() {
        return origin();
      },
      get closed() {
        return closed();
      },
      lost: (why) => this.#fail(why),
    };
  }

  /** The position up to which this replica has applied the bus. */
  get applied(): Seq {
    return this.#applied;
  }
  /** Why this replica has left the bus, if it has. */
  get left(): Error | undefined {
    return this.#left;
  }
  /** The actor system that the lines belong to. */
  get system(): AnyActorRef['system'] {
    return this.#root.system;
  }
  snapshot(): ReplicaSnapshot {
    const mark = this.#last === undefined ? '' : markOf(this.#last);
    const { origin = '' } = this.#outlet;
    return { applied: this.#applied, mark, origin, memory: this.memory.snapshot() };
  }

  // ── joining
  /** Whether the history that was on the bus before has been applied. */
  get joined(): boolean {
    return this.#joining === 'no';
  }
  /** @returns at once where there is nothing to catch up with. */
  #begin(from: 'log' | 'tip' | ReplicaSnapshot): Promise<void> {
    if (typeof from !== 'string') this.memory.restore(from.memory);
    else if (from === 'tip' || this.#bus.tip === 0) {
      this.#applied = this.#bus.tip;
      return Promise.resolve();
    }
    this.#joining = 'unsure';
    return this.#join(typeof from === 'string' ? undefined : from).catch((error: unknown) => {
      const why = error instanceof BusHistoryError ? new MissedHistoryError(error) : error;
      this.#fail(why);
      throw why;
    });
  }
  async #join(from: ReplicaSnapshot | undefined): Promise<void> {
    if (from !== undefined) {
      if (from.applied > this.#bus.tip) await this.#barrier();
      if (from.applied <= this.#bus.tip && (await this.#isLogOf(from))) {
        this.#origin = from.origin;
        this.#applied = from.applied;
      } else this.memory.rebase();
    }
    this.#joining = 'yes';
    for (const cell of this.memory.cells.values()) this.held(cell);
    await this.#catchUp();
    if (this.#failure !== undefined) throw this.#failure;
  }
  #fail(why: unknown): void {
    this.#failure ??= why;
    this.#lost?.(why);
  }
  /** Whether the bus has the envelope up to which a snapshot was taken. Where that is no longer retained, the bus is
   *  taken for the same one if it has all that came after. */
  async #isLogOf({ applied, mark }: ReplicaSnapshot): Promise<boolean> {
    if (applied === 0 || mark === '') return true;
    try {
      for await (const envelope of this.#bus.replay(applied)) return markOf(envelope) === mark;
    } catch (error) {
      if (!(error instanceof BusHistoryError)) throw error;
    }
    return true;
  }
  async #catchUp(): Promise<void> {
    try {
      while (this.#left === undefined && this.#applied < this.#bus.tip) {
        const before = this.#applied;
        for await (const envelope of this.#bus.replay(before + 1)) this.#apply(envelope);
        if (this.#applied === before) throw new InvariantError(`replica: the bus has no ${before + 1}`);
      }
    } finally {
      this.#joining = 'no';
    }
  }
  /** The log's true tip. */
  async #barrier(): Promise<Seq> {
    const { barrier } = this.#bus as Bus & { barrier?: () => Promise<Seq> };
    return barrier === undefined ? this.#bus.tip : barrier.call(this.#bus);
  }

  /** Resolves when the bus has been applied up to a position. */
  reached(seq: Seq): Promise<void> | undefined {
    if (this.#applied >= seq) return undefined;
    if (this.#left !== undefined) return Promise.reject(this.#left);
    return new Promise((resolve, reject) => this.#waiting.push({ seq, resolve, reject }));
  }
  /** Resolves when everything that is on the bus now has been applied. */
  async fresh(): Promise<void> {
    await this.reached(await this.#barrier());
  }

  // ── agents
  /** Sends under an agent's id. */
  sender(agent: string): Sender {
    let sender = this.#senders.get(agent);
    if (sender === undefined) this.#senders.set(agent, (sender = new Sender(agent, this.#outlet)));
    return sender;
  }
  /** Whether an agent lives here. */
  hosts(agent: string): boolean {
    return this.#senders.has(agent);
  }
  /** The line of an agent and a key; spawned when the agent first touches the key. */
  line(number: number): Line;
  line(agent: string, cell: Cell): Line;
  line(by: string | number, cell?: Cell): Line {
    if (typeof by === 'number') return this.lines.get(by) as Line;
    const known = this.#lineOf(by, cell as Cell);
    if (known !== undefined) return known;
    return this.#spawn(by, cell as Cell);
  }
  #spawn(agent: string, cell: Cell): Line {
    const number = this.#made++;
    const line = new Line({
      ...{ number, cell, logic: this.#logic, readers: this.#readers, parent: this.#root },
      sender: this.sender(agent),
    });
    this.lines.set(number, line);
    this.#listening[cell.index] ??= { active: [], exclusive: undefined };
    line.sender.lines[cell.index] = line;
    return line;
  }
  /** Ends the lines and the sender of an agent that has left. */
  forget(sender: Sender, lines: Iterable<Line>): void {
    this.#senders.delete(sender.agent);
    for (const line of lines) {
      this.lines.delete(line.number);
      const listening = this.#listening[line.cell.index] as Listening;
      if (line.place >= 0) remove(listening.active, line);
      if (listening.exclusive === line) listening.exclusive = undefined;
      line.stop();
    }
  }
  /** Asks for a new copy as soon as the entry that took the old one has been applied. */
  prefetch(line: Line): void {
    this.#prefetches.push(line);
  }
  /** Calls back when the entry at hand has been applied as a whole. */
  afterwards(call: () => void): void {
    this.#afterwards.push(call);
    if (!this.#busy) this.flush();
  }

  /** An agent's event, and what the line asks for because of it. */
  send(line: Line, event: LineEvent['type']): void {
    if (this.#left !== undefined) return;
    this.#tell(line, event);
    this.flush();
  }
  /** A STORE to a line that owns its key. */
  store(line: Line, pending: Pending): void {
    line.pending = pending;
    this.send(line, 'STORE');
    line.pending = undefined;
  }
  /** Appends an entry.
   *  @returns its result, at once where the bus is in process and idle.
   *  @throws why the replica has left the bus, if it has. */
  ask(sender: Sender, unsent: Unsent): Promise<Result> | Result {
    if (this.#left !== undefined) throw this.#left;
    return sender.ask(unsent);
  }
  /** Leaves the bus. Everything that waits is rejected with the reason. */
  stop(why: Error = new Error('the replica has left the bus.')): void {
    if (this.#left !== undefined) return;
    this.#left = why;
    for (const sender of this.#senders.values()) sender.close(why);
    for (const { reject } of this.#waiting.splice(0)) reject(why);
    this.#subscription.unsubscribe();
    this.#leases.close();
    for (const line of this.lines.values()) line.stop();
    this.#root.stop();
  }
  /** Adds a key, unless another replica has done so before. */
  async define(key: string, value: unknown): Promise<void> {
    if (this.memory.cells.has(key)) return;
    await this.ask(this.#manager, { op: 'define', key, ...(value === undefined ? {} : { value }) });
  }
  /** The last entry of this replica: its session sends nothing more. */
  leave(): void {
    if (this.#left === undefined) this.#manager.send({ op: 'leave' });
  }

  // ── the bus
  #receive(envelope: Envelope): void {
    if (this.#joining === 'unsure' || this.#left !== undefined) return; // the replay brings it
    const next = this.#applied + 1;
    if (envelope.seq === next) this.#apply(envelope);
    else if (envelope.seq > next && this.#joining === 'no') {
      // The bus has skipped something: it is replayed.
      this.#joining = 'yes';
      this.#catchUp().catch((error: unknown) => this.#fail(new MissedHistoryError(error)));
    }
  }
  #apply(envelope: Envelope): void {
    if (this.#left !== undefined || envelope.seq !== this.#applied + 1) return;
    this.#applied = envelope.seq;
    this.#last = envelope;
    const entry = fromSignal(this.#scope, envelope.signal);
    if (entry !== undefined && this.#accepts(entry)) {
      const outer = [this.#busy, this.#applying] as const;
      this.#busy = true; // what lines ask for waits until the entry has been applied as a whole
      this.#applying = entry;
      try {
        this.memory.apply(entry, this);
        for (let line = this.#prefetches.pop(); line !== undefined; line = this.#prefetches.pop())
          if (line.state === 'I') this.#tell(line, 'LOAD');
      } finally {
        [this.#busy, this.#applying] = outer;
      }
      this.flush();
    }
    if (this.#waiting.length > 0) {
      const due = this.#waiting.filter(({ seq }) => seq <= this.#applied);
      this.#waiting = this.#waiting.filter(({ seq }) => seq > this.#applied);
      for (const { resolve } of due) resolve();
    }
  }
  /** The first origin on the log is the right one. */
  #accepts(entry: Entry): boolean {
    const { origin, agent } = entry;
    if (origin !== undefined && origin !== this.#outlet.origin) {
      if (this.#confirmed) this.#foreign.add(agent);
      else this.#fail(new OriginError(this.#scope));
      return false;
    }
    if (this.#foreign.size > 0 && this.#foreign.has(agent)) return false;
    if (this.memory.missed(entry)) {
      this.#fail(new MissedHistoryError());
      return false;
    }
    this.#confirmed ||= origin !== undefined;
    return true;
  }

  // ── what memory sends
  own(agent: string, cell: Cell, event: LineEvent['type']): void {
    const line = this.#lineOf(agent, cell);
    if (line !== undefined) this.#tell(line, event);
  }
  others(agent: string, cell: Cell, event: 'SNOOP_GETS' | 'SNOOP_GETM' | 'SNOOP_PUT'): void {
    const lines = this.listening(cell, event);
    // Backwards, since a line that loses its copy leaves the list.
    for (let i = lines.length - 1; i >= 0; i--) {
      const line = lines[i] as Line;
      if (line.agent !== agent) this.#tell(line, event);
    }
  }
  /** The lines of a key that a snoop can change. */
  listening(cell: Cell, event: 'SNOOP_GETS' | 'SNOOP_GETM' | 'SNOOP_PUT'): readonly Line[] {
    const listening = this.#listening[cell.index];
    if (listening === undefined) return NO_LINES;
    if (event !== 'SNOOP_GETS') return listening.active;
    return listening.exclusive === undefined ? NO_LINES : [listening.exclusive];
  }
  held(cell: Cell): void {
    this.#leases.note(cell, this.#applying?.op === 'renew');
  }
  settled(entry: Entry, result: Result): void {
    const { agent, number, op } = entry;
    this.#senders.get(agent)?.settle(number, result);
    if (result.outcome !== 'queued' || (op !== 'gets' && op !== 'getm')) return;
    const cell = this.memory.cells.get(entry.key) as Cell;
    if (op === 'gets' && !this.#waitsForCopy(agent, cell)) return;
    const circle = this.memory.deadlock(agent, cell, this.#waitsForCopy);
    if (circle === undefined) return;
    // The agent that closes the circle ends it. If its replica cannot know that a reader of this one really waits, the
    // reader does.
    const [reader] = circle.readers;
    if (this.#senders.has(agent)) this.#lineOf(agent, cell)?.client?.deadlocked(circle.keys);
    else if (reader !== undefined) this.#lineOf(reader.agent, reader.cell)?.client?.deadlocked(circle.keys);
  }
  /** Whether an agent of this replica waits for a copy that it has asked for, and has not only asked in advance. */
  readonly #waitsForCopy = (agent: string, cell: Cell): boolean =>
    this.#lineOf(agent, cell)?.awaited === true;
  /** The keys of a circle that a line's agent closes by waiting for a copy that was asked for in advance. */
  deadlockOf(line: Line): readonly string[] | undefined {
    return this.memory.deadlock(line.agent, line.cell, this.#waitsForCopy)?.keys;
  }
  #lineOf(agent: string | undefined, cell: Cell): Line | undefined {
    return agent === undefined ? undefined : this.#senders.get(agent)?.lines[cell.index];
  }

  // ── what lines ask for
  #tell(line: Line, event: LineEvent['type']): void {
    const before = line.state;
    line.take(event);
    if (line.state !== before) this.#note(line, before);
    if (event === 'RELEASED') line.client?.moved();
    else if (event === 'REFUSED') line.client?.lost();
    // A read that waited for a request which was taken back asks by itself.
    if (line.awaited && line.state === 'I') this.#tell(line, 'LOAD');
  }
  /** Keeps the filter of snoops. */
  #note(line: Line, before: LineState): void {
    const listening = this.#listening[line.cell.index] as Listening;
    const active = ACTIVE[line.state];
    if (active && line.place < 0) line.place = listening.active.push(line) - 1;
    else if (!active && line.place >= 0) remove(listening.active, line);
    if (line.state === 'E') listening.exclusive = line;
    else if (before === 'E') listening.exclusive = undefined;
  }
  request({ sender, cell: { key } }: Line, op: 'gets' | 'getm' | 'release' | 'evict'): void {
    this.#outbox.push({ sender, entry: { op, key } });
  }
  put({ pending, sender, epoch, cell: { key } }: Line): void {
    if (pending === undefined)
      throw new InvariantError(`line ${sender.agent}/${key}: a store without a value`);
    const { value, base, patches } = pending;
    const write = { op: 'put', key, epoch, base, value } as const;
    this.#outbox.push({ sender, entry: patches === undefined ? write : { ...write, patches } });
  }
  protest(): void {
    this.impossible++;
  }
  /** Appends what lines asked for. Never from within a machine's transition: that would nest. */
  flush(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#outbox.shift(); next !== undefined; next = this.#outbox.shift())
        next.sender.send(next.entry);
    } finally {
      this.#busy = false;
    }
    for (let call = this.#afterwards.shift(); call !== undefined; call = this.#afterwards.shift()) call();
  }
}

const NO_LINES: readonly Line[] = Object.freeze([]);
/** Removes a line in constant time: the last one takes its place. */
function remove(lines: Line[], line: Line): void {
  const last = lines.pop() as Line;
  if (last !== line) {
    lines[line.place] = last;
    last.place = line.place;
  }
  line.place = -1;
}
