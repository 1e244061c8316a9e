/** Looks for what is wrong with the uploader. Run: `node docs/examples/own-machine/check.ts`. */
import {
  occurredCells,
  eventually,
  explore,
  mutants,
  sequenceText,
  system,
  temporal,
  unjustified,
  type Explored,
  type Invariant,
  type Step,
  type World,
} from 'tutti/specs';
import type { AnyStateMachine } from 'xstate';
import { carefulServer, carefulUploader, CHUNKS, server, uploader } from './uploader.ts';

export type Situation = World<{ readonly started: boolean; readonly finished: boolean }>;

export const isDone = ({ parts }: Situation): boolean => parts['uploader']!.value === 'done';

/** Both machines, a network between them that may lose what is on it, and a user who starts the upload once.
 *  @param slow whether an answer may take longer than the uploader waits for it. */
export const upload = (client: AnyStateMachine, store: AnyStateMachine, slow = true) =>
  system({
    machines: { uploader: client, server: store },
    channels: {
      up: { capacity: 2, full: 'lose', loses: true },
      down: { capacity: 2, full: 'lose', loses: true },
    },
    hears: ({ event }, by) =>
      by === 'uploader' ? { to: 'server', event, over: 'up' } : { to: 'uploader', event, over: 'down' },
    allows: ({ channels }, { kind }) =>
      slow || kind !== 'timeout' || Object.values(channels).every(({ length }) => length === 0),
    surroundings: {
      initial: { started: false, finished: false },
      may: ({ surroundings: { started } }) => (started ? [] : [{ to: 'uploader', event: { type: 'START' } }]),
      after: ({ surroundings: { started, finished } }, { kind }, heard) => ({
        started: started || kind === 'tell',
        finished: finished || heard.some(({ after }) => after.value === 'done'),
      }),
    },
  });

/** Nothing bad happens. */
export const rules: Readonly<Record<string, Invariant<Situation>>> = {
  'done means that every chunk is stored': (world) =>
    !isDone(world) || world.parts['server']!.context.stored.length === CHUNKS,
  'only chunks of the file are sent': ({ parts }) => parts['uploader']!.context.chunk < CHUNKS,
  'what is done stays done': (world) => !world.surroundings.finished || isDone(world),
};

export const look = (client: AnyStateMachine, store: AnyStateMachine, invariant = rules) =>
  explore(upload(client, store), { invariant });

/** Something good happens: anyhow, or on a network that lets through some time what is sent again and again. */
const ends = eventually('the upload is done', isDone);
export const endsAnyhow = (explored: Explored<Situation, Step>) => temporal(explored, ends);
export const endsFairly = (explored: Explored<Situation, Step>) =>
  temporal(explored, ends, {
    strong: ({ kind, from }) => (kind === 'lose' ? undefined : `${kind} ${from}`),
  });

/** All of the above, as one question. */
async function isRight(client: AnyStateMachine, invariant: typeof rules): Promise<boolean> {
  const explored = await look(client, carefulServer, invariant);
  return (
    explored.violation === undefined &&
    endsFairly(explored).holds &&
    unjustified(client, occurredCells(explored, 'uploader')).length === 0
  );
}

/** Makes every small mistake in the uploader's table, one at a time, and returns those that no rule noticed. */
export async function unnoticed(invariant = rules): Promise<{ all: number; left: string[] }> {
  const all = mutants(carefulUploader);
  const left: string[] = [];
  for (const { name, machine } of all) if (await isRight(machine, invariant)) left.push(name);
  return { all: all.length, left };
}

if (import.meta.main) {
  const wrong = await look(uploader, server);
  console.log(sequenceText(wrong.counterexample!));
  const right = await look(carefulUploader, carefulServer);
  console.log(`careful: ${right.situations} situations, ${right.steps} steps, nothing wrong\n`);
  console.log(sequenceText(endsAnyhow(right).counterexample!));
  console.log(`on a fair network: ${endsFairly(right).holds ? 'it ends' : 'it need not end'}`);
  const { 'what is done stays done': _, ...fewer } = rules;
  for (const invariant of [fewer, rules]) {
    const { all, left } = await unnoticed(invariant);
    console.log(`${all} mistakes, ${left.length} unnoticed: ${left.join(', ') || 'none'}`);
  }
}
