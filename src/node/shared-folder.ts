/** A folder whose text files are shared: where a path may lead, reading a whole text, and putting a new text in the
 *  place of an old one. Each call checks the disk again, because other programs change it. See docs/decisions/0016. */
import { randomUUID } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { FileRefusedError, refusedBy } from './file-errors.ts';
import { isAt, native, openLocked, type LockWait } from './file-lock.ts';
import { isOpenForWriting } from './open-writers.ts';

/** New texts are written under such a name first. */
const TEMPORARY = /^\.tutti-[0-9a-f-]{36}\.tmp$/;
const temporaryName = (full: string): string => join(dirname(full), `.tutti-${randomUUID()}.tmp`);
/** Whether a path names a file that only exists while a text is written. */
export const isTemporary = (path: string): boolean => TEMPORARY.test(path.slice(path.lastIndexOf('/') + 1));

/** How long after a write its writer is looked for, in ms: a download may pause. */
const WRITER_MS = 60_000;

/** A file that no other process writes through this module, until it is disposed. */
export interface LockedFile extends AsyncDisposable {
  readonly path: string;
  readonly full: string;
  readonly handle: FileHandle;
}

export class SharedFolder {
  readonly root: string;
  readonly #maxBytes: number;
  readonly #settleMs: number;
  /** By file: its state when no process had it open for writing. */
  readonly #complete = new Map<string, BigIntStats>();
  /** Folders in which the temporary files of ended processes have been looked for. */
  readonly #swept = new Set<string>();

  /** @param root an absolute path without links.
   *  @param settleMs how long a file that another program writes in place must be unchanged. */
  constructor(root: string, maxBytes: number, settleMs: number) {
    this.root = root;
    this.#maxBytes = maxBytes;
    this.#settleMs = settleMs;
  }

  /** The whole text of a file. It waits while another program writes the file. */
  async read(path: string, waiting: LockWait): Promise<string> {
    const full = await this.#locate(path);
    await using file = await this.#open(path, full);
    return decodeText(path, await this.settled(file, waiting));
  }

  /** Locks a file against other processes. */
  async lock(path: string, waiting: LockWait): Promise<LockedFile> {
    const full = await this.#locate(path);
    await this.#sweepOnce(dirname(full));
    const handle = await openLocked(path, full, waiting).catch((error: unknown) => {
      waiting.check();
      throw refusedBy(path, 'written', error);
    });
    return { path, full, handle, [Symbol.asyncDispose]: () => handle.close() };
  }

