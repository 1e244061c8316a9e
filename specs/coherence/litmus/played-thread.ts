/** A thread of a litmus test as an agent on a separate replica: the real replica, its lines, its memory, its sender.
 *
 *  A stage is one replica with room for many plays of the same thread, which do not affect each other because each has
 *  its own keys: making a replica costs more than a play. Output goes to the play that caused it; the replica receives
 *  the log's entries as envelopes. Nothing here depends on the protocol, except the way in which a client reads and
 *  writes, which is that of `src/coherence/writing.ts`. */
import { Subject } from 'rxjs/internal/Subject';
import { type Bus, type Clock, type Entry } from '../../../actors/index.ts';
import { fromSignal, toSignal } from '../../../actors/coherence/entry.ts';
import { Replica } from '../../../actors/coherence/replica.ts';
import type { Cell } from '../../../actors/coherence/cell.ts';
import type { Faults } from '../../../actors/coherence/faults.ts';
import type { Line } from '../../../actors/coherence/line.ts';
import type { Envelope, Signal } from '../../../machines/index.ts';
import type { ReaderPolicy } from '../../../machines/coherence/cache-line.ts';
import type { LitmusOp, LitmusTest } from './file.ts';

/** Mistakes to make on purpose. */
export interface LitmusFaults {
  /** A write is done when it was sent. */
  readonly doneAtPublish?: boolean;
  /** Lines do not receive what other agents do: a stale copy is not dropped. */
  readonly deaf?: boolean;
  /** Rules of memory that are left out. */
  readonly memory?: Faults;
}
export interface PlayOptions {
  readonly readers: ReaderPolicy;
  readonly faults: LitmusFaults;
}

/** An entry as the log has it. Its sender numbers entries one by one, and the log keeps their order: so its number is
 *  the count of entries that were received from that sender before, and need not be kept. */
export interface LitmusEntry {
  readonly op: Entry['op'];
  readonly key: string;
  readonly agent: string;
  readonly epoch?: number;
  readonly base?: number;
  readonly value?: unknown;
}
export const agentOf = (thread: number): string => `t${thread}`;

/** No lease runs out: time does not pass. */
const stopped: Clock = {
  now: () => 0,
  setTimeout: () => 0,
  clearTimeout() {},
  atEndOfInstant() {},
  afterThisTurn() {},
  work() {},
  rest() {},
};

class DeafReplica extends Replica {
  override others(): void {}
}

/** One replica with room for so many plays. */
export class ThreadReplica {
  readonly replica: Replica;
  readonly #signals = new Subject<Envelope>();
  readonly #heard = new Map<string, number>();
  readonly #room: number;
  #tip = 0;
  #taken = 0;
  /** The output since the last call. */
  said: LitmusEntry[] = [];

  constructor(test: LitmusTest, { readers, faults }: PlayOptions, room: number) {
    this.#room = room;
    const bus: Partial<Bus> = {
      signals: this.#signals,
      tip: 0,
      publish: (signal: Signal) => {
        const { op, key, agent, epoch, base, value } = fromSignal('shared', signal) as Entry & LitmusEntry;
        this.said.push({
          op,
          key: key.slice(key.indexOf('/') + 1),
          agent,
          epoch,
          base,
          value,
        } as LitmusEntry);
        return new Promise<never>(() => {}); // it is ordered later, and no code waits for that
      },
    };
    const initial: [string, number][] = [];
    for (let play = 0; play < room; play++)
      for (const [loc, value] of Object.entries(test.init)) initial.push([`${play}/${loc}`, value]);
    const options = { initial, readers, history: 0, clock: stopped, session: 'litmus' };
    const Kind = faults.deaf === true ? DeafReplica : Replica;
    this.replica = new Kind({ ...options, bus: bus as Bus, faults: faults.memory ?? {} });
  }
  get full(): boolean {
    return this.#taken === this.#room;
  }
  /** @returns the next play's number. */
  take(): number {
    return this.#taken++;
  }
  cell(play: number, loc: string): Cell {
    return this.replica.memory.cells.get(`${play}/${loc}`)!;
  }
  hear(play: number, word: LitmusEntry): void {
    const number = this.#heard.get(word.agent) ?? 0;
    this.#heard.set(word.agent, number + 1);
    const entry = { ...word, key: `${play}/${word.key}`, number, floor: number } as unknown as Entry;
    const signal = JSON.parse(JSON.stringify(toSignal('shared', entry))) as Signal;
    this.#signals.next({ seq: ++this.#tip, runId: 'litmus', signal, timestamp: 0 });
  }
}

