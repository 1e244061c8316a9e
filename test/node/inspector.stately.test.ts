/** Claims about Stately's protocol, against the package `@statelyai/inspect` itself: what we say of a performance is what
 *  its own inspector says of it; and the viewer reads what that inspector says. */
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import { expect, test } from 'vitest';
import { createActor, createMachine, fromPromise, type InspectionEvent } from 'xstate';
import { statelyFrames } from '../../src/node/inspector-stately.ts';
import { traceTo } from '../../src/trace/index.ts';
import { openOf } from '../../src/viewer/model/opened.ts';
import { readAll } from '../../src/viewer/model/read.ts';
import { fileSource } from '../../src/viewer/model/source.ts';
import { lines, tracedReview } from '../trace/helpers.ts';

/** Stately's own inspector, with an adapter that keeps what it is given as JSON would carry it. */
function theirs() {
  const said: StatelyInspectionEvent[] = [];
  const inspector = createInspector({
    send: (event) => void said.push(JSON.parse(JSON.stringify(event)) as StatelyInspectionEvent),
  });
  /** The inspector defers its work to an idle moment. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
  const inspect = (event: InspectionEvent) => void inspector.inspect.next?.(event);
  return { said, inspect, settled };
}
const framesOf = (text: string): StatelyInspectionEvent[] =>
  statelyFrames()(text).map((frame) => JSON.parse(frame) as StatelyInspectionEvent);

/** What both must report alike. Actors are identified by the order in which they appear, because each side names them in its own way. */
function told(messages: readonly StatelyInspectionEvent[]) {
  const numbers = new Map<string, number>();
  const numberOf = (session: string | undefined) =>
    session === undefined ? undefined : (numbers.get(session) ?? `unknown ${session}`);
  return messages.map((message) => {
    if (message.type === '@xstate.actor') numbers.set(message.sessionId, numbers.size);
    const base = { type: message.type, actor: numberOf(message.sessionId), root: numberOf(message.rootId) };
    if (message.type === '@xstate.event')
      return { ...base, event: message.event.type, source: numberOf(message.sourceId) };
    if (message.type === '@xstate.snapshot') {
      const { status, value } = message.snapshot as unknown as { status: string; value?: unknown };
      return { ...base, event: message.event.type, status, value };
    }
    const { name, parentId, definition } = message;
    // Ours leaves the initial context to the snapshots.
    const { context: _, ...shape } = JSON.parse(definition as string) as Record<string, unknown>;
    return { ...base, name, parent: numberOf(parentId), definition: shape };
  });
}

test('of a performance, actor by actor and event by event, what their inspector says and what ours says is one', async () => {
  const { said, inspect, settled } = theirs();
  const { text } = await tracedReview({ beside: inspect });
  await settled();
  // Ours adds actors for the trace, the run and the bus, which XState does not have.
  const ours = framesOf(text).filter(({ sessionId }) => !/^(tutti:|run:|bus:)/.test(sessionId));
  expect(said.length).toBeGreaterThan(100);
  expect(told(ours)).toEqual(told(said));
});

const signal = createMachine({
  id: 'signal',
  initial: 'red',
  context: { changes: 0 },
  states: {
    red: { on: { GO: 'green' } },
    green: { initial: 'steady', states: { steady: { on: { SOON: 'blinking' } }, blinking: {} } },
  },
});

test('what is no machine has its name for a definition, as with them', async () => {
  const { said, inspect, settled } = theirs();
  const sink = lines();
  const trace = traceTo(sink);
  const look = (event: InspectionEvent) => {
    inspect(event);
    trace.inspect(event);
  };
  const work = createActor(
    fromPromise(() => Promise.resolve(1)),
    { id: 'work', inspect: look },
  ).start();
  createActor(signal, { id: 'crossing', inspect: look }).start().stop();
  await settled();
  work.stop();
  await trace.close();
  const actors = (messages: readonly StatelyInspectionEvent[]) =>
    messages.flatMap((message) =>
      message.type === '@xstate.actor' && !message.sessionId.startsWith('tutti:')
        ? [[message.name, (JSON.parse(message.definition as string) as { id: string }).id]]
        : [],
    );
  expect(actors(said)).toEqual([
    ['work', 'work'],
    ['crossing', 'signal'],
  ]);
  expect(actors(framesOf(sink.text))).toEqual(actors(said));
});

test('the viewer opens what their inspector says: every message, every state, every chart', async () => {
  const { said, inspect, settled } = theirs();
  const actor = createActor(signal, { id: 'crossing', inspect }).start();
  actor.send({ type: 'GO' });
  actor.send({ type: 'SOON' });
  await settled();
  const text = said.map((message) => `${JSON.stringify(message)}\n`).join('');
  const file = new Blob([text]);
  const opened = openOf(fileSource('theirs.jsonl', file));
  await readAll(file.stream(), opened, { size: file.size });
  const { trace, notes } = opened;
  expect([notes.list, trace.length]).toEqual([[], said.length]);
  const [crossing] = trace.actors;
  expect(crossing?.name).toBe('crossing');
  expect(crossing?.states.map((row) => trace.value(row)).slice(-2)).toEqual([
    'green.steady',
    'green.blinking',
  ]);
  expect(JSON.parse(trace.definitions.name(crossing!.machine))).toMatchObject({
    id: 'signal',
    initial: 'red',
  });
});