  /** The bytes of an open file, once no other program is writing it, as far as can be seen: they are the same before and
   *  after they were read, were not written in place within the last `settleMs`, and no process has the file open for
   *  writing. A finished text that was moved into place, as this class and many editors do it, does not have to wait. */
  async settled({ path, full, handle }: LockedFile, waiting: LockWait): Promise<Buffer> {
    let last: BigIntStats | undefined;
    for (let since = 0; ;) {
      const before = await handle.stat({ bigint: true });
      if (before.size > this.#maxBytes) throw this.#tooLarge(path, before.size);
      if (last === undefined || !isSame(last, before)) since = performance.now();
      last = before;
      const unchangedMs = Math.max(performance.now() - since, Date.now() - Number(before.mtimeMs));
      // Writing sets both times at once. Moving, or changing the mode, sets only ctime: then the text was complete.
      const inPlace = this.#settleMs > 0 && before.mtimeNs === before.ctimeNs;
      const writing =
        inPlace && (unchangedMs < this.#settleMs || (await this.#hasWriter(full, before, unchangedMs)));
      if (!writing) {
        const bytes = await bytesOf(handle, Number(before.size));
        if (isSame(before, await handle.stat({ bigint: true }))) return bytes;
      }
      await waiting.pause(Math.max(1, this.#settleMs / 4), path, 'is being written by another program');
    }
  }
  /** Whether a process that has lately written the file has it open still. The answer "no" holds until the next write. */
  async #hasWriter(full: string, stat: BigIntStats, unchangedMs: number): Promise<boolean> {
    const complete = this.#complete.get(full);
    if (unchangedMs > WRITER_MS || (complete !== undefined && isSame(complete, stat))) return false;
    if (await isOpenForWriting(full)) return true;
    this.#complete.set(full, stat);
    return false;
  }

  /** Puts a new text in the place of a locked file, if its bytes are still `present`.
   *  @returns whether it did. When it returns false, or throws, the file has not been changed. */
  async replace(file: LockedFile, present: Buffer, next: string, waiting: LockWait): Promise<boolean> {
    const { path, full, handle } = file;
    const bytes = this.#encode(path, next);
    const old = await this.#writable(file);
    await using temporary = await this.#temporary(path, full, bytes, old);
    if (!(await isStill(file, present))) return false;
    waiting.check(); // the last moment at which an abort changes nothing
    const outcome = await exchange(path, temporary.full, full);
    if (outcome !== 'exchanged') return outcome === 'replaced';
    // What another program wrote between the comparison and the exchange has the temporary name now.
    if ((await isAt(handle, temporary.full)) && (await hasBytes(handle, present))) return true;
    await exchange(path, temporary.full, full);
    return false;
  }

  /** Creates a file, and the folders it is in.
   *  @returns false when there is a file of that name. */
  async create(path: string, text: string, waiting: LockWait): Promise<boolean> {
    const bytes = this.#encode(path, text);
    const full = await this.#locateNew(path);
    await using temporary = await this.#temporary(path, full, bytes);
    waiting.check();
    return linkNew(path, temporary.full, full);
  }

  /** Deletes a locked file, if its bytes are still `present`.
   *  @returns whether it did. */
  async remove(file: LockedFile, present: Buffer, waiting: LockWait): Promise<boolean> {
    await this.#writable(file);
    if (!(await isStill(file, present))) return false;
    waiting.check();
    return takeAway(file, () => hasBytes(file.handle, present));
  }

  /** Gives a locked file another name.
   *  @returns 'exists' when a file has that name, 'changed' when another program replaced the file meanwhile. */
  async move(file: LockedFile, to: string, waiting: LockWait): Promise<'moved' | 'exists' | 'changed'> {
    await this.#writable(file);
    const full = await this.#locateNew(to);
    waiting.check();
    if (!(await linkNew(to, file.full, full))) return 'exists';
    if (await takeAway(file, async () => true)) return 'moved';
    await rm(full, { force: true });
    return 'changed';
  }

  /** Removes the temporary files of processes that have ended. Files of running processes are locked and stay.
   *  @param mine a file that this process has locked: temporary names of it are removed, too. */
  async sweep(folder: string, mine?: FileHandle): Promise<void> {
    this.#swept.add(folder);
    const { tryLock } = await native();
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((name) => TEMPORARY.test(name))) {
      const full = join(folder, name);
      const handle = await open(full, constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined);
      try {
        const isLeft = handle !== undefined && tryLock(handle.fd);
        if (isLeft || (mine !== undefined && (await isAt(mine, full)))) await rm(full, { force: true });
      } finally {
        await handle?.close();
      }
    }
  }
  /** Sweeps the folders of these files. */
  async sweepFor(paths: Iterable<string>): Promise<void> {
    for (const path of paths) await this.#sweepOnce(dirname(resolve(this.root, path)));
  }
  /** Sweeps every folder that has been used. */
  async sweepAll(): Promise<void> {
    for (const folder of this.#swept) await this.sweep(folder);
  }
  async #sweepOnce(folder: string): Promise<void> {
    if (!this.#swept.has(folder)) await this.sweep(folder);
  }

  /** Where a path leads, if it leads to a plain file inside the root and through no link. */
  async #locate(path: string): Promise<string> {
    const full = this.#inside(path);
    await this.#refuseLinks(path, dirname(full));
    const found = await lstat(full).catch((error: unknown) => {
      throw refusedBy(path, 'read', error);
    });
    if (found.isSymbolicLink()) throw new FileRefusedError(path, 'is a link; links are not followed.');
    if (!found.isFile()) throw new FileRefusedError(path, 'is not a plain file.');
    return full;
  }
  /** Where a new file goes. Creates its folders. */
  async #locateNew(path: string): Promise<string> {
    const full = this.#inside(path);
    const folder = dirname(full);
    let known = folder;
    while (known !== this.root && (await lstat(known).catch(() => undefined)) === undefined)
      known = dirname(known);
    await this.#refuseLinks(path, known);
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw refusedBy(path, 'written', error);
    });
    await this.#refuseLinks(path, folder);
    await this.#sweepOnce(folder);
    return full;
  }
  #inside(path: string): string {
    const full = resolve(this.root, path);
    if (!full.startsWith(this.root === sep ? sep : this.root + sep))
      throw new FileRefusedError(path, 'is outside the root.');
    return full;
  }
  async #refuseLinks(path: string, folder: string): Promise<void> {
    const real = await realpath(folder).catch((error: unknown) => {
      throw refusedBy(path, 'read', error);
    });
    if (real !== folder) throw new FileRefusedError(path, 'is behind a link; links are not followed.');
  }
  async #open(path: string, full: string): Promise<LockedFile> {
    // O_NOFOLLOW: the system refuses a link that was put there since the check. O_NONBLOCK: a pipe does not block.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(full, flags).catch((error: unknown) => {
      throw refusedBy(path, 'read', error);
    });
    return { path, full, handle, [Symbol.asyncDispose]: () => handle.close() };
  }

  /** What a locked file is like, if it may be replaced. */
  async #writable({ path, full, handle }: LockedFile): Promise<BigIntStats> {
    let old = await handle.stat({ bigint: true });
    if ((old.mode & 0o222n) === 0n) throw new FileRefusedError(path, 'is read-only.');
    if (old.nlink > 1n) {
      await this.sweep(dirname(full), handle); // a process that was killed while it created the file leaves a second name
      old = await handle.stat({ bigint: true });
    }
    if (old.nlink > 1n)
      throw new FileRefusedError(
        path,
        `has ${old.nlink} names (hard links), and a new text would be under one of them only.`,
      );
    return old;
  }

  /** A new file with these bytes beside `full`. It is locked, so that no other process uses or removes it; disposing it
   *  removes what has its name then. */
  async #temporary(
    path: string,
    full: string,
    bytes: Buffer,
    like?: BigIntStats,
  ): Promise<{ full: string } & AsyncDisposable> {
    const { tryLock } = await native();
    for (;;) {
      const name = temporaryName(full);
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const handle = await open(name, flags, like === undefined ? 0o666 : 0o600).catch((error: unknown) => {
        throw refusedBy(path, 'written', error);
      });
      const dispose = async () => {
        await rm(name, { force: true });
        await handle.close();
      };
      try {
        // Before it was locked, the sweep of another process may have removed it: then take another name.
        if (tryLock(handle.fd) && (await handle.stat()).nlink > 0) {
          await fill(handle, bytes, like);
          return { full: name, [Symbol.asyncDispose]: dispose };
        }
      } catch (error) {
        await dispose();
        throw refusedBy(path, 'written', error);
      }
      await handle.close();
    }
  }

  #encode(path: string, text: string): Buffer {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > this.#maxBytes) throw this.#tooLarge(path, bytes.length);
    if (decodeText(path, bytes) !== text) throw new FileRefusedError(path, 'that text has no UTF-8.');
    return bytes;
  }
  #tooLarge(path: string, bytes: number | bigint): FileRefusedError {
    return new FileRefusedError(path, `has ${bytes} bytes, more than ${this.#maxBytes}; raise maxBytes.`);
  }
}

