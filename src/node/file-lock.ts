/** One writer at a time for each file, among all processes that use this module.
 *
 *  The lock is one of the operating system, on the file itself: an open file description lock on Linux, `flock` on
 *  macOS, `LockFileEx` on Windows. The system gives it back when its process ends, however it ends, so a lock is never
 *  stale and needs no renewal. A new text is a new file under the same name, so a lock counts only if its file still
 *  has that name. See docs/decisions/0016. */
import { constants } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { whenAborted } from '../coherence/abort.ts';
import { CoherenceError } from '../coherence/errors.ts';
import { FileBusyError } from './file-errors.ts';

interface Native {
  /** Takes an exclusive lock, if no other open file description has one. */
  tryLock(fd: number): boolean;
  /** Exchanges two files in one step. */
  swap(from: string, to: string): Promise<void>;
}
let loading: Promise<Native> | undefined;
/** Loads the compiled part on first use, so that programs that share no files do not need it. */
export function native(): Promise<Native> {
  return (loading ??= import('fs-native-extensions').then(
    (module) => module.default,
    (cause: unknown) => {
      loading = undefined;
      const here = `${process.platform}-${process.arch}`;
      throw new CoherenceError(
        `files cannot be locked here: fs-native-extensions does not load on ${here}.`,
        {
          cause,
        },
      );
    },
  ));
}

/** How long one call may wait, and what ends it earlier. */
export class LockWait implements Disposable {
  readonly signal: AbortSignal;
  readonly #until: number;
  readonly #waitMs: number;
  readonly #detach: readonly (() => void)[];

  /** @param signals each of them ends the call, with its own reason. */
  constructor(waitMs: number, signals: readonly (AbortSignal | undefined)[]) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#waitMs = waitMs;
    this.#until = performance.now() + waitMs;
    this.#detach = signals.map((signal) => whenAborted(signal, (reason) => controller.abort(reason)));
  }
  /** @throws the signal's reason, when it has aborted. */
  check(): void {
    this.signal.throwIfAborted();
  }
  /** Sleeps, for at most `ms` milliseconds.
   *  @throws {FileBusyError} when the call has waited for too long.
   *  @throws the signal's reason, when it aborts. */
  async pause(ms: number, path: string, why: string): Promise<void> {
    this.check();
    const left = this.#until - performance.now();
    if (left <= 0) throw new FileBusyError(path, why, this.#waitMs);
    await delay(Math.min(ms, left), undefined, { signal: this.signal }).catch(() => this.check());
  }
  [Symbol.dispose](): void {
    for (const detach of this.#detach) detach();
  }
}

/** Attempts of a waiting process are 1 … 8 ms apart, and no two processes keep the same rhythm. */
const backoffMs = (attempt: number): number => Math.min(8, 2 ** attempt) * (0.5 + Math.random() / 2);

/** Opens a file for reading and writing, and locks it. Closing the handle gives the lock back.
 *  @param path how errors name the file.
 *  @param full where it is.
 *  @throws {FileBusyError} when another process keeps it for too long. */
export async function openLocked(path: string, full: string, waiting: LockWait): Promise<FileHandle> {
  const { tryLock } = await native();
  for (let attempt = 0; ; attempt++) {
    waiting.check();
    const handle = await open(full, constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      if (tryLock(handle.fd) && (await isAt(handle, full))) return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    await waiting.pause(backoffMs(attempt), path, 'is locked by another process');
  }
}

/** Whether this path still names the opened file. */
export async function isAt(handle: FileHandle, full: string): Promise<boolean> {
  const [mine, there] = await Promise.all([
    handle.stat({ bigint: true }),
    lstat(full, { bigint: true }).catch(() => undefined),
  ]);
  return there !== undefined && there.ino === mine.ino && there.dev === mine.dev;
}
