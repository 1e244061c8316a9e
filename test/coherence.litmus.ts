/** Runs a litmus test through the user's API: a thread is an agent, each on its own lagging replica or with others
 *  on one. Every interleaving of the lines below is in `specs/mesi/litmus/litmus.ts`; here what is drawn has gone through all
 *  that a user calls. Shared by the project's own tests and by `bench/litmus.ts`, which reads a whole collection. */
import { coherence, type Coherence } from '../src/index.ts';
import type { Schema } from '../src/schema.ts';
import { order, outcomeText, type LitmusTest } from '../specs/mesi/litmus/file.ts';
import { generator, LaggingLog, settle } from './coherence.lagging.ts';

export interface LitmusOptions {
  readonly seed: number;
  readonly readers?: 'wait' | 'committed';
  /** A mistake to make in the test's own way of using the API: a write that is done when it was said. */
  readonly doneAtPublish?: boolean;
}

const number: Schema<number, number> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as number }) },
};

/** One random schedule.
 *  @returns the outcome, in the words of the collection: registers by thread, then memory. */
export async function runLitmus(test: LitmusTest, options: LitmusOptions): Promise<string> {
  const random = generator(options.seed);
  const log = new LaggingLog({ direct: random(2) === 0 });
  const replicas: Coherence<Record<string, number>>[] = [];
  const schema = Object.fromEntries(Object.keys(test.init).map((loc) => [loc, number]));
  const count = 1 + random(test.threads.length);
  for (let index = 0; index < count; index++) {
    const { readers = 'wait' } = options;
    replicas.push(
      coherence({ bus: log.view(), schema, initial: test.init, readers, session: `r${index}`, history: 0 }),
    );
  }
  // Some agents begin with copies: without them every read would be an entry, and no lag would show.
  const agents = test.threads.map((_, thread) =>
    replicas[thread < count ? thread : random(count)]!.agent(`t${thread}`),
  );
  for (const agent of agents) {
    for (const loc of Object.keys(test.init)) {
      if (random(4) > 0) await pump(log, agent.read(loc));
    }
  }
  const outcome: [place: string, value: number][] = [];
  let running = test.threads.length;
  const starts: { thread: number; start: () => void }[] = [];
  test.threads.forEach((ops, thread) => {
    const agent = agents[thread] as (typeof agents)[number];
    const run = async () => {
      for (const one of ops) {
        // Between two operations of a thread anything may happen.
        await new Promise<void>((start) => starts.push({ thread, start }));
        if (one.op === 'R') outcome.push([`${thread}:${one.reg}`, await agent.read(one.loc)]);
        else {
          const written = agent.write(one.loc, one.val, { overwrite: true });
          if (options.doneAtPublish === true) written.catch(() => undefined);
          else await written;
        }
      }
      running--;
    };
    void run();
  });
  // Some schedules have favourites, so that rare orders come up, too.
  const favour = random(3) > 0;
  const rank = new Map<string, number>();
  const rankOf = (name: string): number =>
    rank.get(name) ?? (rank.set(name, random(1_000)), rank.get(name) as number);
  for (let steps = 0; running > 0; steps++) {
    if (steps > 10_000) throw new Error(`${test.name}: a thread never ends (seed ${options.seed})`);
    await settle();
    const moves: [name: string, move: () => void][] = starts.map(({ thread, start }, index) => [
      `thread ${thread}`,
      () => (starts.splice(index, 1), start()),
    ]);
    for (const source of log.waiting()) moves.push([`append ${source}`, () => log.append(source)]);
    log.views.forEach((view, index) => {
      if (view.delivered < view.tip) moves.push([`deliver ${index}`, () => void view.deliver()]);
    });
    if (favour && random(4) > 0) moves.sort(([a], [b]) => rankOf(a) - rankOf(b)).splice(1);
    moves[random(Math.max(1, moves.length))]?.[1]();
  }
  log.drain();
  const [first] = replicas as [Coherence<Record<string, number>>];
  for (const loc of Object.keys(test.init).sort())
    outcome.push([`[${loc}]`, first.replica.memory.cells.get(loc)!.value as number]);
  for (const { replica } of replicas)
    if (replica.impossible > 0) throw new Error(`${test.name}: impossible event`);
  for (const shared of replicas) shared.stop();
  // A register that is read again holds what was read last.
  return outcomeText([...new Map(outcome)].sort(([a], [b]) => order(a, b)));
}

/** Delivers all there is until a promise has settled. */
export async function pump<T>(log: LaggingLog, promise: Promise<T>): Promise<T> {
  let pending = true;
  promise.finally(() => (pending = false)).catch(() => undefined);
  for (let turn = 0; pending && turn < 1_000; turn++) {
    await settle();
    log.drain();
  }
  return promise;
}