/** The text that bytes stand for, with its byte order mark and line ends as they are. */
export function decodeText(path: string, bytes: Buffer): string {
  if (bytes.includes(0)) throw new FileRefusedError(path, 'is binary; only text can be shared.');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new FileRefusedError(path, 'is not UTF-8; only text can be shared.', error);
  }
}

const isSame = (a: BigIntStats, b: BigIntStats): boolean =>
  a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;

/** The bytes from the beginning of a file, at most one more than expected. */
async function bytesOf(handle: FileHandle, expected: number): Promise<Buffer> {
  const buffer = Buffer.alloc(expected + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
const hasBytes = async (handle: FileHandle, bytes: Buffer): Promise<boolean> =>
  (await bytesOf(handle, bytes.length)).equals(bytes);
const isStill = async ({ handle, full }: LockedFile, present: Buffer): Promise<boolean> =>
  (await isAt(handle, full)) && (await hasBytes(handle, present));

/** Writes a new file to the disk, with the owner and the mode of the old one. */
async function fill(handle: FileHandle, bytes: Buffer, like: BigIntStats | undefined): Promise<void> {
  await handle.writeFile(bytes);
  if (like !== undefined) {
    await handle.chown(Number(like.uid), Number(like.gid)).catch(() => undefined); // only root may give files away
    await handle.chmod(Number(like.mode & 0o7777n));
  }
  // Whole milliseconds: mtime differs from ctime, so that readers see that the text is complete.
  const now = Date.now() / 1_000;
  await handle.utimes(now, now);
  await handle.sync();
}

/** What systems answer that cannot exchange two files. */
const NO_EXCHANGE: ReadonlySet<string | undefined> = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/** Puts a new file in the place of an old one in one step. The old one gets the other name; where the file system
 *  cannot exchange two files, it is gone. */
async function exchange(path: string, from: string, to: string): Promise<'exchanged' | 'replaced' | 'gone'> {
  const { swap } = await native();
  try {
    await swap(from, to);
    return 'exchanged';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'gone';
    if (!NO_EXCHANGE.has(code)) throw refusedBy(path, 'written', error);
  }
  await rename(from, to).catch((error: unknown) => {
    throw refusedBy(path, 'written', error);
  });
  return 'replaced';
}

/** Gives a file a second name, if no file has it. */
async function linkNew(path: string, from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw refusedBy(path, 'written', error);
  }
}

/** Removes the name of a locked file, unless another program has changed what is there.
 *  @param holds looks at the file once it has no name that others know. */
async function takeAway({ path, full, handle }: LockedFile, holds: () => Promise<boolean>): Promise<boolean> {
  const aside = temporaryName(full);
  try {
    await rename(full, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw refusedBy(path, 'written', error);
  }
  const taken = (await isAt(handle, aside)) && (await holds());
  if (!taken) await linkNew(path, aside, full);
  await rm(aside, { force: true });
  return taken;
}
