/** Plain files that agents share, with the guarantee of coherent keys: no acknowledged edit is lost to a stale one.
 *
 *  The disk is the memory, and a lock of the operating system orders the writers of all processes. Under the lock a
 *  write is compared with what is on the disk, so what other programs have written is found out as well. On a bus each
 *  file is also a key that its writer holds: agents take turns there in the order in which they asked, and every write is
 *  published. No write depends on the bus to be correct. See docs/decisions/0016. */
import { createHash } from 'node:crypto';
import * as nodeFiles from 'node:fs/promises'; // older ones lack `glob`, and naming it hides the error about the version
import { realpath } from 'node:fs/promises';
import { posix, relative, resolve, sep, win32 } from 'node:path';
import { z } from 'zod';
import type { Bus } from '../../actors/bus/bus.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { coherence, type Coherence } from '../coherence/coherence.ts';
import { ClosedAgentError, FencedError, RecipeError, UsageError } from '../coherence/errors.ts';
import type { Hold } from '../coherence/hold.ts';
import { FileBusyError, FileConflictError, FileRefusedError } from './file-errors.ts';
import { LockWait } from './file-lock.ts';
import { isTemporary, SharedFolder, decodeText, type LockedFile } from './shared-folder.ts';

export interface CoherentFilesOptions {
  /** The bus on which writers take turns and writes are published. Default: a bus of this object alone. */
  readonly bus?: Bus;
  /** The largest file, in bytes: 1 … 64 MiB. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Patterns of files and folders that are not shared, relative to `root`: `docs/drafts`, `docs/*.old.md`. */
  readonly exclude?: readonly string[];
  /** How long a file that another program writes in place must be unchanged before its text counts as whole:
   *  0 … 10,000 ms. Default 100 ms. */
  readonly settleMs?: number;
  /** How long a call waits for other processes before it is refused: 0 … 600,000 ms. Default 30,000 ms. */
  readonly waitMs?: number;
  /** Whether the patterns may match no file at the beginning. Default false, so that a misspelt pattern is found. */
  readonly allowEmpty?: boolean;
}
const optionsSchema = z.strictObject({
  bus: z.custom<Bus>((bus) => typeof bus === 'object' && bus !== null, 'must be a bus').optional(),
  maxBytes: z.int().min(1).max(2 ** 26).default(2 ** 20),
  exclude: z.array(z.string()).default([]),
  settleMs: z.number().min(0).max(10_000).default(100),
  waitMs: z.number().min(0).max(600_000).default(30_000),
  allowEmpty: z.boolean().default(false),
}); // prettier-ignore

