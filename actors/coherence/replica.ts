/** One replica: the log applied in order, and the lines of the agents that live here.
 *
 *  Owns:     memory as of the applied prefix, and the line actors.
 *  Receives: every signal of the bus, in order.
 *  Sends:    the entries that lines and leases ask for.
 *
 *  Several replicas on one bus make the same state, each at its own pace. */
import { createActor, setup, type AnyActorRef } from 'xstate';
import type { LineEvent, ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import type { Envelope } from '../../machines/hct/signal.ts';
import { BusClosedError, type Bus, type Seq } from '../bus/bus.ts';
import { realClock, type Clock } from '../bus/clock.ts';
import { InvariantError } from '../tomasulo/errors.ts';
import type { Outlet } from './backlog.ts';
import type { Cell } from './cell.ts';
import { agentId } from './agent-id.ts';
import { fromSignal, type Entry, type KeyEntry, type Result, type Unsent } from './entry.ts';
import { MissedHistoryError, OriginError } from './errors.ts';
import { barrierOf, Joining, type ReplicaSnapshot } from './joining.ts';
import { Leases } from './leases.ts';
import {
  Line,
  lineLogic,
  type EntrySender,
  type LineHost,
  type LineLogic,
  type PendingStore,
} from './line.ts';
import { Memory, type Sink } from './memory.ts';
import type { Inspect, ReplicaOptions } from './options.ts';
import { fingerprint, markOf } from './origin.ts';
import { Positions } from './positions.ts';
import { Sender } from './sender.ts';

/** The actor whose system the lines belong to. */
const space = setup({}).createMachine({ id: 'shared-space' });
const replicas = new WeakMap<object, Replica>();
/** The replica whose lines belong to an actor system, if there is one. */
export const replicaOf = (system: object): Replica | undefined => replicas.get(system);

export class Replica implements Sink, LineHost, Outlet {
  readonly bus: Bus;
  readonly scope: string;
  readonly session: string;
  readonly clock: Clock;
  readonly outageMs: number;
  readonly memory: Memory;
  /** The position up to which this replica has applied the bus. */
  applied: Seq = 0;
  /** By actor: every line that lives here. */
  readonly lines = new Map<unknown, Line>();
  /** Events that machines called impossible. Always 0 in a sound build. */
  impossible = 0;
  /** Resolves when history that was on the bus before this replica has been applied. */
  readonly ready: Promise<void>;
  /** Who inspects every line, if anyone does. */
  readonly inspectedBy: Inspect | undefined;
  /** Why this replica has left the bus, if it has; and why it cannot go on. */
  left: Error | undefined;
  failure: unknown;
  readonly #readers: ReaderPolicy;
  readonly #logic: LineLogic;
  readonly #root: AnyActorRef;
  readonly #manager: Sender;
  readonly #leases: Leases;
  readonly #joining = new Joining(this);
  readonly #lost: ((why: unknown) => void) | undefined;
  readonly #subscription: { unsubscribe(): void };
  readonly #senders = new Map<string, Sender>();
  /** What lines have asked for and the bus has not been given yet. */
  readonly #outbox: { sender: EntrySender; entry: Unsent }[] = [];
  readonly #afterwards: (() => void)[] = [];
  #applying: Entry | undefined;
  #busy = false;
  #last: Envelope | undefined;
  #origin: string | undefined;
  /** Whether an entry with this replica's origin has been applied: then one with another origin is wrong. */
  #confirmed = false;
  /** Senders that began with other values. Their entries are ignored. */
  readonly #foreign = new Set<string>();
  readonly #positions = new Positions(this);

  constructor(options: ReplicaOptions) {
    const { clock = realClock, leaseMs = 30_000, outageMs = 30_000, inspect } = options;
    this.bus = options.bus;
    this.clock = clock;
    this.outageMs = outageMs;
    this.session = options.session;
    this.scope = options.scope ?? 'shared';
    this.#readers = options.readers ?? 'wait';
    this.#lost = options.onLost;
    this.memory = new Memory(options);
    this.#logic = lineLogic(this);
    this.inspectedBy = inspect;
    this.#root = createActor(space, { id: `space:${this.scope}`, ...(inspect && { inspect }) }).start();
    replicas.set(this.#root.system, this);
    this.#manager = this.sender(agentId('memory', this.session, 0));
    this.#leases = new Leases({
      ...{ clock, leaseMs },
      working: (cell) => this.#lineOf(cell.owner, cell)?.client?.working === true,
      renew: ({ key, epoch, owner }) => this.#senders.get(owner!)?.send({ op: 'renew', key, epoch }),
      reclaim: ({ key, epoch }) => this.#manager.send({ op: 'reclaim', key, epoch }),
    });
    this.ready = this.#joining.begin(options.from ?? 'log');
    this.ready.catch(() => undefined); // every call of an agent reports it
    this.#subscription = this.bus.signals.subscribe({
      next: (envelope) => this.#receive(envelope),
      complete: () => this.fail(new BusClosedError()),
    });
  }

  /** The actor system that the lines belong to. */
  get system(): AnyActorRef['system'] {
    return this.#root.system;
  }
  /** Whether the history that was on the bus before has been applied. */
  get joined(): boolean {
    return this.#joining.state === 'no';
  }
  /** The fingerprint of the values with which this replica began. */
  get origin(): string {
    return (this.#origin ??= fingerprint(this.memory.cells.values()));
  }
  set origin(origin: string) {
    this.#origin = origin;
  }
  snapshot(): ReplicaSnapshot {
    const mark = this.#last === undefined ? '' : markOf(this.#last);
    return { applied: this.applied, mark, origin: this.origin, memory: this.memory.snapshot() };
  }
  /** The snapshot with which this replica begins is in place: holds in it are watched. */
  placed(): void {
    for (const cell of this.memory.cells.values()) this.held(cell);
  }
  /** This replica cannot go on. */
  fail(why: unknown): void {
    this.failure ??= why;
    this.#lost?.(why);
  }
  /** Resolves when the bus has been applied up to a position. */
  reached(seq: Seq): Promise<void> | undefined {
    return this.#positions.reached(seq);
  }
  /** Resolves when everything that is on the bus now has been applied. */
  async fresh(): Promise<void> {
    await this.reached(await barrierOf(this.bus));
  }

  // ── agents
  /** Sends under an agent's id. */
  sender(agent: string): Sender {
    let sender = this.#senders.get(agent);
    if (sender === undefined) this.#senders.set(agent, (sender = new Sender(agent, this)));
    return sender;
  }
  /** Whether an agent lives here. */
  hosts(agent: string): boolean {
    return this.#senders.has(agent);
  }
  /** The line of an agent and a key; spawned when the agent first touches the key. */
  line(agent: string, cell: Cell): Line {
    return this.#lineOf(agent, cell) ?? this.#spawn(agent, cell);
  }
  #spawn(agent: string, cell: Cell): Line {
    const sender = this.sender(agent);
    const line = new Line(sender, cell, {
      ...{ logic: this.#logic, readers: this.#readers, parent: this.#root },
    });
    this.lines.set(line.actor, line);
    sender.lines[cell.index] = line;
    return line;
  }
  #lineOf(agent: string | undefined, cell: Cell): Line | undefined {
    return agent === undefined ? undefined : this.#senders.get(agent)?.lines[cell.index];
  }
  /** Ends the lines and the sender of an agent that has left. */
  forget(sender: Sender): void {
    this.#senders.delete(sender.agent);
    for (const line of sender.lines) {
      if (line === undefined) continue;
      this.lines.delete(line.actor);
      line.stop();
    }
  }
  /** Calls back when the entry at hand has been applied as a whole. */
  afterwards(call: () => void): void {
    this.#afterwards.push(call);
    if (!this.#busy) this.flush();
  }

  /** An agent's event, and what the line asks for because of it. */
  send(line: Line, event: LineEvent['type']): void {
    if (this.left !== undefined) return;
    this.#tell(line, event);
    this.flush();
  }
  /** A STORE to a line that owns its key. */
  store(line: Line, pending: PendingStore): void {
    line.pending = pending;
    this.send(line, 'STORE');
    line.pending = undefined;
  }
  /** Appends an entry.
   *  @returns its result, at once where the bus is in process and idle.
   *  @throws why the replica has left the bus, if it has. */
  ask(sender: Sender, unsent: Unsent): Promise<Result> | Result {
    if (this.left !== undefined) throw this.left;
    return sender.ask(unsent);
  }
  /** Leaves the bus. Everything that waits is rejected with the reason. */
  stop(why: Error = new Error('the replica has left the bus.')): void {
    if (this.left !== undefined) return;
    this.left = why;
    for (const sender of this.#senders.values()) sender.close(why);
    this.#positions.fail(why);
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
    if (this.left === undefined) this.#manager.send({ op: 'leave' });
  }

  // ── the bus
  #receive(envelope: Envelope): void {
    if (this.#joining.state === 'unsure') return; // the replay brings it
    if (envelope.seq <= this.applied + 1) this.apply(envelope);
    else if (this.left === undefined) this.#joining.again();
  }
  apply(envelope: Envelope): void {
    if (this.left !== undefined || envelope.seq !== this.applied + 1) return;
    this.applied = envelope.seq;
    this.#last = envelope;
    const entry = fromSignal(this.scope, envelope.signal);
    if (entry !== undefined && this.#admits(entry)) {
      const outer = [this.#busy, this.#applying] as const;
      this.#busy = true; // what lines ask for waits until the entry has been applied as a whole
      this.#applying = entry;
      try {
        this.memory.apply(entry, this);
      } finally {
        [this.#busy, this.#applying] = outer;
      }
      this.flush();
    }
    if (this.#positions.awaited) this.#positions.settle();
  }
  /** The first origin on the log is the right one. */
  #admits(entry: Entry): boolean {
    const { origin, agent } = entry;
    if (origin !== undefined && origin !== this.origin) {
      if (this.#confirmed) this.#foreign.add(agent);
      else this.fail(new OriginError(this.scope));
      return false;
    }
    if (this.#foreign.size > 0 && this.#foreign.has(agent)) return false;
    if (this.memory.missed(entry)) {
      this.fail(new MissedHistoryError());
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
  /** Memory knows which agents may have a copy: no other line has to snoop. */
  others(agent: string, cell: Cell, event: 'SNOOP_GETS' | 'SNOOP_GETM' | 'SNOOP_PUT'): void {
    if (event !== 'SNOOP_GETS') {
      for (const sharer of cell.sharers) if (sharer !== agent) this.own(sharer, cell, event);
    } else if (cell.owner !== undefined && cell.owner !== agent) this.own(cell.owner, cell, event);
  }
  held(cell: Cell): void {
    const awaited = cell.queue.length > 0 || cell.readers.length > 0;
    if (awaited || this.#leases.watched.size > 0) this.#leases.note(cell, this.#applying?.op === 'renew');
  }
  settled(entry: Entry, result: Result): void {
    const sender = this.#senders.get(entry.agent);
    sender?.settle(entry.number, result);
    if (result.circle === undefined) return;
    const cell = this.memory.cells.get((entry as KeyEntry).key) as Cell;
    this.#lineOf(entry.agent, cell)?.client?.deadlocked(result.circle);
  }

  // ── what lines ask for
  #tell(line: Line, event: LineEvent['type']): void {
    line.take(event);
    if (event === 'RELEASED') line.client?.moved();
    else if (event === 'REFUSED') line.client?.lost();
    // A read that waited for a request which was taken back asks by itself.
    if (line.awaited && line.state === 'I') this.#tell(line, 'LOAD');
  }
  request(line: Line, op: 'gets' | 'getm' | 'release' | 'evict'): void {
    const { key } = line.cell;
    const entry = op === 'gets' && line.awaited ? ({ op, key, waits: true } as const) : { op, key };
    this.#outbox.push({ sender: line.sender, entry });
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
