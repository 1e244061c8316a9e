/** How many programs run at once in this process: a queue that all program agents share. */
import { availableParallelism } from 'node:os';

/** The system has no room for one more process or file now, and may have later. */
const NO_ROOM = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'];

/** A bounded number of places. Who asks first gets the next one first. */
export class Places {
  #most: number;
  #taken = 0;
  /** The system refused a program. Until one has ended or started, no other program is tried. */
  #full = false;
  /** Those that the system refused; they try again, one at a time and before all others. */
  readonly #refused = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#most = most;
  }

  set most(most: number) {
    this.#most = most;
    this.#admit();
  }

  /** Waits for a place and starts a program, again and again while the system has no room and another program runs that
   *  will make some. When this resolves, the caller has the place and has to `leave` it.
   *  @throws the signal's reason when it aborts first; what `attempt` throws. */
  async start<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(this.#waiting, signal);
    for (;;) {
      const alone = this.#taken === 1;
      try {
        signal.throwIfAborted();
        const started = await attempt();
        this.#room();
        return started;
      } catch (error) {
        const noRoom = NO_ROOM.includes((error as NodeJS.ErrnoException | null)?.code ?? '');
        this.#taken--;
        if (!noRoom || alone) {
          this.#room();
          throw error;
        }
      }
      this.#full = this.#taken > 0;
      await this.#enter(this.#refused, signal);
    }
  }

  /** A program has ended. */
  leave(): void {
    this.#taken--;
    this.#room();
  }

  #enter(queue: Set<() => void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return void reject(signal.reason);
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        queue.delete(enter);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      queue.add(enter);
      this.#admit();
    });
  }

  #room(): void {
    this.#full = false;
    this.#admit();
  }

  #admit(): void {
    while (this.#taken < this.#most && !this.#full) {
      const again = this.#refused.size > 0;
      const queue = again ? this.#refused : this.#waiting;
      const [next] = queue;
      if (next === undefined) return;
      queue.delete(next);
      this.#taken++;
      this.#full = again;
      next();
    }
  }
}

/** The places of this process. */
export const places = new Places(availableParallelism() * 4);

/** Sets how many programs may run at once in this process, over all program agents and performances; more wait, first
 *  come, first served. Programs that are running continue.
 *  @param most a whole number of at least 1. Default: four times the processor's cores.
 *  @throws {RangeError} for anything else.
 *  @example
 *  ```ts
 *  limitPrograms(2); // the programs are large
 *  ``` */
export function limitPrograms(most: number): void {
  if (!Number.isSafeInteger(most) || most < 1)
    throw new RangeError(`limitPrograms takes a whole number of at least 1, not ${String(most)}.`);
  places.most = most;
}
