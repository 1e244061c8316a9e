/** What has to hold in every world, and in every step from one to the next (Definition 6: what is guaranteed). */
import type { Cell } from '../../actors/coherence/cell.ts';
import type { Result } from '../../actors/coherence/entry.ts';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import { agentName, keyName, OFF, writesOf, type SessionWrite, type QueuedEntry } from './world.ts';

/** The rules that a violation may break. */
export type MemoryRule =
  | 'table' //         no line receives an event that its table calls impossible
  | 'single writer' // one writer, or any number of readers
  | 'data value' //    a read returns the last write of the applied prefix
  | 'versions' //      versions and epochs only grow
  | 'lost update' //   a write replaces the version from which it was computed
  | 'order of holds' // first come, first served; a hold ends by its owner, or by a reclaim that names it
  | 'invalidation' //  a request invalidates others, never its sender
  | 'directory' //     memory lists every agent that has a copy, and no agent waits for a free key
  | 'read set' //      a publish is accepted only if nothing that it read has changed
  | 'silence'; //      lines send nothing more when no agent sends a request

export class Problem {
  readonly rule: MemoryRule;
  readonly what: string;
  constructor(rule: MemoryRule, what: string) {
    this.rule = rule;
    this.what = what;
  }
}

/** One line, as far as the rules read it. */
export interface ObservedLine {
  readonly state: string;
  readonly readable: boolean;
  /** Its copy and its epoch are current. */
  readonly fresh: boolean;
  readonly mine: boolean;
  /** Its agent has crashed: no agent reads there. */
  readonly dead: boolean;
}

/** Sorin, Hill & Wood, 2.3: single writer or many readers, and the data-value invariant; of one key. */
export function wrongNow(
  cell: Cell,
  lines: readonly ObservedLine[],
  readers: ReaderPolicy,
): Problem | undefined {
  const key = keyName(cell.index);
  let owners = 0;
  for (let i = 0; i < lines.length; i++) {
    const { state, readable, fresh, dead } = lines[i] as ObservedLine;
    if (dead || !(readable || state === 'M' || state === 'E')) continue;
    const name = agentName(i);
    if (readable && !fresh) return new Problem('data value', `${name} reads a stale copy of ${key}`);
    if (readable && state !== 'MP' && !cell.sharers.has(name))
      return new Problem('directory', `${name} has a copy of ${key}, and memory does not list it`);
    if (state !== 'M' && state !== 'E') continue;
    if (++owners > 1) return new Problem('single writer', `${key} has two owners`);
    const wrong = wrongOwner(cell, lines, i, readers);
    if (wrong !== undefined) return wrong;
  }
  if (!cell.held && cell.queue.length + cell.readers.length > 0)
    return new Problem('directory', `${key} is free, and an agent waits for it`);
  for (const list of [cell.queue, cell.readers])
    if (list.length > 1 && new Set(list).size < list.length)
      return new Problem('directory', `an agent waits twice for ${key}`);
  return undefined;
}

/** One line in M or E: memory agrees, and no other agent reads where none may. */
function wrongOwner(
  cell: Cell,
  lines: readonly ObservedLine[],
  i: number,
  readers: ReaderPolicy,
): Problem | undefined {
  const { state, mine } = lines[i] as ObservedLine;
  const [name, key] = [agentName(i), keyName(cell.index)];
  if (state === 'M' && (cell.owner !== name || !cell.held || !mine))
    return new Problem('single writer', `${name} is M without a hold of ${key}`);
  if (state === 'E' && (cell.owner !== name || cell.held))
    return new Problem('single writer', `${name} is E and does not own ${key}`);
  if (state === 'M' && readers === 'committed') return undefined; // readers go on with what is committed
  for (let j = 0; j < lines.length; j++) {
    const other = lines[j] as ObservedLine;
    if (j !== i && !other.dead && other.readable && other.state !== 'MP')
      return new Problem('single writer', `${name} owns ${key}, and ${agentName(j)} reads it`);
  }
  return undefined;
}