/** A match of the patterns that is not shared. */
export interface SkippedFile {
  readonly path: string;
  readonly why: string;
}
/** Makes the new text of a file from the present one. */
export type FileRecipe = (text: string) => string;
export interface FileCallOptions {
  /** Ends the call. A call that ends with the signal's reason has changed nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** How often a write starts again because another program has changed the file meanwhile. */
const TRIES = 5;
/** How long a writer waits for its turn on the bus before it relies on the file's lock alone, in ms. */
const TURN_MS = 2_000;

/** The folders that are shared on each bus. */
const shared = new WeakMap<Bus, Set<string>>();

/** Shares the text files under a folder that match. A file that appears later and matches is shared, too. What matches
 *  and is no plain text file (a folder, a link, a binary or too large file) is skipped and listed in `skipped`.
 *  @param globs patterns relative to `root`: `notes/*.md`. Links are not followed.
 *  @throws {FileRefusedError} when there is no such folder, when a pattern leads outside it, or when nothing matches.
 *  @throws {UsageError} when an option is unknown or out of its range.
 *  @example
 *  ```ts
 *  const files = await coherentFiles('.', ['docs/*.md']);
 *  const writer = files.agent('writer');
 *  await writer.write('docs/plan.md', (text) => `${text}- one more step\n`);
 *  await files.close();
 *  ``` */
export async function coherentFiles(
  root: string,
  globs: readonly string[],
  options: CoherentFilesOptions = {},
): Promise<CoherentFiles> {
  const checked = optionsSchema.safeParse(options);
  if (!checked.success)
    throw new UsageError(
      `coherentFiles: ${z.prettifyError(checked.error)}\nThe options are ${Object.keys(optionsSchema.shape).join(', ')}.`,
    );
  const { bus = createBus(), maxBytes, exclude, settleMs, waitMs, allowEmpty } = checked.data;
  const real = await realpath(root).catch((error: unknown) => {
    throw new FileRefusedError(root, 'there is no such folder.', error);
  });
  const patterns = new Patterns(real, globs, exclude);
  const files = new CoherentFiles(new SharedFolder(real, maxBytes, settleMs), patterns, bus, waitMs);
  try {
    await files.refresh();
    if (!allowEmpty && files.paths.length + files.skipped.length === 0)
      throw new FileRefusedError(
        root,
        `no file matches ${globs.join(', ')}; allowEmpty: true shares what will be created.`,
      );
    return files;
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** Which paths are shared. */
class Patterns {
  readonly #root: string;
  readonly #globs: readonly string[];
  readonly #exclude: readonly string[];

  constructor(root: string, globs: readonly string[], exclude: readonly string[]) {
    for (const pattern of [...globs, ...exclude])
      if (win32.isAbsolute(pattern) || pattern.split(/[/\\]/).includes('..'))
        throw new FileRefusedError(pattern, 'the pattern leads outside the root.');
    this.#root = root;
    this.#globs = globs.map((pattern) => posix.normalize(pattern));
    // A folder that is excluded is excluded with all that is in it.
    this.#exclude = exclude.map((pattern) => posix.normalize(pattern).replace(/(?<=.)(\/\*\*)?\/?$/, ''));
  }
  includes(path: string): boolean {
    return (
      !isTemporary(path) && !this.#excludes(path) && this.#globs.some((glob) => posix.matchesGlob(path, glob))
    );
  }
  /** What matches on the disk now. */
  async *found(): AsyncIterable<{ path: string; isFolder: boolean }> {
    const pathOf = (entry: { parentPath: string; name: string }) =>
      relative(this.#root, resolve(this.#root, entry.parentPath, entry.name))
        .split(sep)
        .join('/');
    const seen = new Set(['']);
    for (const pattern of this.#globs) {
      const matches = nodeFiles.glob(pattern, {
        cwd: this.#root,
        withFileTypes: true,
        exclude: (entry) => this.#excludes(pathOf(entry)),
      });
      for await (const entry of matches) {
        const path = pathOf(entry);
        if (seen.has(path) || isTemporary(path) || this.#excludes(path)) continue;
        seen.add(path);
        yield { path, isFolder: entry.isDirectory() };
      }
    }
  }
  #excludes(path: string): boolean {
    if (this.#exclude.length === 0) return false;
    const parts = path.split('/');
    const parents = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    return this.#exclude.some((pattern) => parents.some((parent) => posix.matchesGlob(parent, pattern)));
  }
  toString(): string {
    return this.#globs.join(', ');
  }
}

type Line = Record<'digest', string>;
const lineSchema = { digest: z.string() };
/** What is published of a text; '' stands for a file that is gone or has not been written yet. */
const digestOf = (text: string | undefined): string =>
  text === undefined ? '' : createHash('sha256').update(text).digest('hex');

export class CoherentFiles implements AsyncDisposable {
  readonly #folder: SharedFolder;
  readonly #patterns: Patterns;
  readonly #bus: Bus;
  readonly #waitMs: number;
  readonly #agents = new Map<string, FileAgent>();
  readonly #closing = new AbortController();
  readonly #calls = new Set<Promise<unknown>>();
  /** By path. Each file has a separate space, so that files that appear later get one, too. */
  readonly #lines = new Map<string, Coherence<Line>>();
  #paths = new Set<string>();
  #skipped: readonly SkippedFile[] = [];
  #busError: unknown;

  constructor(folder: SharedFolder, patterns: Patterns, bus: Bus, waitMs: number) {
    const roots = shared.get(bus) ?? new Set();
    if (roots.has(folder.root))
      throw new FileRefusedError(folder.root, 'is shared on this bus already; use that object.');
    shared.set(bus, roots.add(folder.root));
    this.#folder = folder;
    this.#patterns = patterns;
    this.#bus = bus;
    this.#waitMs = waitMs;
  }

  /** The shared files that are known, relative to the root, with forward slashes, sorted. */
  get paths(): readonly string[] {
    return [...this.#paths].sort();
  }
  /** What matched and is not shared, with the reason. */
  get skipped(): readonly SkippedFile[] {
    return this.#skipped;
  }
  /** Why writes no longer take turns on the bus, or undefined while they do. The files stay safe: each write still locks
   *  its file and compares it with the disk. */
  get busError(): unknown {
    return this.#busError;
  }

  /** The agent of this name; the same object for the same name.
   *  @throws {ClosedAgentError} after `close` */
  agent(name: string): FileAgent {
    if (typeof name !== 'string' || name === '') throw new UsageError('an agent needs a name.');
    this.#closing.signal.throwIfAborted();
    const known = this.#agents.get(name);
    if (known !== undefined) return known;
    const agent = new FileAgent(name, this, this.#folder);
    this.#agents.set(name, agent);
    return agent;
  }

  /** Looks for matching files again, and updates `paths` and `skipped`. */
  async refresh({ signal }: FileCallOptions = {}): Promise<void> {
    await this.call(signal, async (waiting) => {
      const paths = new Set<string>();
      const skipped: SkippedFile[] = [];
      for await (const { path, isFolder } of this.#patterns.found()) {
        const why = isFolder ? 'is a folder.' : await this.#whyNot(path, waiting);
        if (why === undefined) paths.add(path);
        else skipped.push({ path, why });
      }
      await this.#folder.sweepFor(paths);
      this.#paths = paths;
      this.#skipped = skipped;
    });
  }
  async #whyNot(path: string, waiting: LockWait): Promise<string | undefined> {
    try {
      await this.#folder.read(path, waiting);
      return undefined;
    } catch (error) {
      if (error instanceof FileBusyError) return undefined; // it can be read later
      if (!(error instanceof FileRefusedError)) throw error;
      return error.message.slice(path.length + 2);
    }
  }

  /** Waits for the calls that are writing, ends those that are waiting, and leaves the bus. */
  async close(): Promise<void> {
    this.#closing.abort(new ClosedAgentError('*', 'was closed: the files are no longer shared here.'));
    await Promise.allSettled(this.#calls);
    await this.#folder.sweepAll();
    await Promise.all([...this.#lines.values()].map((line) => line.close()));
    shared.get(this.#bus)?.delete(this.#folder.root);
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs one call, until it is done or a signal ends it while it waits.
   *  @internal */
  async call<T>(signal: AbortSignal | undefined, work: (waiting: LockWait) => Promise<T>): Promise<T> {
    using waiting = new LockWait(this.#waitMs, [this.#closing.signal, signal]);
    waiting.check();
    const running = work(waiting);
    this.#calls.add(running);
    try {
      return await running;
    } finally {
      this.#calls.delete(running);
    }
  }
  /** The path in the form in which it is shared.
   *  @throws {FileRefusedError} when it is not shared.
   *  @internal */
  checked(path: string): string {
    const normal = posix.normalize(path);
    if (path.includes('\0') || !this.#patterns.includes(normal))
      throw new FileRefusedError(path, `is not shared. Shared is what matches ${this.#patterns.toString()}.`);
    return normal;
  }
  /** Remembers that a file is there, or is gone.
   *  @internal */
  note(path: string, exists: boolean): void {
    if (exists) this.#paths.add(path);
    else this.#paths.delete(path);
  }
  /** Runs a write while its agent holds the file's key on the bus, and publishes the text that it returns.
   *  @internal */
  async turn(
    agent: string,
    path: string,
    waiting: LockWait,
    write: () => Promise<string | undefined>,
  ): Promise<void> {
    const hold = await this.#hold(agent, path, waiting);
    try {
      const text = await write();
      if (hold !== undefined) await this.#bounded(hold.write(digestOf(text)));
    } finally {
      await hold?.release();
    }
  }
  /** The turn of an agent on the bus; none when the bus fails, or gives no turn for long. */
  async #hold(agent: string, path: string, waiting: LockWait): Promise<Hold<string> | undefined> {
    if (this.#busError !== undefined) return undefined;
    const patience = AbortSignal.timeout(TURN_MS);
    using either = new LockWait(0, [waiting.signal, patience]);
    try {
      return await this.#line(path).agent(agent).hold('digest', { signal: either.signal });
    } catch (error) {
      waiting.check();
      if (!patience.aborted) this.#busError = error;
      return undefined;
    }
  }
  #line(path: string): Coherence<Line> {
    const known = this.#lines.get(path);
    if (known !== undefined) return known;
    // Every process begins with the same value, so that it does not matter which of them comes first.
    const scope = `files:${this.#folder.root}:${path}`;
    const line = coherence({ bus: this.#bus, scope, schema: lineSchema, initial: { digest: '' } });
    this.#lines.set(path, line);
    return line;
  }
  /** Waits for a publication. The text is on the disk, so the write is done even if the publication fails. */
  async #bounded(publication: Promise<unknown>): Promise<void> {
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = setTimeout(giveUp, TURN_MS);
    const published = publication.then(
      () => undefined,
      (error: unknown) => {
        if (!(error instanceof FencedError)) this.#busError ??= error;
      },
    );
    await Promise.race([published, late]);
    clearTimeout(timer);
  }
}

/** One agent's way to the shared files. Every call can be ended by its signal, and a call that fails has changed
 *  nothing. All of them throw {@link FileRefusedError} for a path that is not shared or is no plain text file,
 *  {@link FileBusyError} when another program uses the file for too long, and `ClosedAgentError` after `close`. */
export class FileAgent {
  readonly name: string;
  readonly #files: CoherentFiles;
  readonly #folder: SharedFolder;
  /** By path: the text that this agent has read last. */
  readonly #seen = new Map<string, string>();

  constructor(name: string, files: CoherentFiles, folder: SharedFolder) {
    this.name = name;
    this.#files = files;
    this.#folder = folder;
  }

  /** The file's text, as it is on the disk now: a whole text, old or new, also while other programs write. */
  async read(path: string, { signal }: FileCallOptions = {}): Promise<string> {
    const checked = this.#files.checked(path);
    return this.#files.call(signal, async (waiting) => {
      const text = await this.#folder.read(checked, waiting);
      this.#files.note(checked, true);
      this.#seen.set(checked, text);
      return text;
    });
  }

  /** Writes the file. A function gets the present text, including changes by others; it may run again when the file has
   *  changed meanwhile. A whole text is written only if the file still holds what this agent has read last; after a write,
   *  read again or use `compareAndSet` with the text that the write returned.
   *  @returns the text that is in the file then.
   *  @throws {FileConflictError} when the file has changed, or has not been read.
   *  @throws {RecipeError} when the function throws. */
  async write(path: string, change: string | FileRecipe, { signal }: FileCallOptions = {}): Promise<string> {
    const checked = this.#files.checked(path);
    if (typeof change === 'function')
      return this.#replace(checked, signal, (present) => compute(checked, change, present));
    const seen = this.#seen.get(checked);
    return this.#replace(checked, signal, (present) => {
      if (seen === undefined) throw new FileConflictError(checked, 'unread', undefined, present);
      if (seen !== present) throw new FileConflictError(checked, 'changed', seen, present);
      return whole(checked, change);
    });
  }

  /** Writes a whole text, if the file's text is `expected`.
   *  @returns the text that is in the file then.
   *  @throws {FileConflictError} when it is not. */
  async compareAndSet(
    path: string,
    expected: string,
    text: string,
    { signal }: FileCallOptions = {},
  ): Promise<string> {
    const checked = this.#files.checked(path);
    return this.#replace(checked, signal, (present) => {
      if (expected !== present) throw new FileConflictError(checked, 'changed', expected, present);
      return whole(checked, text);
    });
  }

  /** Creates a file with this text, and the folders it is in.
   *  @throws {FileConflictError} when there is a file of that name; it is not changed. */
  async create(path: string, text: string, { signal }: FileCallOptions = {}): Promise<void> {
    const checked = this.#files.checked(path);
    await this.#files.call(signal, (waiting) =>
      this.#files.turn(this.name, checked, waiting, async () => {
        if (!(await this.#folder.create(checked, whole(checked, text), waiting)))
          throw new FileConflictError(checked, 'exists');
        this.#files.note(checked, true);
        return text;
      }),
    );
  }

  /** Deletes a file that still says what this agent has read last.
   *  @throws {FileConflictError} when the file has changed, or has not been read. */
  async delete(path: string, { signal }: FileCallOptions = {}): Promise<void> {
    const checked = this.#files.checked(path);
    const seen = this.#seen.get(checked);
    await this.#locked(checked, signal, async (file, waiting) => {
      const bytes = await this.#folder.settled(file, waiting);
      const present = decodeText(checked, bytes);
      if (seen !== present)
        throw new FileConflictError(checked, seen === undefined ? 'unread' : 'changed', seen, present);
      if (!(await this.#folder.remove(file, bytes, waiting))) return false;
      this.#files.note(checked, false);
      this.#seen.delete(checked);
      return { text: undefined };
    });
  }

  /** Gives a file another path, which has to be shared as well. Its text is not changed.
   *  @throws {FileConflictError} when there is a file at the new path; neither file is changed. */
  async rename(path: string, to: string, { signal }: FileCallOptions = {}): Promise<void> {
    const [from, target] = [this.#files.checked(path), this.#files.checked(to)];
    await this.#locked(from, signal, async (file, waiting) => {
      await this.#folder.settled(file, waiting);
      const outcome = await this.#folder.move(file, target, waiting);
      if (outcome === 'exists') throw new FileConflictError(target, 'exists');
      if (outcome === 'changed') return false;
      this.#files.note(from, false);
      this.#files.note(target, true);
      const seen = this.#seen.get(from);
      this.#seen.delete(from);
      if (seen !== undefined) this.#seen.set(target, seen);
      return { text: undefined };
    });
  }

  async #replace(
    path: string,
    signal: AbortSignal | undefined,
    change: (present: string) => string,
  ): Promise<string> {
    let written = '';
    await this.#locked(path, signal, async (file, waiting) => {
      const bytes = await this.#folder.settled(file, waiting);
      written = change(decodeText(path, bytes));
      if (!(await this.#folder.replace(file, bytes, written, waiting))) return false;
      this.#files.note(path, true);
      return { text: written };
    });
    return written;
  }
  /** Locks a file and tries to change it, again when another program has changed it meanwhile.
   *  @param attempt returns the text that is there now, or false to start again. */
  async #locked(
    path: string,
    signal: AbortSignal | undefined,
    attempt: (file: LockedFile, waiting: LockWait) => Promise<{ text: string | undefined } | false>,
  ): Promise<void> {
    await this.#files.call(signal, (waiting) =>
      this.#files.turn(this.name, path, waiting, async () => {
        for (let tries = 1; tries <= TRIES; tries++) {
          await using file = await this.#folder.lock(path, waiting);
          const done = await attempt(file, waiting);
          if (done !== false) return done.text;
        }
        const present = await this.#folder.read(path, waiting);
        throw new FileConflictError(path, 'changed', this.#seen.get(path), present);
      }),
    );
  }
}

function compute(path: string, change: FileRecipe, present: string): string {
  let next: unknown;
  try {
    next = change(present);
  } catch (error) {
    throw new RecipeError(path, `threw: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (next instanceof Promise) next.catch(() => undefined);
  if (typeof next !== 'string') throw new FileRefusedError(path, 'the function returned no text.');
  return next;
}
function whole(path: string, text: unknown): string {
  if (typeof text !== 'string') throw new FileRefusedError(path, 'a text must be a string.');
  return text;
}