/** The effects of a step of a play. */
export interface PlayEffects {
  readonly said: readonly LitmusEntry[];
  /** The register that a read has filled. */
  readonly read: readonly [at: number, value: number] | undefined;
}

/** One play of one thread. */
export class PlayedThread {
  /** The operation that is next, or under way. */
  at = 0;
  readonly #stage: ThreadReplica;
  readonly #play: number;
  readonly #ops: readonly LitmusOp[];
  readonly #faults: LitmusFaults;
  readonly #lines = new Map<string, Line>();
  #filling: ReturnType<Line['whenFilled']> | undefined;
  /** What is being written, until it is done. */
  readonly #writing = new Map<string, number>();
  #waits = false;

  constructor(stage: ThreadReplica, thread: number, ops: readonly LitmusOp[], faults: LitmusFaults) {
    this.#stage = stage;
    this.#play = stage.take();
    this.#ops = ops;
    this.#faults = faults;
    for (const { loc } of ops)
      this.#lines.set(loc, stage.replica.line(agentOf(thread), stage.cell(this.#play, loc)));
  }

  /** Whether its next operation can begin. */
  get free(): boolean {
    const op = this.#ops[this.at];
    if (op === undefined || this.#filling !== undefined || this.#waits) return false;
    return op.op === 'R' || !this.#writing.has(op.loc);
  }
  get finished(): boolean {
    return this.at === this.#ops.length && this.#writing.size === 0;
  }
  /** The locations that it may still look at. Entries of other locations do not affect it. */
  get needs(): ReadonlySet<string> {
    return new Set([...this.#ops.slice(this.at).map(({ loc }) => loc), ...this.#writing.keys()]);
  }

  /** Begins the next operation. A hit is over at once. */
  begin(): PlayEffects {
    const op = this.#ops[this.at]!;
    const line = this.#lines.get(op.loc)!;
    if (op.op === 'W') {
      this.#writing.set(op.loc, op.val);
      this.#write(op.loc);
      if (this.#faults.doneAtPublish === true) this.at++;
      else this.#waits = true;
      return this.#end(undefined);
    }
    if (line.readable) return this.#end(line.value as number);
    this.#filling = line.whenFilled();
    if (line.state === 'I') this.#stage.replica.send(line, 'LOAD');
    return this.#end(undefined);
  }
  /** Requests a copy before the test, so that the test begins with one. */
  warm(loc: string): PlayEffects {
    const line = this.#lines.get(loc)!;
    if (line.state === 'I') this.#stage.replica.send(line, 'LOAD');
    return this.#end(undefined);
  }
  /** Its replica applies the next entry of the log. */
  hear(word: LitmusEntry): PlayEffects {
    const cell = this.#stage.cell(this.#play, word.key);
    const { version } = cell;
    this.#stage.hear(this.#play, word);
    const own = this.#lines.get(word.key)?.agent === word.agent;
    if (own && word.op === 'put' && cell.version > version) {
      this.#writing.delete(word.key);
      if (this.#waits) this.at++;
      this.#waits = false;
    }
    for (const loc of this.#writing.keys()) this.#write(loc);
    return this.#end(this.#filling?.value?.value as number | undefined);
  }

  /** Where it is, as far as anything may depend on it: `needs` decides which cells and lines do. */
  situation(needs: ReadonlySet<string>): string {
    const { at } = this;
    const shared = [...this.#lines]
      .filter(([loc]) => needs.has(loc))
      .map(([loc, line]) => {
        const { state, readable, value, version, epoch, cell } = line;
        const { owner = null, held, queue, readers, sharers } = cell;
        const owns = state === 'E' || state === 'M';
        return [
        loc, state, readable, readable ? [value, version] : null, owns ? epoch : null,
        cell.value, cell.version, cell.epoch, owner, held, queue, readers, [...sharers].sort(),
      ]; // prettier-ignore
      });
    const busy = [this.#filling !== undefined, this.#waits, [...this.#writing]];
    return JSON.stringify([at, busy, shared]);
  }

  /** Goes on with a write: with ownership its value is put, without it ownership is requested. */
  #write(loc: string): void {
    const line = this.#lines.get(loc)!;
    const { state, version } = line;
    const { replica } = this.#stage;
    if (state === 'E' || state === 'M')
      replica.store(line, { value: this.#writing.get(loc), base: version, patches: undefined });
    else if (state === 'I' || state === 'S') replica.send(line, 'STORE');
  }
  #end(value: number | undefined): PlayEffects {
    const said = this.#stage.said;
    this.#stage.said = [];
    if (value === undefined) return { said, read: undefined };
    this.#filling = undefined;
    return { said, read: [this.at++, value] };
  }
}
