/** What a line does, read from its machine's table, and the words that it sends. An unknown guard or action is refused,
 *  so that only what the table contains is proved of a machine. */
import type { AnyStateMachine } from 'xstate';
import { tableCells } from '../../harness/cells.ts';

/** Words that an agent may have sent and the bus has not ordered yet. A CAS is its own word; it does not pass the line. */
export const WORDS = ['gets', 'getm', 'put', 'release', 'evict', 'cas'] as const;
export type SentWord = (typeof WORDS)[number];
/** Words of one agent under way at a time. More is a fault, which the proof has to exclude like any other. */
export const PLACES = 4;

/** What else is known of an agent. */
export const FLAGS = [
  'copy', //    MP: the copy that the write would replace is still good (the machine's context)
  'fresh', //   its copy's version is the current one
  'mine', //    the epoch of its line is the current one
  'base', //    its PUT under way replaces the current version
  'token', //   its PUT under way bears the current epoch
  'owner',
  'queue', //   waits for ownership
  'readers', // waits for a copy until a hold ends
  'sharers',
] as const;
export type Flag = (typeof FLAGS)[number];

/** One transition of the table. */
export interface LineTransition {
  readonly state: string;
  readonly target: string;
  /** Guards that have to hold, and those of the transitions before it, which may not. */
  readonly when: readonly Guard[];
  readonly unless: readonly Guard[];
  readonly actions: readonly string[];
}
const GUARDS = ['copy', 'committed'] as const;
export type Guard = (typeof GUARDS)[number];

export interface LineRules {
  readonly initial: string;
  readonly states: readonly string[];
  readonly of: (event: string) => readonly LineTransition[];
}

/** Actions that send a word. */
export const SAYS: Readonly<Record<string, SentWord>> = {
  requestShared: 'gets',
  requestModified: 'getm',
  put: 'put',
  release: 'release',
  evict: 'evict',
};
/** Actions that set flags. `fill`, `done`, `granted`: the copy is memory's, and the epoch of its ownership is recorded. */
export const SETS: Readonly<Record<string, Partial<Record<Flag, boolean>>>> = {
  keep: { copy: true },
  spoil: { copy: false },
  fill: { fresh: true, mine: true },
  done: { fresh: true, mine: true },
  granted: { mine: true },
};
/** Actions of which the second changes what the first looks at: never in one transition. */
const UNORDERED = [
  ['put', 'fill'],
  ['put', 'done'],
  ['put', 'granted'],
  ['keep', 'spoil'],
] as const;
/** Actions that notify the agent. */
const TELLS = new Set(['hit', 'stall', 'drop', 'lost', 'impossible']);

/** Reads a machine's table.
 *  @throws when it has an unknown guard, action or target. */
export function lineRules(machine: AnyStateMachine): LineRules {
  const states = Object.keys(machine.states);
  const byEvent = new Map<string, LineTransition[]>();
  for (const { state, event, transitions } of tableCells(machine)) {
    const unless: Guard[] = [];
    for (const { guard, target = state, actions } of transitions) {
      const where = `prove: ${state} ${event} of '${machine.id}'`;
      if (guard !== undefined && !GUARDS.includes(guard as Guard))
        throw new TypeError(
          `${where} has the guard '${guard}'; only ${GUARDS.join(' and ')} are understood.`,
        );
      if (!states.includes(target)) throw new TypeError(`${where} leads to '${target}', which is no state.`);
      for (const action of actions)
        if (!(action in SAYS) && !(action in SETS) && !TELLS.has(action))
          throw new TypeError(`${where} has the action '${action}', of which nothing is known.`);
      if (actions.filter((action) => action in SAYS).length > 1)
        throw new TypeError(`${where} sends two words at once; only one is supported.`);
      for (const [one, other] of UNORDERED)
        if (actions.includes(one) && actions.includes(other))
          throw new TypeError(`${where} has both '${one}' and '${other}', whose order would matter.`);
      const when = guard === undefined ? [] : [guard as Guard];
      const rule = { state, target, when, unless: [...unless], actions };
      byEvent.set(event, [...(byEvent.get(event) ?? []), rule]);
      if (guard === undefined) break;
      unless.push(guard as Guard);
    }
  }
  const initial = machine.config.initial as string;
  return { initial, states, of: (event) => byEvent.get(event) ?? [] };
}
