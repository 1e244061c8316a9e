/** One replica: the log applied in order, and the lines of the agents that live here.
 *
 *  Owns memory as of the applied prefix, and the line actors. Hears every signal of the bus, in order. Says what
 *  the lines and the leases want said. Several replicas on one bus make the same state, each at its own pace. */
import type { AnyActorRef, Subscription } from 'xstate';
import type { LineEvent, ReaderPolicy } from '../../machines/cache-line.ts';
import type { Envelope } from '../../machines/signal.ts';
import { BusClosedError, type Bus, type Seq } from '../bus.ts';
import { realClock, type Clock } from '../clock.ts';
import { clear } from '../clear.ts';
import { InvariantError } from '../errors.ts';
import type { Cell } from './cell.ts';
import { fromSignal, toSignal, type Entry, type Result } from './entry.ts';
import { Hosted } from './hosted.ts';
import { Leases } from './leases.ts';
import { Line, type Pending } from './line.ts';
import { LineActors, type Inspect } from './line-actors.ts';
import { lineTable, type LineRow, type LineVoice, type Meaning, type Snoop } from './line-table.ts';
import { Memory, type Faults, type MemorySnapshot, type Sink } from './memory.ts';
import { Sender, type Unsent } from './sender.ts';

export interface ReplicaOptions {
  readonly bus: Bus;
  /** Names the space; several may share a bus. Default `shared`. */
  readonly scope?: string;
  readonly initial: Iterable<readonly [key: string, value: unknown]>;
  readonly readers?: ReaderPolicy;
  readonly history?: number;
  readonly clock?: Clock;
  /** How long an owner may be silent, ms. */
  readonly leaseMs?: number;
  /** Tells this process's entries from those of any other. */
  readonly session: string;
  readonly from?: ReplicaSnapshot;
  readonly faults?: Faults;
  /** Told when the bus does not take an entry, however often it is asked: what waits for it waits for ever. */
  readonly onLost?: (why: unknown) => void;
}

/** This replica began after others, and does not know what was before. */
export class MissedHistoryError extends Error {
  override name = 'MissedHistoryError';
  constructor() {
    super(
      "others began before this replica: give it a checkpoint of theirs as 'from', and the bus's history since.",
    );
  }
}

/** Makes a line. */
export type LineMaker<L extends Line> = (...given: ConstructorParameters<typeof Line>) => L;
const plain: LineMaker<Line> = (sender, cell, row) => new Line(sender, cell, row);

/** A replica as JSON: memory, and the position up to which the bus has been applied. */
export interface ReplicaSnapshot {
  readonly applied: Seq;
  readonly memory: MemorySnapshot;
}

export class Replica implements Sink<Hosted>, LineVoice {
  readonly memory: Memory<Hosted>;
  readonly senders = new Map<string, Sender>();
  /** What machines said is impossible and happened all the same. Always 0 in a sound build. */
  impossible = 0;
  readonly #bus: Bus;
  readonly #scope: string;
  readonly #first: LineRow;
  readonly #lines: Line[] = [];
  readonly #leases: Leases;
  /** What lines have said and the bus has not yet been told, and who said it. */
  readonly #outbox: Entry[] = [];
  readonly #speakers: Line[] = [];
  #speaker: Line | undefined = undefined;
  #pending: Pending | undefined = undefined;
  #actors: LineActors | undefined = undefined;
  readonly #subscription: { unsubscribe(): void };
  readonly #prefetches: Line[] = [];
  #flushing = false;
  #applied: Seq;
  readonly #lost: ((why: unknown) => void) | undefined;
  #closed = false;
  #catching = false;
  #left: Error | undefined;
  #waiting: { seq: Seq; resolve: () => void; reject: (why: Error) => void }[] = [];

