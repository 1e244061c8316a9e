/** Single schedules of a litmus test: random ones, each a function of its seed, which also draws the copies that there
 *  are at the start; and those without any lag, in a given order. */
import { Random } from '../../harness/random.ts';
import type { LitmusTest } from './file.ts';
import { withMovesBefore, ENDLESS, LitmusViolation, most, own, take, WAITS } from './steps.ts';
import type { Move } from './thread-states.ts';
import { warmings } from './explore.ts';
import { LitmusWorlds, type Rules, type LitmusWorld } from './world.ts';

export interface Schedule {
  readonly outcome: string;
  readonly moves: readonly Move[];
}

export class Schedules {
  readonly #worlds: LitmusWorlds;
  readonly #warmings: readonly Move[];
  readonly #most: number;

  constructor(test: LitmusTest, rules: Rules) {
    this.#worlds = new LitmusWorlds(test, rules);
    this.#warmings = warmings(test, 'S');
    this.#most = this.#warmings.length + most(test).moves;
  }

  /** One schedule.
   *  @throws {LitmusViolation} when a thread waits indefinitely, or a line receives an impossible event. */
  run(seed: number): Schedule {
    const worlds = this.#worlds;
    const random = new Random(seed);
    const rarely = random.whole(0, 3);
    const warm = shuffled(
      this.#warmings.filter(() => random.whole(0, 3) >= rarely),
      random,
    );
    // In some schedules some moves come first whenever they can, so that rare orders occur, too.
    const ranks = worlds.threadStates.map(() => [random.next(), random.next(), random.next()]);
    const rank = ({ thread, does }: Own) => ranks[thread]![KINDS.indexOf(does)]!;
    const favours = random.whole(0, 3);
    const way = new Course(worlds, warm, this.#most);
    for (let possible = way.possible(); possible.length > 0; possible = way.possible())
      way.go(
        random.whole(1, 4) <= favours
          ? possible.reduce((best, one) => (rank(one) < rank(best) ? one : best))
          : random.pick(possible),
      );
    return way.end();
  }

  /** Threads take turns in this order, and all threads receive everything before the next turn: one memory, with the
   *  real lines.
   *  @throws {LitmusViolation} when a turn does not end. */
  inOrder(turns: readonly number[]): Schedule {
    const way = new Course(this.#worlds, [], this.#most);
    const next = () =>
      way.possible().find(({ does }) => does === 'hear') ??
      way.possible().find(({ does }) => does === 'append');
    for (const thread of turns) {
      way.go({ thread, does: 'begin' });
      for (let move = next(); move !== undefined; move = next()) way.go(move);
    }
    return way.end();
  }
}

type Own = Move & { readonly does: 'begin' | 'hear' | 'append' };
const KINDS = ['begin', 'hear', 'append'];

/** A schedule as it grows. */
class Course {
  readonly #worlds: LitmusWorlds;
  readonly #most: number;
  readonly #moves: Move[];
  #world: LitmusWorld;
  #bits = 0n;

  constructor(worlds: LitmusWorlds, warm: readonly Move[], most: number) {
    this.#worlds = worlds;
    this.#most = most;
    this.#moves = [...warm];
    this.#world = worlds.begin(warm);
  }
  possible(): Own[] {
    return this.#world.threadStates.flatMap((_, thread) => {
      const state = this.#worlds.stateOf(this.#world, thread);
      const mine = own(state).map((does): Own => ({ thread, does }));
      return state.said.length > 0 ? [...mine, { thread, does: 'append' }] : mine;
    });
  }
  go(move: Own): void {
    const { thread, does } = move;
    const moves = this.#moves;
    if (moves.length > this.#most) throw new LitmusViolation(ENDLESS, moves);
    if (does === 'append') this.#world = this.#worlds.append(this.#world, thread);
    else {
      const { to, read } = withMovesBefore(
        () => moves,
        () => take(this.#worlds, thread, this.#world.threadStates[thread]!, does),
      );
      this.#world = this.#worlds.moved(this.#world, thread, to);
      this.#bits |= read;
    }
    moves.push(move);
  }
  end(): Schedule {
    const worlds = this.#worlds;
    if (this.#world.threadStates.some((_, thread) => !worlds.stateOf(this.#world, thread).finished))
      throw new LitmusViolation(WAITS, this.#moves);
    return { outcome: worlds.outcome(this.#bits | worlds.memoryOf(this.#world)), moves: this.#moves };
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return list.map(() => left.splice(random.whole(0, left.length - 1), 1)[0]!);
}
