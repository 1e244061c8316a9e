/** One schedule of a litmus test on new replicas, one for each thread, which receive one log: nothing is cached, merged
 *  or left out. The outcome has to be that of the exploration, and each step is described in words. */
import type { Message } from '../../harness/claim.ts';
import { outcomeText, order, type LitmusTest } from './file.ts';
import {
  agentOf,
  PlayedThread,
  ThreadReplica,
  type PlayEffects,
  type PlayOptions,
  type LitmusEntry,
} from './played-thread.ts';
import type { Move } from './thread-states.ts';

export interface Replayed {
  /** `undefined` when not every thread has come to its end. */
  readonly outcome: string | undefined;
  /** A line received an event that its table calls impossible. */
  readonly impossible: boolean;
  readonly transcript: readonly Message[];
}
export interface LitmusReplayOptions extends PlayOptions {
  /** Replicas receive exactly the words in the moves. Otherwise a word that its thread does not need is received
   *  together with the next one that it needs. */
  readonly everyStep?: boolean;
}

export function replayLitmus(
  test: LitmusTest,
  moves: readonly Move[],
  options: LitmusReplayOptions,
): Replayed {
  const { everyStep = false } = options;
  const log: LitmusEntry[] = [];
  const transcript: Message[] = [];
  const registers = new Map<string, number>();
  const threads = test.threads.map((ops, index) => {
    const stage = new ThreadReplica(test, options, 1);
    const played = new PlayedThread(stage, index, ops, options.faults);
    return { stage, played, ops, index, name: agentOf(index), heard: 0, said: [] as LitmusEntry[] };
  });
  type One = (typeof threads)[number];
  const note = (one: One, { said, read }: PlayEffects): string => {
    one.said.push(...said);
    if (read === undefined) return '';
    const op = one.ops[read[0]]!;
    if (op.op === 'R') registers.set(`${one.index}:${op.reg}`, read[1]);
    return `reads ${op.loc} = ${read[1]}`;
  };
  /** @returns the words that were received, and their effects. */
  const hear = (one: One): void => {
    for (let last = false; !last && one.heard < log.length;) {
      const word = log[one.heard++]!;
      last = everyStep || one.played.needs.has(word.key);
      const read = note(one, one.played.hear(word));
      if (last) transcript.push({ from: 'log', to: one.name, text: `${word.agent}'s ${wordText(word)}${read && `; ${read}`}` }); // prettier-ignore
    }
  };
  const append = (one: One): void => {
    const word = one.said.shift()!;
    log.push(word);
    transcript.push({ from: one.name, to: 'log', text: wordText(word) });
  };
  for (const move of moves) {
    const one = threads[move.thread]!;
    if (move.does === 'append') append(one);
    else if (move.does === 'hear') hear(one);
    else if (move.does === 'begin') {
      const op = one.ops[one.played.at]!;
      const read = note(one, one.played.begin());
      const begun = op.op === 'W' ? `writes ${op.loc} = ${op.val}` : `reads ${op.loc}, and has no copy`;
      transcript.push({ from: one.name, text: read === '' ? begun : `${read}, its copy` });
    } else if (move.does === 'warm') {
      const from = transcript.length;
      note(one, one.played.warm(move.loc));
      while (one.said.length > 0) append(one);
      for (const each of threads) while (each.heard < log.length) hear(each);
      transcript.splice(from, Infinity, { from: one.name, text: `has a copy of ${move.loc}` });
    }
  }
  const [first] = threads as [One];
  while (first.heard < log.length) note(first, first.played.hear(log[first.heard++]!));
  const memory = Object.keys(test.init).map(
    (loc) => [`[${loc}]`, first.stage.cell(0, loc).value as number] as const,
  );
  const places = [...registers, ...memory].toSorted(([a], [b]) => order(a, b));
  const over = threads.every(({ played, said }) => played.finished && said.length === 0);
  return {
    outcome: over ? outcomeText(places) : undefined,
    impossible: threads.some(({ stage }) => stage.replica.impossible > 0),
    transcript,
  };
}

const wordText = ({ op, key, value }: LitmusEntry): string =>
  op === 'put' ? `put ${key} = ${String(value)}` : `${op} ${key}`;
