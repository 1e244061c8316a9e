/** A trace in columns: which actors there are, and what happened to which of them, in the order of the file.
 *
 *  The text of a message is not kept; `offset` and `length` give its place in the file, and a context or a payload is read
 *  again when it is shown. The state of an actor at any moment is found by binary search. */
import { bytes, countUpTo, floats, ints, NameTable } from './columns.ts';
import { isObject, numberOf, textOf, timeOf, type ParsedObject } from './message.ts';
import { valueText } from './value.ts';

export const ACTOR = 0;
export const EVENT = 1;
export const SNAPSHOT = 2;
const KINDS: Readonly<Record<string, number>> = {
  '@xstate.actor': ACTOR,
  '@xstate.event': EVENT,
  '@xstate.snapshot': SNAPSHOT,
};

const A_DAY = 86_400_000;

/** More than these are not taken in: they are what keeps the page under its 500 MB. */
export const PAGE_LIMITS = { events: 1_000_000, actors: 100_000 } as const;

export interface ActorRow {
  readonly index: number;
  readonly session: string;
  name: string;
  parent: string | undefined;
  /** The number of its definition, or −1. */
  machine: number;
  /** Messages of it, as places in the trace: all of them, and those that say its state. */
  readonly rows: number[];
  readonly states: number[];
}

/** Where a message stands. */
export interface MessageSpan {
  readonly offset: number;
  readonly length: number;
  readonly line: number;
}

/** Called for every message that a trace takes in. */
export type Interpreter = (message: ParsedObject, row: number, actor: ActorRow) => void;

export class LoadedTrace {
  readonly actors: ActorRow[] = [];
  /** Each definition once. */
  readonly definitions = new NameTable();
  readonly names = new NameTable();
  readonly #bySession = new Map<string, ActorRow>();
  readonly #machines: number[] = [];
  readonly #kinds = bytes();
  readonly #times = floats();
  readonly #who = ints();
  readonly #from = ints();
  readonly #types = ints();
  readonly #values = ints();
  readonly #offsets = floats();
  readonly #lengths = ints();
  readonly #lines = ints();
  /** Rows at which something went wrong, ascending. */
  readonly faults: number[] = [];
  readonly #interpreters: readonly Interpreter[];
  readonly #findsFaults: boolean;
  #start = 0;
  /** When the last message arrived, on the page's clock. */
  #arrived = 0;

  /** @param options.faults whether messages that tell of a failure are marked; else only those that {@link fault} names */
  constructor(interpreters: readonly Interpreter[] = [], { faults = true }: { faults?: boolean } = {}) {
    this.#interpreters = interpreters;
    this.#findsFaults = faults;
  }

  get length(): number {
    return this.#kinds.length;
  }
  /** Milliseconds from the first message to the last. */
  get duration(): number {
    return this.length === 0 ? 0 : this.time(this.length - 1);
  }

  /** The present moment on the trace's clock, in milliseconds since the first message. A trace whose clock is not that of
   *  this machine (virtual time, another zone) counts on from when its last message arrived. */
  now(): number {
    const present = Date.now() - this.#start;
    const { duration } = this;
    if (present >= duration && present - duration < A_DAY) return present;
    return duration + performance.now() - this.#arrived;
  }

