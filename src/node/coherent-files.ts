/** Plain files that agents share, with the guarantee of coherent keys: no edit is buried by a stale one.
 *
 *  Among the agents of this process a file is a key of a shared space, and whoever writes holds it. Everybody else (an
 *  editor, a formatter, another process) is seen by content: what is on the disk is compared right before a new file is
 *  moved into its place. See docs/decisions/0016. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import * as files from 'node:fs/promises'; // older ones lack `glob`, and naming it hides the error about the version
import { lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, posix, resolve, sep } from 'node:path';
import { z } from 'zod';
import type { Bus } from '../../actors/bus.ts';
import { createBus } from '../../actors/in-process-bus.ts';
import type { SharedAgent } from '../coherence/agent.ts';
import { coherence, type Coherence } from '../coherence/coherence.ts';
import { abortable } from '../coherence/abort.ts';
import { CoherenceError, RecipeError } from '../coherence/errors.ts';

/** Somebody else has changed the file since it was read. Nothing was written. */
export class FileConflictError extends CoherenceError {
  override name = 'FileConflictError';
  readonly path: string;
  /** The text that the writer had seen; undefined when it had read none. */
  readonly expected: string | undefined;
  /** The text that is there. */
  readonly actual: string;
  constructor(path: string, expected: string | undefined, actual: string) {
    const why = expected === undefined ? 'has not been read by this agent' : 'has changed since it was read';
    super(`${path} ${why}; read it again and write from that, or write with a function of its text.`);
    this.path = path;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A file that cannot be shared, or a text that cannot be written. Nothing was changed. */
export class FileRefusedError extends CoherenceError {
  override name = 'FileRefusedError';
  readonly path: string;
  constructor(path: string, why: string) {
    super(`${path}: ${why}`);
    this.path = path;
  }
}

export interface CoherentFilesOptions {
  /** The bus of the shared space. Default: one of its own. */
  readonly bus?: Bus;
  /** The largest file, in bytes: 1 … 64 MiB. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** Makes the new text of a file from the present one. */
export type FileRecipe = (text: string) => string;
type Space = Record<string, string>;

/** How often a foreign edit may come in between before a write gives up. */
const TRIES = 5;

/** Shares the files under a folder that match.
 *  @param globs patterns relative to `root`: `notes/*.md`. Links are not followed.
 *  @throws {FileRefusedError} when nothing matches, or a match cannot be shared.
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
  { bus = createBus(), maxBytes = 2 ** 20 }: CoherentFilesOptions = {},
): Promise<CoherentFiles> {
  if (!(Number.isInteger(maxBytes) && maxBytes >= 1 && maxBytes <= 2 ** 26))
    throw new FileRefusedError(root, `maxBytes is a whole number from 1 to ${2 ** 26}, not ${maxBytes}.`);
  const disk = new Disk(
    await realpath(root).catch(() => {
      throw new FileRefusedError(root, 'there is no such folder.');
    }),
    maxBytes,
  );
  const initial: Space = {};
  for (const pattern of globs) {
    if (posix.isAbsolute(pattern) || pattern.split(/[/\\]/).includes('..'))
      throw new FileRefusedError(pattern, 'the pattern leads outside the root.');
    for await (const found of files.glob(pattern, { cwd: disk.root })) {
      const path = found.split(sep).join('/');
      if (!(await disk.isFolder(path))) initial[path] = await disk.read(path);
    }
  }
  if (Object.keys(initial).length === 0)
    throw new FileRefusedError(root, `no file matches ${globs.join(', ')}.`);
  return new CoherentFiles(disk, bus, initial);
}

export class CoherentFiles {
  /** What is shared, relative to the root, with forward slashes. */
  readonly paths: readonly string[];
  readonly #space: Coherence<Space>;
  readonly #disk: Disk;
  readonly #agents = new Map<string, FileAgent>();

  constructor(disk: Disk, bus: Bus, initial: Space) {
    this.#disk = disk;
    this.paths = Object.keys(initial).sort();
    const schema = Object.fromEntries(this.paths.map((path) => [path, z.string()]));
    this.#space = coherence({ bus, schema, initial, scope: `files:${disk.root}` });
  }
  /** The agent of this name; the same object for the same name. */
  agent(name: string): FileAgent {
    const shared = this.#space.agent(name); // throws when all is closed
    const known = this.#agents.get(name);
    if (known !== undefined) return known;
    const agent = new FileAgent(shared, this.#disk, this.paths);
    this.#agents.set(name, agent);
    return agent;
  }
  async close(): Promise<void> {
    await this.#space.close();
  }
}

export class FileAgent {
  readonly #agent: SharedAgent<Space>;
  readonly #disk: Disk;
  readonly #paths: ReadonlySet<string>;
  /** By file: the text that this agent has seen last. */
  readonly #seen = new Map<string, string>();
  readonly #turns = new Map<string, Promise<void>>();

  constructor(agent: SharedAgent<Space>, disk: Disk, paths: readonly string[]) {
    this.#agent = agent;
    this.#disk = disk;
    this.#paths = new Set(paths);
  }

  /** The file's text, as it is on the disk now.
   *  @throws {FileRefusedError} when it is not shared, gone, or no longer a plain text file. */
  read(path: string, options: { signal?: AbortSignal } = {}): Promise<string> {
    return this.#inTurn(path, () => this.#read(path, options), options.signal);
  }
  async #read(path: string, options: { signal?: AbortSignal }): Promise<string> {
    this.#check(path);
    const shared = await this.#agent.read(path, options);
    const text = await this.#disk.read(path);
    if (text !== shared) await this.#adopt(path, options);
    this.#seen.set(path, text);
    return text;
  }

  /** Writes the file, and returns the text that is there then. A function gets the present text, whoever wrote it; a
   *  whole text replaces only what this agent has seen.
   *  @throws {FileConflictError} when somebody else has changed the file: nothing is written. */
  write(path: string, change: string | FileRecipe, options: { signal?: AbortSignal } = {}): Promise<string> {
    return this.#inTurn(path, () => this.#write(path, change, options), options.signal);
  }
  async #write(
    path: string,
    change: string | FileRecipe,
    options: { signal?: AbortSignal },
  ): Promise<string> {
    this.#check(path);
    await using hold = await this.#agent.hold(path, options);
    for (let tries = 1; ; tries++) {
      const present = await this.#disk.read(path);
      const seen = this.#seen.get(path);
      if (typeof change === 'string' && seen !== present) throw new FileConflictError(path, seen, present);
      const next = typeof change === 'string' ? change : compute(path, change, present);
      const mine = () => {
        options.signal?.throwIfAborted();
        if (hold.fenced) throw new FileConflictError(path, seen, present); // the lease ran out meanwhile
      };
      if (await this.#disk.replace(path, present, next, mine)) {
        this.#seen.set(path, next);
        await hold.write(next);
        return next;
      }
      if (tries >= TRIES) throw new FileConflictError(path, present, await this.#disk.read(path));
    }
  }

  /** Writes if the file's text is `expected`.
   *  @throws {FileConflictError} when it is not. */
  async compareAndSet(path: string, expected: string, text: string): Promise<string> {
    return this.#inTurn(path, () => {
      this.#check(path);
      const before = this.#seen.get(path);
      this.#seen.set(path, expected);
      return this.#write(path, text, {}).catch((error: unknown) => {
        if (before === undefined) this.#seen.delete(path);
        else this.#seen.set(path, before);
        throw error;
      });
    });
  }

  /** One thing at a time with each file, as an agent's key has it. */
  #inTurn<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const mine = (this.#turns.get(path) ?? Promise.resolve()).then(work);
    this.#turns.set(path, mine.then(nothing, nothing));
    return abortable(mine, signal);
  }
  /** A foreign edit becomes what everybody shares. */
  async #adopt(path: string, options: { signal?: AbortSignal }): Promise<void> {
    await using hold = await this.#agent.hold(path, options);
    const text = await this.#disk.read(path);
    if (hold.value !== text) await hold.write(text);
  }
  #check(path: string): void {
    if (!this.#paths.has(path))
      throw new FileRefusedError(
        path,
        `is not shared. Shared are: ${[...this.#paths].slice(0, 12).join(', ')}.`,
      );
  }
}

