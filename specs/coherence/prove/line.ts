/** The lines of one key, as many as there are agents, and what an event does to them. */
import { PERMISSION, type Permission } from '../mapping.ts';
import type { Logic, Of } from './logic.ts';
import {
  SAYS,
  SETS,
  type Flag,
  type Guard,
  type LineRules,
  type LineTransition,
  type SentWord,
} from './table.ts';

/** One key: every agent's line and its words under way, and memory's cell. */
export interface Key<B, A> {
  readonly line: Readonly<Record<string, Of<B, A>>>;
  /** Oldest first; `none` behind the last. */
  readonly words: readonly Readonly<Record<SentWord | 'none', Of<B, A>>>[];
  readonly is: Readonly<Record<Flag, Of<B, A>>>;
  readonly held: B;
}

/** The agents that may access their copy, by the mapping of MESI; in MP as long as the copy is good. */
export function permitted<B, A>(
  { and, or }: Logic<B, A>,
  { line, is }: Key<B, A>,
  ...permissions: readonly Permission[]
): Of<B, A> {
  const states = Object.keys(line).filter((state) => permissions.includes(PERMISSION[state as LineState]));
  return (a) =>
    or(...states.map((state) => (state === 'MP' ? and(line[state]!(a), is.copy(a)) : line[state]!(a))));
}
type LineState = keyof typeof PERMISSION;

/** Something that must never happen, and the agents for which it did. */
export interface Mishap<B, A> {
  readonly what: string;
  readonly of: Of<B, A>;
}

/** The setting of the steps. */
export interface StepSetting<B, A> {
  readonly logic: Logic<B, A>;
  readonly rules: LineRules;
  /** Whether readers go on with the committed value while another holds the key. */
  readonly committed: B;
  /** Called in order with each transition that is taken, and the agents that take it. */
  readonly heard?: (event: string, rule: LineTransition, by: Of<B, A>) => void;
}

/** One step under way: the state of a key so far. Everything happens under the conditions of {@link when}. */
export class StepUnderWay<B, A> {
  readonly logic: Logic<B, A>;
  readonly mishaps: Mishap<B, A>[] = [];
  readonly #setting: StepSetting<B, A>;
  #condition: B;
  key: Key<B, A>;

  constructor(setting: StepSetting<B, A>, key: Key<B, A>) {
    this.logic = setting.logic;
    this.#setting = setting;
    this.#condition = setting.logic.yes;
    this.key = key;
  }

