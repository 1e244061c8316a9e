/** Runs a litmus test through the public API: a thread is an agent, and each agent has a lagging replica of its own or
 *  shares one. `specs/coherence/litmus/litmus.ts` has every interleaving of the lines below; what is drawn here passes through
 *  everything that a user calls. */
import { LaggingLog, pump, settle } from '../../specs/harness/lagging.ts';
import { Random } from '../../specs/harness/random.ts';
import { order, outcomeText, type LitmusTest } from '../../specs/coherence/litmus/file.ts';
import { coherence, type Coherence } from '../coherence/index.ts';
import { anything } from './shared-values.ts';

type LitmusSpace = Coherence<Record<string, number>>;

export interface LitmusRunOptions {
  readonly seed: number;
  readonly readers?: 'wait' | 'committed';
  /** A mistake in the use of the API: a write counts as done when it was published. */
  readonly doneAtPublish?: boolean;
  /** A further check of each replica at the end. */
  readonly check?: (space: LitmusSpace) => void;
}

const MOST_MOVES = 10_000;

/** One random schedule.
 *  @returns the outcome in the notation of litmus collections: registers by thread, then memory. */
export async function runLitmus(test: LitmusTest, options: LitmusRunOptions): Promise<string> {
  const random = new Random(options.seed);
  const log = new LaggingLog({ direct: random.below(2) === 0 });
  const count = 1 + random.below(test.threads.length);
  const spaces = Array.from({ length: count }, (_, index) => spaceOf(test, log, index, options));
  const agents = test.threads.map((_, thread) =>
    (spaces[thread < count ? thread : random.below(count)] as LitmusSpace).agent(`t${thread}`),
  );
  // Some agents begin with copies: without them every read would be an entry, and no lag would show.
  for (const agent of agents)
    for (const loc of Object.keys(test.init)) if (random.below(4) > 0) await pump(log, agent.read(loc));
  const threads = new Threads(test, agents, options.doneAtPublish === true);
  // Some schedules have favourites, so that rare orders occur, too.
  const favour = random.below(3) > 0;
  const rank = new Map<string, number>();
  const rankOf = (name: string): number =>
    rank.get(name) ?? (rank.set(name, random.below(1_000)), rank.get(name) as number);
  for (let move = 0; threads.running > 0; move++) {
    if (move > MOST_MOVES) throw new Error(`${test.name}: a thread never ends (seed ${options.seed})`);
    await settle();
    if (threads.failure !== undefined) throw threads.failure;
    const moves: Move[] = threads.moves();
    for (const source of log.waiting()) moves.push([`append ${source}`, () => log.append(source)]);
    log.views.forEach((view, index) => {
      if (view.delivered < view.tip) moves.push([`deliver ${index}`, () => void view.deliver()]);
    });
    if (favour && random.below(4) > 0) moves.sort(([a], [b]) => rankOf(a) - rankOf(b)).splice(1);
    moves[random.below(Math.max(1, moves.length))]?.[1]();
  }
  log.drain();
  const cells = new Map((spaces[0] as LitmusSpace).checkpoint().memory.cells.map((cell) => [cell.key, cell]));
  for (const loc of Object.keys(test.init).sort())
    threads.outcome.push([`[${loc}]`, cells.get(loc)!.value as number]);
  for (const space of spaces) {
    options.check?.(space);
    space.stop();
  }
  // A register that is read again has the last value that was read.
  return outcomeText([...new Map(threads.outcome)].sort(([a], [b]) => order(a, b)));
}

type Move = [name: string, move: () => void];

function spaceOf(
  { init }: LitmusTest,
  log: LaggingLog,
  index: number,
  { readers = 'wait' }: LitmusRunOptions,
): LitmusSpace {
  const schema = Object.fromEntries(Object.keys(init).map((loc) => [loc, anything<number>()]));
  return coherence({ bus: log.view(), schema, initial: init, readers, session: `r${index}`, history: 0 });
}

/** The threads of a test, each of which waits before every operation until it is moved. */
class Threads {
  readonly outcome: [place: string, value: number][] = [];
  running: number;
  failure: unknown;
  readonly #starts: { readonly thread: number; readonly start: () => void }[] = [];

  constructor({ threads }: LitmusTest, agents: readonly ReturnType<LitmusSpace['agent']>[], hasty: boolean) {
    this.running = threads.length;
    threads.forEach((ops, thread) => {
      const agent = agents[thread] as (typeof agents)[number];
      const run = async () => {
        for (const one of ops) {
          await new Promise<void>((start) => this.#starts.push({ thread, start }));
          if (one.op === 'R') this.outcome.push([`${thread}:${one.reg}`, await agent.read(one.loc)]);
          else {
            const written = agent.write(one.loc, one.val, { blind: true });
            if (hasty) written.catch(() => undefined);
            else await written;
          }
        }
        this.running--;
      };
      run().catch((error: unknown) => (this.failure ??= error));
    });
  }
  moves(): Move[] {
    return this.#starts.map(({ start }, index) => [
      `thread ${this.#starts[index]!.thread}`,
      () => {
        this.#starts.splice(index, 1);
        start();
      },
    ]);
  }
}