const nothing = (): void => undefined;
function compute(path: string, change: FileRecipe, present: string): string {
  let next: unknown;
  try {
    next = change(present);
  } catch (error) {
    throw new RecipeError(path, `threw: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (next instanceof Promise) next.catch(nothing);
  if (typeof next !== 'string') throw new FileRefusedError(path, 'the function returned no text.');
  return next;
}

/** Who compares and moves at this moment, by file: whatever space of this process it belongs to. */
const moving = new Map<string, Promise<void>>();

/** The folder. Every look goes through here, and checks anew that nothing leads outside. */
class Disk {
  readonly root: string;
  readonly #maxBytes: number;

  constructor(root: string, maxBytes: number) {
    this.root = root;
    this.#maxBytes = maxBytes;
  }

  async isFolder(path: string): Promise<boolean> {
    return (await lstat(join(this.root, path))).isDirectory();
  }

  async read(path: string): Promise<string> {
    const full = await this.#place(path);
    // O_NOFOLLOW: a link that was put there since the check is refused by the system itself.
    const file = await open(full, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
      throw new FileRefusedError(path, whyNot(error));
    });
    try {
      const { size } = await file.stat();
      if (size > this.#maxBytes) throw this.#tooBig(path, size);
      return textOf(path, await file.readFile());
    } finally {
      await file.close();
    }
  }

  /** Moves a new file into the place of the present one, if that still says what it said.
   *  @param mine throws when the writer may no longer write.
   *  @returns whether it did. */
  async replace(path: string, present: string, next: string, mine: () => void): Promise<boolean> {
    const bytes = Buffer.from(next, 'utf8');
    if (bytes.length > this.#maxBytes) throw this.#tooBig(path, bytes.length);
    if (textOf(path, bytes) !== next) throw new FileRefusedError(path, 'that text has no UTF-8.');
    const full = await this.#place(path);
    const { mode } = await lstat(full);
    const temporary = join(dirname(full), `.${randomUUID()}.tmp`);
    try {
      const file = await open(temporary, 'wx', mode);
      try {
        await file.writeFile(bytes);
        await file.chmod(mode);
        await file.sync();
      } finally {
        await file.close();
      }
      const turn = (moving.get(full) ?? Promise.resolve()).then(async () => {
        if ((await this.read(path)) !== present) return false;
        mine();
        await rename(temporary, full);
        return true;
      });
      moving.set(full, turn.then(nothing, nothing)); // within this process only; between processes it takes a lock file
      return await turn;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Where a path leads, if it leads to a plain file inside and through no link. */
  async #place(path: string): Promise<string> {
    const full = resolve(this.root, path);
    if (!full.startsWith(this.root + sep)) throw new FileRefusedError(path, 'is outside the root.');
    const folder = await realpath(dirname(full)).catch((error: unknown) => {
      throw new FileRefusedError(path, whyNot(error));
    });
    if (folder !== dirname(full))
      throw new FileRefusedError(path, 'is behind a link; links are not followed.');
    const found = await lstat(full).catch((error: unknown) => {
      throw new FileRefusedError(path, whyNot(error));
    });
    if (found.isSymbolicLink()) throw new FileRefusedError(path, 'is a link; links are not followed.');
    if (!found.isFile()) throw new FileRefusedError(path, 'is not a plain file.');
    return full;
  }
  #tooBig(path: string, bytes: number): FileRefusedError {
    return new FileRefusedError(path, `has ${bytes} bytes, more than ${this.#maxBytes}; raise maxBytes.`);
  }
}

function textOf(path: string, bytes: Buffer): string {
  if (bytes.includes(0)) throw new FileRefusedError(path, 'is binary; only text can be shared.');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FileRefusedError(path, 'is not UTF-8; only text can be shared.');
  }
}

function whyNot(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'is gone; somebody has deleted or moved it.';
  if (code === 'ELOOP') return 'is a link; links are not followed.';
  return `cannot be read: ${message}`;
}