  /** Both branches are evaluated; each changes something only where its condition holds. */
  when(condition: B, then: () => void, otherwise: () => void = () => undefined): void {
    const { logic } = this;
    const outer = this.#condition;
    const decided = logic.fact(condition); // as of now: the branches change its parts
    this.#condition = logic.fact(logic.and(outer, decided));
    then();
    this.#condition = logic.fact(logic.and(outer, logic.not(decided)));
    otherwise();
    this.#condition = outer;
  }
  hold(held: B): void {
    this.key = { ...this.key, held: this.logic.fact(this.#ite(held, this.key.held)) };
  }
  /** Sets a flag for the agents for which it is true from now on. */
  set(flag: Flag, of: Of<B, A>): void {
    const { is } = this.key;
    const old = is[flag];
    this.key = { ...this.key, is: { ...is, [flag]: this.logic.kept((a) => this.#ite(of(a), old(a))) } };
  }
  add(flag: Flag, more: Of<B, A>): void {
    const { [flag]: old } = this.key.is;
    this.set(flag, (a) => this.logic.or(old(a), more(a)));
  }
  remove(flag: Flag, fewer: Of<B, A>): void {
    const { [flag]: old } = this.key.is;
    this.set(flag, (a) => this.logic.and(old(a), this.logic.not(fewer(a))));
  }
  /** The oldest word of these agents has been ordered. */
  shift(by: Of<B, A>): void {
    const { logic } = this;
    const old = this.key.words;
    const none = (word: string) => (word === 'none' ? logic.yes : logic.no);
    const words = old.map((place, i) => {
      const next = old[i + 1];
      return record(place, (word) =>
        logic.kept((a) =>
          logic.ite(logic.and(this.#condition, by(a)), next?.[word](a) ?? none(word), place[word](a)),
        ),
      );
    });
    this.key = { ...this.key, words };
  }
  /** These agents send a word. */
  say(said: SentWord, by: Of<B, A>): void {
    const { logic } = this;
    const old = this.key.words;
    const words = old.map((place, i) => {
      const here = logic.kept((a) =>
        logic.and(
          this.#condition,
          by(a),
          place.none(a),
          i === 0 ? logic.yes : logic.not(old[i - 1]!.none(a)),
        ),
      );
      return record(place, (word) =>
        logic.kept((a) => logic.ite(here(a), word === said ? logic.yes : logic.no, place[word](a))),
      );
    });
    this.key = { ...this.key, words };
    const full = old.at(-1)!;
    const again = (a: A) => (said === 'put' ? logic.or(...old.map((place) => place.put(a))) : logic.no);
    this.mishap(`sends ${said} while too much is under way`, (a) =>
      logic.and(by(a), logic.or(logic.not(full.none(a)), again(a))),
    );
  }
  /** These lines receive an event. */
  tell(event: string, to: Of<B, A>): void {
    const { logic } = this;
    const { rules, committed, heard } = this.#setting;
    const { line, is } = this.key;
    const reads = permitted(logic, this.key, 'read', 'write');
    const hears = logic.kept((a) => logic.and(this.#condition, to(a)));
    const guard = (name: Guard, a: A) => (name === 'copy' ? is.copy(a) : committed);
    const taken = rules.of(event).map((rule) => ({
      ...rule,
      by: logic.kept((a) =>
        logic.and(
          hears(a),
          line[rule.state]!(a),
          ...rule.when.map((name) => guard(name, a)),
          ...rule.unless.map((name) => logic.not(guard(name, a))),
        ),
      ),
    }));
    for (const { by, ...rule } of taken) heard?.(event, rule, by);
    const those = (which: (rule: LineTransition) => boolean): Of<B, A> | undefined => {
      const some = taken.filter(which);
      return some.length === 0 ? undefined : logic.kept((a) => logic.or(...some.map(({ by }) => by(a))));
    };
    this.key = {
      ...this.key,
      line: record(line, (state) => {
        const enters = those((rule) => rule.target === state && rule.state !== state);
        const leaves = those((rule) => rule.state === state && rule.target !== state);
        if (enters === undefined && leaves === undefined) return line[state]!;
        return logic.kept((a) =>
          logic.or(logic.and(line[state]!(a), logic.not(leaves?.(a) ?? logic.no)), enters?.(a) ?? logic.no),
        );
      }),
    };
    for (const [action, sets] of Object.entries(SETS)) {
      const by = those(({ actions }) => actions.includes(action));
      if (by === undefined) continue;
      for (const [flag, value] of Object.entries(sets) as [Flag, boolean][])
        if (value) this.add(flag, by);
        else this.remove(flag, by);
    }
    for (const [action, word] of Object.entries(SAYS)) {
      const by = those(({ actions }) => actions.includes(action));
      if (by === undefined) continue;
      this.say(word, by);
      if (word !== 'put') continue;
      // It carries what its line has recorded now.
      const { base, fresh, token, mine } = this.key.is;
      this.set('base', (a) => logic.ite(by(a), fresh(a), base(a)));
      this.set('token', (a) => logic.ite(by(a), mine(a), token(a)));
    }
    for (const state of rules.states) {
      const says = (action: string) => those((rule) => rule.state === state && rule.actions.includes(action));
      const [impossible, hit] = [says('impossible'), says('hit')];
      if (impossible !== undefined) this.mishap(`${state} receives ${event}`, impossible);
      const wrong = (a: A) => logic.and(hit!(a), logic.not(logic.and(reads(a), is.fresh(a))));
      if (hit !== undefined) this.mishap(`${state} answers ${event} without a current copy`, wrong);
    }
  }

  /** Records what must not happen. */
  mishap(what: string, of: Of<B, A>): void {
    this.mishaps.push({ what, of: this.logic.kept((a) => this.logic.and(this.#condition, of(a))) });
  }
  #ite(then: B, otherwise: B): B {
    return this.logic.ite(this.#condition, then, otherwise);
  }
}

/** The same keys, with other values. */
function record<K extends string, V>(
  of: Readonly<Record<K, V>>,
  value: (key: K) => V,
): Readonly<Record<K, V>> {
  return Object.fromEntries((Object.keys(of) as K[]).map((key) => [key, value(key)])) as Record<K, V>;
}