  /** Takes a message in.
   *  @returns what is wrong with it, if anything; then it is left out. */
  append(message: unknown, place: MessageSpan): string | undefined {
    if (!isObject(message)) return 'is not an object';
    const kind = KINDS[String(message['type'])];
    if (kind === undefined)
      return `is of an unknown type, ${JSON.stringify(message['type'] ?? null).slice(0, 40)}`;
    const session = textOf(message['sessionId']);
    if (session === undefined) return 'names no sessionId';
    if (this.length >= PAGE_LIMITS.events)
      return `is beyond the first ${PAGE_LIMITS.events.toLocaleString('en')} messages`;
    const actor = this.#bySession.get(session) ?? this.#register(session);
    if (actor === undefined)
      return `names an actor beyond the first ${PAGE_LIMITS.actors.toLocaleString('en')}`;

    this.#arrived = performance.now();
    if (kind === ACTOR) this.#describe(actor, message);
    this.#add(kind, actor, message, place);
    return undefined;
  }
  #add(kind: number, actor: ActorRow, message: ParsedObject, place: MessageSpan): void {
    const row = this.length;
    const event = isObject(message['event']) ? message['event'] : undefined;
    const snapshot = isObject(message['snapshot']) ? message['snapshot'] : undefined;
    const source = textOf(message['sourceId']);
    const from =
      source === undefined ? -1 : ((this.#bySession.get(source) ?? this.#register(source))?.index ?? -1);
    const type = textOf(event?.['type']) ?? '';
    const value = snapshot === undefined ? -1 : this.names.number(stateText(snapshot));
    const at = timeOf(message['createdAt']);
    if (row === 0) this.#start = at ?? 0;
    const before = row === 0 ? 0 : this.#times.at(row - 1);
    this.#kinds.push(kind);
    // Clocks may be set back, and a search needs an order: then it is the order of the file.
    this.#times.push(Math.max(before, at === undefined ? before : at - this.#start));
    this.#who.push(actor.index);
    this.#from.push(from);
    this.#types.push(this.names.number(type));
    this.#values.push(value);
    this.#offsets.push(place.offset);
    this.#lengths.push(place.length);
    this.#lines.push(place.line);
    actor.rows.push(row);
    if (value >= 0) actor.states.push(row);
    if (this.#findsFaults && isFault(kind, type, event, snapshot)) this.fault(row);
    for (const interpret of this.#interpreters) interpret(message, row, actor);
  }
  /** Marks a row as one at which something went wrong. */
  fault(row: number): void {
    if (this.faults.at(-1) !== row) this.faults.push(row);
  }

  isFault(row: number): boolean {
    return last(this.faults, row) === row;
  }

  kind(row: number): number {
    return this.#kinds.at(row);
  }
  /** Milliseconds since the first message. */
  time(row: number): number {
    return this.#times.at(row);
  }
  actor(row: number): ActorRow {
    return this.actors[this.#who.at(row)] as ActorRow;
  }
  /** Who sent an event, where the trace says so. */
  sender(row: number): ActorRow | undefined {
    return this.actors[this.#from.at(row)];
  }
  type(row: number): string {
    return this.names.name(this.#types.at(row));
  }
  value(row: number): string {
    const value = this.#values.at(row);
    return value < 0 ? '' : this.names.name(value);
  }
  place(row: number): MessageSpan {
    return { offset: this.#offsets.at(row), length: this.#lengths.at(row), line: this.#lines.at(row) };
  }
  find(session: string): ActorRow | undefined {
    return this.#bySession.get(session);
  }

  /** The last row that had happened by a time; −1 before the first. */
  rowAt(time: number): number {
    return countUpTo(this.length, (row) => this.#times.at(row), time) - 1;
  }
  /** The row that says an actor's state as of `cursor`; −1 when it was not there yet. */
  stateRow(actor: ActorRow, cursor: number): number {
    return last(actor.states, cursor);
  }
  stateAt(actor: ActorRow, cursor: number): string {
    const row = this.stateRow(actor, cursor);
    return row < 0 ? '' : this.value(row);
  }

  #register(session: string): ActorRow | undefined {
    if (this.actors.length >= PAGE_LIMITS.actors) return undefined;
    const actor = {
      index: this.actors.length,
      session,
      name: session,
      parent: undefined,
      machine: -1,
      rows: [],
      states: [],
    };
    this.actors.push(actor);
    this.#bySession.set(session, actor);
    return actor;
  }
  #describe(actor: ActorRow, message: ParsedObject): void {
    actor.name = textOf(message['name']) ?? actor.name;
    actor.parent = textOf(message['parentId']) ?? actor.parent;
    const { definition } = message;
    const text =
      typeof definition === 'string'
        ? definition
        : isObject(definition)
          ? JSON.stringify(definition)
          : undefined;
    const machine = numberOf(message['machine']);
    if (text !== undefined) actor.machine = this.definitions.number(text);
    // Only the first actor of a machine carries the definition.
    if (machine === undefined) return;
    if (text !== undefined) this.#machines[machine] = actor.machine;
    else actor.machine = this.#machines[machine] ?? -1;
  }
}

/** The greatest of ascending rows that is at most `cursor`, or −1. */
export function last(rows: readonly number[], cursor: number): number {
  const count = countUpTo(rows.length, (index) => rows[index] as number, cursor);
  return count === 0 ? -1 : (rows[count - 1] as number);
}
/** The least of ascending rows that is greater than `cursor`, or −1. */
export function next(rows: readonly number[], cursor: number): number {
  return rows[countUpTo(rows.length, (index) => rows[index] as number, cursor)] ?? -1;
}

/** What an actor without states is in: `active`, `done`, `error`. */
const stateText = (snapshot: ParsedObject): string =>
  valueText(snapshot['value']) || (textOf(snapshot['status']) ?? '');

const FAULTS = new Set(['FAILED', 'STALL_TIMEOUT']);
/** A failed attempt, a fault on the bus, an error of an actor. A step that reads a fault is not another fault. */
function isFault(
  kind: number,
  type: string,
  event: ParsedObject | undefined,
  snapshot: ParsedObject | undefined,
): boolean {
  if (kind === SNAPSHOT) return snapshot?.['status'] === 'error';
  if (kind !== EVENT) return false;
  return (
    FAULTS.has(type) ||
    type.startsWith('xstate.error.') ||
    (type === 'pulse' && event?.['fault'] !== undefined)
  );
}
