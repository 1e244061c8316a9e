/** All that one thread of a litmus test can come to, and each step from there, computed once.
 *
 *  A local situation is a number. A step from it is computed by a play that is in that situation, or by a new one that
 *  replays the same history: the real code runs, and the result is cached. */
import type { LitmusTest } from './file.ts';
import { PlayedThread, ThreadReplica, type PlayOptions, type LitmusEntry } from './played-thread.ts';

/** What a thread does next: begins its next operation, asks for a copy of a location, or receives a word of the log. */
export type Input = { readonly begin: true } | { readonly warm: string } | { readonly hear: number };

export interface LocalStep {
  readonly to: number;
  /** Words, by number. */
  readonly said: readonly number[];
  readonly read: readonly [at: number, value: number] | undefined;
  /** The line received an event that its table calls impossible. */
  readonly impossible: boolean;
}
export interface Local {
  readonly free: boolean;
  readonly finished: boolean;
  readonly needs: ReadonlySet<string>;
  readonly history: History | undefined;
}
interface History {
  readonly before: History | undefined;
  readonly input: Input;
}

/** Numbers for words: equal words are the same word. */
export class Words {
  readonly list: LitmusEntry[] = [];
  readonly #known = new Map<string, number>();
  number(word: LitmusEntry): number {
    const text = JSON.stringify(word);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, this.list.length);
    return this.list.push(word) - 1;
  }
}

/** Plays on one stage before another is made. */
const ROOM = 256;

export class Thread {
  readonly locals: Local[] = [];
  /** Steps that were played, and not taken from the cache. */
  played = 0;
  readonly #test: LitmusTest;
  readonly #index: number;
  readonly #options: PlayOptions;
  readonly #words: Words;
  /** Whether what a thread does not need any more is dropped. */
  readonly #forgets: boolean;
  readonly #known = new Map<string, number>();
  readonly #steps: Map<string, LocalStep>[] = [];
  /** Plays, by the situation that they are in. */
  readonly #standing = new Map<number, [PlayedThread, ThreadReplica]>();
  #stage: ThreadReplica;

  constructor(test: LitmusTest, index: number, options: PlayOptions, words: Words, forgets: boolean) {
    this.#test = test;
    this.#index = index;
    this.#options = options;
    this.#words = words;
    this.#forgets = forgets;
    this.#stage = new ThreadReplica(test, options, ROOM);
    const [played, stage] = this.#enter();
    this.#standing.set(this.#arrive(played, undefined), [played, stage]);
  }

  step(from: number, input: Input): LocalStep {
    const name = 'hear' in input ? `${input.hear}` : 'begin' in input ? 'begin' : `warm ${input.warm}`;
    const known = this.#steps[from]!.get(name);
    if (known !== undefined) return known;
    const { history } = this.locals[from]!;
    const play = this.#standing.get(from) ?? this.#again(history);
    this.#standing.delete(from);
    const [played, stage] = play;
    const before = stage.replica.impossible;
    const { said, read } = this.#take(played, input);
    this.played++;
    const to = this.#arrive(played, { before: history, input });
    this.#standing.set(to, play);
    const numbers = said.map((word) => this.#words.number(word));
    const step = { to, said: numbers, read, impossible: stage.replica.impossible > before };
    this.#steps[from]!.set(name, step);
    return step;
  }

  #take(played: PlayedThread, input: Input) {
    if ('hear' in input) return played.hear(this.#words.list[input.hear]!);
    return 'begin' in input ? played.begin() : played.warm(input.warm);
  }
  #enter(): [PlayedThread, ThreadReplica] {
    if (this.#stage.full) this.#stage = new ThreadReplica(this.#test, this.#options, ROOM);
    const ops = this.#test.threads[this.#index]!;
    return [new PlayedThread(this.#stage, this.#index, ops, this.#options.faults), this.#stage];
  }
  #again(history: History | undefined): [PlayedThread, ThreadReplica] {
    const inputs: Input[] = [];
    for (let at = history; at !== undefined; at = at.before) inputs.push(at.input);
    const play = this.#enter();
    for (const input of inputs.toReversed()) this.#take(play[0], input);
    return play;
  }
  /** @returns the number of where a play stands. */
  #arrive(played: PlayedThread, history: History | undefined): number {
    const { free, finished } = played;
    const needs = finished && this.#forgets ? NONE : played.needs;
    const all = this.#forgets ? needs : new Set(Object.keys(this.#test.init));
    const situation = played.situation(all);
    const known = this.#known.get(situation);
    if (known !== undefined) return known;
    this.#known.set(situation, this.locals.length);
    this.#steps.push(new Map());
    return this.locals.push({ free, finished, needs: all, history }) - 1;
  }
}
const NONE: ReadonlySet<string> = new Set();
