/** A world: the lines of some agents for one or two keys, the words that are sent and not yet ordered, and memory.
 *
 *  Versions and epochs are kept only as far as they matter: current, or not, since they are never compared in any other
 *  way. A world is packed into a string of a few characters. The protocol does not depend on the agents' names, so
 *  worlds that differ only in the names are one: everything that concerns an agent stands together, and the agents are
 *  sorted; the same with the two keys.
 *
 *  A bus that delivers late to some agents needs no separate world: a line that lags acts, in terms of the log, earlier
 *  than its words are ordered, and so does a line here whose words wait. The time at which it acted cannot be observed. */

/** The words that a line may send, in the order of their numbers; that of the manager; and the publish of a session. */
export const OPS = ['gets', 'getm', 'put', 'release', 'evict', 'reclaim', 'session'] as const;
export type Op = (typeof OPS)[number];

/** An entry on its way to the bus. */
export interface QueuedEntry {
  readonly op: Op;
  readonly key: number;
  /** What a PUT replaces, and by which right; what a RECLAIM is about. */
  readonly version: number;
  readonly epoch: number;
  /** It was ordered once already, and its sender has not learned of it. */
  readonly again: boolean;
}

/** A write that does not go by a line: computed from what was current once, and published later. An agent has at most
 *  one. On a queued bus its place among the agent's words is kept there. */
export interface SessionWrite {
  /** Compare-and-set of one key; one publish of both; or, of two who are on call, one signs off, having seen that the
   *  other stays. If both may, only the written keys were validated: write skew. */
  readonly form: 'cas' | 'both' | 'off';
  readonly key: number;
  /** By key: the version that it has seen. */
  readonly seen: readonly number[];
}
const FORMS = ['cas', 'both', 'off'] as const;

/** Which keys a session writes. */
export const writesOf = ({ form, key }: SessionWrite): readonly number[] =>
  form === 'both' ? [0, 1] : [key];

/** What happens next: an agent's event, a session's beginning and its publishing, the manager's reclaim, the bus taking
 *  an agent's oldest word, or the end of an agent. */
export interface WorldStep {
  readonly by: number;
  readonly event:
    | 'LOAD'
    | 'STORE'
    | 'HOLD'
    | 'RELEASE'
    | 'EVICT'
    | 'CAS'
    | 'BOTH'
    | 'OFF'
    | 'SAY'
    | 'RECLAIM'
    | 'APPEND'
    | 'REPEAT' //  the bus takes a word, and its sender does not learn of it
    | 'CRASH' //   an agent ends; what it sent arrives
    | 'VANISH'; // an agent ends, and what it sent is lost
  readonly key: number;
  /** The agent that does not receive what the bus takes. Undefined, except for a seeded fault. */
  readonly unheardBy?: number;
}

/** 0 … 7; the last is the manager's, where there are seven agents. */
const NAMES = Array.from({ length: 8 }, (_, index) => `a${index}`);
export const agentName = (index: number): string => NAMES[index] as string;
const KEYS = ['x', 'y'];
export const keyName = (key: number): string => KEYS[key] as string;
/** Memory's values: whether an agent is on call. */
export const [ON, OFF] = [0, 1];

// ── one agent and one key: state 3 bits, copy, fresh, mine, owner, sharer, place among the writers and readers that wait
export const PART = {
  copy: 8,
  fresh: 16,
  mine: 32,
  owner: 64,
  sharer: 128,
  queue: 256,
  readers: 2048,
} as const;
export const MOST_AGENTS = 7;

/** Lists of words by number, so that each is one character of a packed world. */
export class Lanes {
  readonly #codes = new Map<number, number>();
  readonly #lists: (readonly QueuedEntry[])[] = [];
  readonly #swapped: number[] = [];

  constructor() {
    this.#intern(0, []);
  }
  /** @param version and epoch that are current, by key. */
  encode(words: readonly QueuedEntry[], version: readonly number[], epoch: readonly number[]): number {
    let code = 0;
    for (let i = words.length - 1; i >= 0; i--) {
      const { op, key, version: seen, epoch: since, again } = words[i] as QueuedEntry;
      const fresh = op === 'put' && seen === version[key] ? 16 : 0;
      const mine = (op === 'put' || op === 'reclaim') && since === epoch[key] ? 32 : 0;
      code = code * 128 + (OPS.indexOf(op) + 1 + (key << 3) + fresh + mine + (again ? 64 : 0));
    }
    if (code > Number.MAX_SAFE_INTEGER) throw new RangeError(`${words.length} words wait, more than 7`);
    return this.#codes.get(code) ?? this.#intern(code, unpack(code));
  }
  decode(id: number): readonly QueuedEntry[] {
    return this.#lists[id] as readonly QueuedEntry[];
  }
  /** The same words with the two keys exchanged. */
  swapped(id: number): number {
    const ones = [1, 1]; // decoded words have 1 for what is current
    return (this.#swapped[id] ??= this.encode(
      this.decode(id).map((word) => ({ ...word, key: word.op === 'session' ? 0 : 1 - word.key })),
      ones,
      ones,
    ));
  }
  #intern(code: number, words: readonly QueuedEntry[]): number {
    const id = this.#lists.push(Object.freeze(words)) - 1;
    if (id > 0xffff) throw new RangeError('more than 65,536 different outboxes; bound the events.');
    this.#codes.set(code, id);
    return id;
  }
}

function unpack(code: number): QueuedEntry[] {
  const words: QueuedEntry[] = [];
  for (let rest = code; rest > 0; rest = Math.floor(rest / 128)) {
    const word = rest % 128;
    words.push({
      op: OPS[(word & 7) - 1] as Op,
      key: (word >> 3) & 1,
      version: (word >> 4) & 1,
      epoch: (word >> 5) & 1,
      again: (word & 64) !== 0,
    });
  }
  return words;
}

/** A session in 5 bits, and in a sixth that its agent is dead. */
export const DEAD = 32;
export function encodeSession(session: SessionWrite | undefined, version: readonly number[]): number {
  if (session === undefined) return 0;
  const { form, key, seen } = session;
  const fresh = (k: number) => (k < version.length && seen[k] === version[k] ? 8 << k : 0);
  return FORMS.indexOf(form) + 1 + (key << 2) + fresh(0) + fresh(1);
}
const SESSIONS: readonly (SessionWrite | undefined)[] = Array.from({ length: 32 }, (_, code) =>
  (code & 3) === 0
    ? undefined
    : { form: FORMS[(code & 3) - 1]!, key: (code >> 2) & 1, seen: [(code >> 3) & 1, (code >> 4) & 1] },
);
export const decodeSession = (code: number): SessionWrite | undefined => SESSIONS[code & 31];
export const swapSession = (code: number): number =>
  (code & 3) === 0
    ? code
    : (code & (3 | DEAD)) |
      ((code & 3) === 2 ? code & 4 : ~code & 4) |
      ((code & 8) << 1) |
      ((code & 16) >> 1);
