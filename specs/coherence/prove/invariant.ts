/** What holds of every two agents of a key, in every state that can be reached: what is promised (one writer or any
 *  number of readers, and no reader has a stale copy), and what else has to hold so that every step keeps the promise.
 *
 *  The rest was found by counter-examples to induction: without any one of them some step leads from what is allowed to
 *  what is not. */
import { permitted, type Key } from './line.ts';
import type { Logic } from './logic.ts';
import { WORDS, type SentWord } from './table.ts';

/** Holds of every two agents, which may be the same agent. */
export interface Clause<B, A> {
  readonly says: string;
  readonly of: (a: A, b: A) => B;
}

/** Which word may follow which. */
const BEHIND: Readonly<Record<SentWord | 'none', readonly (SentWord | 'none')[]>> = {
  none: ['none'],
  release: ['none', 'evict', 'cas', 'gets', 'getm'],
  evict: ['none', 'cas', 'gets', 'getm'],
  cas: ['none', 'gets'],
  gets: ['none', 'cas'],
  getm: ['none', 'release'],
  put: ['none'],
};
/** Which words may be under way in which state of the line. */
const UNDER_WAY: Readonly<Record<string, readonly SentWord[]>> = {
  I: ['release', 'evict', 'cas'],
  S: ['release', 'cas'],
  E: ['cas'],
  M: ['release', 'cas'],
  IS: ['release', 'evict', 'cas', 'gets'],
  IM: ['release', 'evict', 'getm'],
  SM: ['release', 'getm'],
  MP: ['put'],
};

/** What is promised: Sorin, Hill & Wood, 2.3 (single writer or many readers, and the data-value invariant). */
export function promisedClauses<B, A>(logic: Logic<B, A>, key: Key<B, A>, committed: B): Clause<B, A>[] {
  const { line, is, held } = key;
  const { and, or, not, same } = logic;
  const implies = (if_: B, then: B) => or(not(if_), then);
  const readable = logic.kept(permitted(logic, key, 'read', 'write'));
  const { M, E } = line as Readonly<Record<'M' | 'E', (a: A) => B>>;
  const owns = (a: A) => or(M(a), E(a));
  return [
    { says: 'who reads has the current version', of: (a) => implies(readable(a), is.fresh(a)) },
    {
      says: 'M is the owner, with a hold and its epoch',
      of: (a) => implies(M(a), and(is.owner(a), held, is.mine(a))),
    },
    { says: 'E is the owner, without a hold', of: (a) => implies(E(a), and(is.owner(a), not(held))) },
    { says: 'one line at most is M or E', of: (a, b) => implies(and(owns(a), owns(b)), same(a, b)) },
    {
      says: 'where a line is M or E no other reads',
      of: (a, b) => implies(and(owns(a), readable(b), not(and(M(a), committed))), same(a, b)),
    },
  ];
}

/** What SWMR says: an agent that may write excludes all other access, except reads of the committed value. */
export function exclusive<B, A>(logic: Logic<B, A>, key: Key<B, A>, committed: B): Clause<B, A> {
  const { and, or, not, same } = logic;
  const [reads, writes] = [permitted(logic, key, 'read'), permitted(logic, key, 'write')];
  const disturbs = (b: A) => or(writes(b), and(reads(b), not(committed)));
  return { says: 'who writes is alone', of: (a, b) => or(not(and(writes(a), disturbs(b))), same(a, b)) };
}

/** Further properties, without which a step could break the promise or these. */
export function supporting<B, A>(logic: Logic<B, A>, key: Key<B, A>): Clause<B, A>[] {
  const { and, or, not, same } = logic;
  const { line, words, is, held } = key;
  const implies = (if_: B, then: B) => or(not(if_), then);
  const at = (a: A, ...states: readonly string[]) => or(...states.map((state) => line[state]!(a)));
  const says = (a: A, word: SentWord) => or(...words.map((place) => place[word](a)));
  const places = words.map((place, i) => [place, words[i + 1]] as const);
  return [
    // answers: each reaches a line that sent a request
    {
      says: 'a word is followed only by what a client says next',
      of: (a) =>
        and(
          ...places.flatMap(([place, next]) =>
            next === undefined
              ? []
              : (Object.keys(BEHIND) as SentWord[]).map((word) =>
                  implies(place[word](a), or(...BEHIND[word].map((behind) => next[behind](a)))),
                ),
          ),
          ...places.map(([place], i) =>
            implies(
              and(place.release(a), words[i - 1]?.getm(a) ?? logic.no),
              words[i + 1]?.none(a) ?? logic.yes,
            ),
          ),
        ),
    },
    {
      says: 'no word is under way twice, but a RELEASE before and behind a GETM',
      of: (a) =>
        and(
          ...words.flatMap((first, i) =>
            words.slice(i + 1).flatMap((second, k) =>
              WORDS.map((word) => {
                const between = words.slice(i + 1, i + 1 + k);
                const apart = word === 'release' ? or(...between.map(({ getm }) => getm(a))) : logic.no;
                return implies(and(first[word](a), second[word](a)), apart);
              }),
            ),
          ),
        ),
    },
    {
      says: 'only such words are under way as the line may have said',
      of: (a) =>
        and(
          ...Object.entries(line).flatMap(([state, here]) =>
            WORDS.filter((word) => UNDER_WAY[state]?.includes(word) === false).map((word) =>
              implies(here(a), not(says(a, word))),
            ),
          ),
        ),
    },
    {
      says: 'who waits for ownership has asked, and said no more than that it no longer wants it',
      of: (a) =>
        implies(
          is.queue(a),
          and(
            at(a, 'IM', 'SM'),
            held,
            not(is.owner(a)),
            or(words[0]!.none(a), and(words[0]!.release(a), words[1]!.none(a))),
          ),
        ),
    },
    {
      says: 'IM and SM have asked',
      of: (a) => implies(at(a, 'IM', 'SM'), or(is.queue(a), says(a, 'getm'))),
    },
    {
      says: 'who waits for a copy has asked, and it is held',
      of: (a) =>
        implies(
          is.readers(a),
          and(at(a, 'IS'), held, or(words[0]!.none(a), and(words[0]!.cas(a), words[1]!.none(a)))),
        ),
    },
    // who owns
    { says: 'one agent at most owns', of: (a, b) => implies(and(is.owner(a), is.owner(b)), same(a, b)) },
    {
      says: 'an owner with a hold is M, or writes, or is about to evict',
      of: (a) => implies(and(is.owner(a), held), or(at(a, 'M', 'MP'), words[0]!.evict(a))),
    },
    {
      says: 'an owner without a hold is E, or writes, or has asked for the hold, or is about to evict',
      of: (a) => implies(and(is.owner(a), not(held)), or(at(a, 'E', 'MP', 'SM'), words[0]!.evict(a))),
    },
    {
      says: 'what an owner writes will be accepted',
      of: (a) => implies(and(is.owner(a), at(a, 'MP')), and(is.token(a), is.base(a))),
    },
    { says: 'E knows its epoch', of: (a) => implies(at(a, 'E'), is.mine(a)) },
    // who shares
    {
      says: 'who reads is a sharer',
      of: (a) => implies(or(at(a, 'S', 'E', 'M', 'SM'), and(at(a, 'MP'), is.copy(a))), is.sharers(a)),
    },
  ];
}