/** What memory was, before an entry. Its version and epoch were 1, which stands for the current ones. */
export interface MemoryBefore {
  readonly owner: string | undefined;
  readonly held: boolean;
  readonly queue: readonly string[];
}
/** The entry that was applied: a line's word, or a session's publish. */
export interface Applied {
  readonly agent: string;
  readonly word: QueuedEntry | undefined;
  readonly session: SessionWrite | undefined;
  readonly result: Result;
}

/** What one entry may do to memory; of one key. */
export function wrongStep(before: MemoryBefore, cell: Cell, applied: Applied): Problem | undefined {
  const { agent, word } = applied;
  const key = keyName(cell.index);
  if (cell.version < 1 || cell.epoch < 1)
    return new Problem('versions', `the version or the epoch of ${key} fell`);
  if (cell.version > 2) return new Problem('versions', `one entry made two versions of ${key}`);
  const wrong = (cell.version === 2 && wrongWrite(before, cell, applied)) || wrongPublish(cell, applied);
  if (wrong) return wrong;
  const ended = before.held && !(cell.held && cell.owner === before.owner && cell.epoch === 1);
  if (ended && agent !== before.owner && !(word?.op === 'reclaim' && word.epoch === 1))
    return new Problem('order of holds', `${before.owner} loses ${key} to an agent that may not take it`);
  return wrongQueue(before, cell, applied);
}

/** A new version replaces the version that its writer has seen, and its writer may write. */
function wrongWrite(
  before: MemoryBefore,
  cell: Cell,
  { agent, word, session }: Applied,
): Problem | undefined {
  const key = keyName(cell.index);
  const based = word?.key === cell.index ? word.version : (session?.seen[cell.index] ?? 0);
  if (based !== 1)
    return new Problem('lost update', `${agent} buries a version of ${key} that it has not seen`);
  if (before.held && before.owner !== agent)
    return new Problem('order of holds', `${agent} writes ${key} while ${before.owner} holds it`);
  if (word !== undefined && (word.epoch !== 1 || before.owner !== agent))
    return new Problem('order of holds', `${agent} writes ${key} by a right that is gone`);
  return undefined;
}

/** An accepted publish has read what is current, and writes all or nothing. */
function wrongPublish(cell: Cell, { agent, session, result }: Applied): Problem | undefined {
  const key = keyName(cell.index);
  if (session !== undefined && session.form !== 'cas' && result.outcome === 'accepted') {
    if (session.seen[cell.index] !== 1)
      return new Problem('read set', `${agent} publishes what it computed from an old ${key}`);
    if (writesOf(session).includes(cell.index) && cell.version !== 2)
      return new Problem('read set', `${agent} publishes, and ${key} is not written: not all or nothing`);
  }
  return undefined;
}

/** The queue loses its head to a grant, or an agent that gives up, and gains at its end. */
function wrongQueue(before: MemoryBefore, cell: Cell, { agent, word }: Applied): Problem | undefined {
  const asks = word?.key === cell.index ? word.op : undefined;
  const granted = cell.held && cell.epoch > 1 ? cell.owner : undefined;
  let expected = before.queue;
  if (asks === 'release' && cell.queue.length < expected.length)
    expected = expected.filter((name) => name !== agent || granted !== undefined);
  if (granted !== undefined && granted !== expected[0]) {
    const free = expected.length === 0 && (!before.held || before.owner === agent);
    if (asks !== 'getm' || granted !== agent || !free)
      return new Problem('order of holds', `${granted} is granted ${keyName(cell.index)} before its turn`);
  } else if (granted !== undefined) expected = expected.slice(1);
  else if (asks === 'getm') expected = [...expected, agent];
  const same = expected.length === cell.queue.length && expected.every((name, i) => cell.queue[i] === name);
  return same
    ? undefined
    : new Problem('order of holds', `those who wait for ${keyName(cell.index)} changed places`);
}

/** Two are on call, and each signs off only if it sees that the other stays (Berenson et al. 1995, A5B). */
export const writeSkew = (cells: readonly Cell[]): Problem | undefined =>
  cells.length === 2 && cells.every(({ value }) => value === OFF)
    ? new Problem('read set', 'write skew: both have signed off')
    : undefined;