  constructor(options: ReplicaOptions) {
    this.#bus = options.bus;
    this.#lost = options.onLost;
    this.#scope = options.scope ?? 'shared';
    this.#first = lineTable(options.readers ?? 'wait');
    this.memory = new Memory({ ...options, cell: Hosted });
    this.#applied = options.bus.tip;
    if (options.from !== undefined) {
      this.memory.restore(options.from.memory);
      this.#applied = options.from.applied;
    }
    const lease = { clock: options.clock ?? realClock, leaseMs: options.leaseMs ?? 30_000 };
    const manager = this.sender(`memory@${options.session}`);
    this.#leases = new Leases(lease, ({ key, epoch }) =>
      this.#publish(manager, manager.number({ op: 'reclaim', key, epoch })),
    );
    this.#subscription = options.bus.signals.subscribe({
      next: (envelope) => this.#hear(envelope),
      complete: () => this.#lost?.(new BusClosedError()),
    });
    for (const cell of this.memory.cells.values()) if (cell.held) this.held(cell);
  }

  /** The position up to which this replica has applied the bus. */
  get applied(): Seq {
    return this.#applied;
  }
  get tip(): Seq {
    return this.#bus.tip;
  }

  /** Resolves when the bus has been applied up to a position. */
  reached(seq: Seq): Promise<void> | undefined {
    if (this.#applied >= seq) return undefined;
    return new Promise((resolve, reject) => this.#waiting.push({ seq, resolve, reject }));
  }
  snapshot(): ReplicaSnapshot {
    return { applied: this.#applied, memory: this.memory.snapshot() };
  }
  /** Applies history that a snapshot does not have. Call before anything is read. */
  async catchUp(): Promise<void> {
    this.#catching = true;
    try {
      while (!this.#closed && this.#applied < this.#bus.tip) {
        const from = this.#applied;
        for await (const envelope of this.#bus.replay(from + 1)) this.#hear(envelope);
        if (this.#applied === from) throw new InvariantError(`replica: the bus has no ${from + 1}`);
      }
    } finally {
      this.#catching = false;
    }
  }

  /** Who speaks under this id. */
  sender(agent: string): Sender {
    let sender = this.senders.get(agent);
    if (sender === undefined) this.senders.set(agent, (sender = new Sender(agent)));
    return sender;
  }
  /** The line of an agent and a key; made when it is first asked for.
   *  @param make makes it, where whoever reads and writes through it has a kind of its own. */
  line(agent: string, cell: Hosted): Line;
  line<L extends Line>(agent: string, cell: Hosted, make: LineMaker<L>): L;
  line(agent: string, cell: Hosted, make: LineMaker<Line> = plain): Line {
    const known = cell.of(agent);
    if (known !== undefined) return known;
    const line = make(this.sender(agent), cell, this.#first);
    const index = this.#lines.push(line) - 1;
    this.#actors?.begin(line, index);
    cell.add(line);
    return line;
  }
  /** Forgets a line whose agent has left: it hears of its key no more. */
  drop(line: Line): void {
    line.cell.remove(line);
  }
  /** Asks for a new copy as soon as the entry that took the old one has been applied. */
  prefetch(line: Line): void {
    this.#prefetches.push(line);
  }
  /** Shows every line, and those that will be made, as actors of XState. Costs nothing until it is called.
   *  @returns the subscription, and the actors' system. */
  inspect(inspect: Inspect): { system: LineActors['system']; subscription: Subscription } {
    if (this.#actors === undefined) {
      const actors = (this.#actors = new LineActors());
      this.#lines.forEach((line, index) => actors.begin(line, index));
    }
    return { system: this.#actors.system, subscription: this.#actors.look(inspect) };
  }
  /** The machine of a line as XState's own actor; there since somebody inspects. */
  actorOf(line: Line): AnyActorRef | undefined {
    return this.#actors?.of(line);
  }
  /** Every line made so far. */
  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** An agent's event, and what the line says because of it. */
  send(line: Line, event: LineEvent['type']): void {
    if (this.#closed) return;
    this.#tell(line, event);
    this.flush();
  }
  /** A STORE to a line that owns its key. */
  store(line: Line, pending: Pending): void {
    this.#pending = pending;
    try {
      this.send(line, 'STORE');
    } finally {
      this.#pending = undefined;
    }
  }
  /** Appends an entry.
   *  @returns its result, at once where the bus is in process and idle.
   *  @throws why the replica has left the bus, if it has: nobody would ever answer. */
  say(sender: Sender, unsent: Unsent): Promise<Result> | Result {
    if (this.#left !== undefined) throw this.#left;
    const entry = sender.number(unsent);
    const settled = sender.expect(entry.number);
    this.#publish(sender, entry);
    return settled();
  }
  /** Why this replica has left the bus, if it has. */
  get left(): Error | undefined {
    return this.#left;
  }
  /** Leaves the bus. Whoever waits is told why. */
  stop(why: Error = new Error('the replica has left the bus.')): void {
    this.#closed = true;
    this.#left = why;
    for (const sender of this.senders.values()) sender.abandon(why);
    for (const { reject } of this.#waiting.splice(0)) reject(why);
    this.#subscription.unsubscribe();
    this.#leases.close();
    this.#actors?.stop();
  }

  // ── the bus
  #publish(sender: Sender, entry: Entry): void {
    sender.publish(entry, toSignal(this.#scope, entry), this.#bus, this.#lost);
  }
  #hear(envelope: Envelope): void {
    if (this.#closed || envelope.seq <= this.#applied) return;
    if (envelope.seq !== this.#applied + 1 && this.#catching) return; // comes again by the replay
    if (envelope.seq !== this.#applied + 1)
      throw new InvariantError(`replica: ${envelope.seq} after ${this.#applied}`);
    this.#applied = envelope.seq;
    const entry = fromSignal(this.#scope, envelope.signal);
    if (entry !== undefined) {
      if (this.memory.missed(entry)) return this.#lost?.(new MissedHistoryError());
      const outer = this.#flushing;
      this.#flushing = true; // what lines say waits until the entry has been applied as a whole
      try {
        this.memory.apply(entry, this);
        for (let line = this.#prefetches.pop(); line !== undefined; line = this.#prefetches.pop()) {
          if (line.state === 'I') this.#tell(line, 'LOAD');
        }
      } finally {
        this.#flushing = outer;
      }
      this.flush();
    }
    if (this.#waiting.length > 0) {
      const due = this.#waiting.filter(({ seq }) => seq <= this.#applied);
      this.#waiting = this.#waiting.filter(({ seq }) => seq > this.#applied);
      for (const { resolve } of due) resolve();
    }
  }

  // ── what memory says
  own(agent: string, cell: Hosted, event: LineEvent['type']): void {
    const line = this.#lineOf(agent, cell);
    if (line !== undefined) this.#tell(line, event);
  }
  others(agent: string, cell: Hosted, event: Snoop): void {
    const own = this.#lineOf(agent, cell);
    let left = cell.listening(own, event);
    for (let line = cell.first; line !== undefined && left > 0; line = line.sibling) {
      if (line === own || line.row.listens[event] === 0) continue;
      left--;
      this.#tell(line, event);
    }
  }
  /** The line of an agent: mostly the one whose entry the bus is being told. */
  #lineOf(agent: string, cell: Hosted): Line | undefined {
    const speaker = this.#speaker;
    return speaker?.cell === cell && speaker.agent === agent ? speaker : cell.of(agent);
  }
  held(cell: Cell): void {
    this.#leases.note(cell);
  }
  settled(entry: Entry, result: Result): void {
    const speaker = this.#speaker;
    const sender = speaker?.agent === entry.agent ? speaker.sender : this.senders.get(entry.agent);
    sender?.settle(entry.number, result);
  }

  // ── what lines say
  #tell(line: Line, event: LineEvent['type']): void {
    const { row } = line;
    const { next, meanings, idle } = row.cells[event];
    if (idle) return;
    if (next !== row) {
      line.row = next;
      line.cell.moved(row, next);
    }
    for (let i = 0; i < meanings.length; i++) (meanings[i] as Meaning)(line, this);
    if (this.#actors !== undefined) this.#actors.of(line)?.send({ type: event });
    // A read that waited for a request which was taken back asks by itself.
    if (line.awaited && line.state === 'I') this.#tell(line, 'LOAD');
  }
  request(line: Line, op: 'gets' | 'getm' | 'release' | 'evict'): void {
    this.#speakers.push(line);
    this.#outbox.push({ op, key: line.cell.key, agent: line.agent, number: 0, floor: 0 });
  }
  put(line: Line): void {
    const { epoch, agent } = line;
    const pending = this.#pending;
    const { key } = line.cell;
    if (pending === undefined) throw new InvariantError(`line ${agent}/${key}: a store without a value`);
    const { base, value, patches } = pending;
    this.#speakers.push(line);
    this.#outbox.push({ op: 'put', key, agent, number: 0, floor: 0, epoch, base, value, patches });
  }
  protest(): void {
    this.impossible++;
  }
  /** Says what lines wanted said. Never from within a machine's transition: that would nest. */
  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    let said = 0;
    try {
      for (; said < this.#outbox.length; said++) {
        const speaker = (this.#speaker = this.#speakers[said] as Line);
        this.#publish(speaker.sender, speaker.sender.sign(this.#outbox[said] as Entry));
      }
    } finally {
      this.#flushing = false;
      this.#speaker = undefined;
      if (said === this.#outbox.length) {
        clear(this.#outbox);
        clear(this.#speakers);
      } else {
        this.#outbox.splice(0, said);
        this.#speakers.splice(0, said);
      }
    }
  }
}
