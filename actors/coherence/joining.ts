/** How a replica comes to the history of its log: from the log itself, or from another replica's snapshot. */
import type { Envelope } from '../../machines/hct/signal.ts';
import { BusHistoryError, type Bus, type Seq } from '../bus/bus.ts';
import { InvariantError } from '../tomasulo/errors.ts';
import { MissedHistoryError } from './errors.ts';
import type { Memory } from './memory.ts';
import { markOf } from './origin.ts';
import type { MemorySnapshot } from './snapshot.ts';

/** A replica as JSON: memory, and the position up to which the bus has been applied. */
export interface ReplicaSnapshot {
  readonly applied: Seq;
  /** Tells the envelope at `applied` from one at the same position of another bus. */
  readonly mark: string;
  /** The fingerprint of the values with which the space began. */
  readonly origin: string;
  readonly memory: MemorySnapshot;
}

/** The replica that joins. */
export interface JoiningHost {
  readonly bus: Bus;
  readonly memory: Memory;
  readonly left: Error | undefined;
  readonly failure: unknown;
  applied: Seq;
  origin: string;
  /** Applies the next envelope. */
  apply(envelope: Envelope): void;
  /** It is known which log this is, and memory is as of `applied`. */
  placed(): void;
  /** The replica cannot go on. */
  fail(why: unknown): void;
}

export class Joining {
  /** While history is replayed: `unsure` until it is known which log this is. */
  state: 'no' | 'unsure' | 'yes' = 'no';
  readonly #host: JoiningHost;

  constructor(host: JoiningHost) {
    this.#host = host;
  }

  /** Begins at the log's tip, at its start, or with a snapshot.
   *  @returns at once where there is nothing to catch up with. */
  begin(from: 'log' | 'tip' | ReplicaSnapshot): Promise<void> {
    const host = this.#host;
    if (typeof from !== 'string') host.memory.restore(from.memory);
    else if (from === 'tip' || host.bus.tip === 0) {
      host.applied = host.bus.tip;
      return Promise.resolve();
    }
    this.state = 'unsure';
    return this.#join(typeof from === 'string' ? undefined : from).catch((error: unknown) => {
      const why = error instanceof BusHistoryError ? new MissedHistoryError(error) : error;
      host.fail(why);
      throw why;
    });
  }
  async #join(from: ReplicaSnapshot | undefined): Promise<void> {
    const host = this.#host;
    if (from !== undefined) {
      if (from.applied > host.bus.tip) await barrierOf(host.bus);
      if (from.applied <= host.bus.tip && (await this.#isLogOf(from))) {
        host.origin = from.origin;
        host.applied = from.applied;
      } else host.memory.rebase();
    }
    this.state = 'yes';
    host.placed();
    await this.#catchUp();
    if (host.failure !== undefined) throw host.failure;
  }
  /** Whether the bus has the envelope up to which a snapshot was taken. Where that is no longer retained, the bus is
   *  taken for the same one if it has all that came after. */
  async #isLogOf({ applied, mark }: ReplicaSnapshot): Promise<boolean> {
    if (applied === 0 || mark === '') return true;
    try {
      for await (const envelope of this.#host.bus.replay(applied)) return markOf(envelope) === mark;
    } catch (error) {
      if (!(error instanceof BusHistoryError)) throw error;
    }
    return true;
  }
  /** The bus has skipped something: it is replayed. */
  again(): void {
    if (this.state !== 'no') return; // the replay brings it
    this.state = 'yes';
    this.#catchUp().catch((error: unknown) => this.#host.fail(new MissedHistoryError(error)));
  }
  async #catchUp(): Promise<void> {
    const host = this.#host;
    try {
      while (host.left === undefined && host.applied < host.bus.tip) {
        const before = host.applied;
        for await (const envelope of host.bus.replay(before + 1)) host.apply(envelope);
        if (host.applied === before) throw new InvariantError(`replica: the bus has no ${before + 1}`);
      }
    } finally {
      this.state = 'no';
    }
  }
}

/** The log's true tip. */
export async function barrierOf(bus: Bus): Promise<Seq> {
  const { barrier } = bus as Bus & { barrier?: () => Promise<Seq> };
  return barrier === undefined ? bus.tip : barrier.call(bus);
}
