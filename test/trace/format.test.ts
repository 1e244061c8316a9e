/** Claims: a trace is in Stately's own format, to the last line; and what happened can be told from it. */
import { createBrowserReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { expect, test, vi } from 'vitest';
import type { InspectionEvent, Snapshot } from 'xstate';
import { modelAgent } from 'tutti/models';
import { scriptedModel } from 'tutti/testing';
import { conductor, functionalUnit, reservationStation } from 'tutti/machines';
import { traceTo, type ProgramStep, type TraceMessage } from '../../src/trace/index.ts';
import { TRACE_SESSION } from '../../src/trace/format.ts';
import { agent, perform, score, VirtualClock } from 'tutti';
import { eventsOf, lines, review, tracedReview, tracedSpace } from './helpers.ts';

/** Compiles only while each of our messages is one of theirs. JSON has no `undefined`, so absent fields are that. */
const asStately = (message: TraceMessage): StatelyInspectionEvent => {
  switch (message.type) {
    case '@xstate.actor':
      return { ...message, parentId: message.parentId, definition: message.definition };
    case '@xstate.event':
      return { ...message, sourceId: message.sourceId };
    case '@xstate.snapshot':
      return { ...message, snapshot: message.snapshot as Snapshot<unknown> };
  }
};

/** What their receiver hands on of messages that a window is sent. */
function received(messages: readonly TraceMessage[]): StatelyInspectionEvent[] {
  const taken: StatelyInspectionEvent[] = [];
  let listener: (event: { data: unknown }) => void = () => {};
  const window = { addEventListener: (_type: string, given: typeof listener) => (listener = given) };
  createBrowserReceiver({ window: window as never }).subscribe((event) => void taken.push(event));
  for (const message of messages) listener({ data: asStately(message) });
  return taken;
}

const known = new Set(['active', 'done', 'error', 'stopped']);

test("every message is accepted by @statelyai/inspect's receiver, and is whole", async () => {
  for (const { messages } of [await tracedReview(), await tracedSpace()]) {
    expect(received(messages)).toHaveLength(messages.length);
    const actors = new Set<string>();
    for (const message of messages) {
      const base = {
        id: expect.any(String),
        rootId: expect.any(String),
        createdAt: expect.stringMatching(/^\d+\.\d{3}$/),
      };
      expect(message).toMatchObject(base);
      if (message.type === '@xstate.actor') actors.add(message.sessionId);
      // Every actor that a message names has an earlier actor message.
      else expect(actors, JSON.stringify(message)).toContain(message.sessionId);
      if (message.type !== '@xstate.event') expect(known).toContain(message.snapshot.status);
      if (message.type !== '@xstate.actor') expect(message.event.type).toEqual(expect.any(String));
    }
  }
});

test('the first line says what the file is, the last one what it holds, and ids have no gap', async () => {
  const { messages } = await tracedReview();
  expect(messages[0]).toMatchObject({
    type: '@xstate.actor',
    sessionId: TRACE_SESSION,
    snapshot: {
      context: { format: 'tutti.trace', version: 1, clock: 'virtual', limits: { messages: 200_000 } },
    },
  });
  expect(messages.at(-1)).toMatchObject({
    type: '@xstate.snapshot',
    sessionId: TRACE_SESSION,
    snapshot: {
      status: 'done',
      context: { messages: messages.length, faults: 2, leftOut: { sampled: 0, slow: 0 } },
    },
  });
  expect(messages.map(({ id }) => Number(id))).toEqual(messages.map((_, index) => index + 1));
});

test('every machine is there once, as it is, and all its actors refer to it', async () => {
  const { messages } = await tracedReview();
  const definitions = new Map<number, { id: string; states: object }>();
  const actors = new Map<string, number>();
  for (const message of messages) {
    if (message.type !== '@xstate.actor' || message.machine === undefined) continue;
    if (message.definition !== undefined) {
      expect(definitions.has(message.machine)).toBe(false);
      definitions.set(message.machine, JSON.parse(message.definition));
    }
    expect(definitions.has(message.machine), message.name).toBe(true);
    actors.set(message.name, message.machine);
  }
  for (const [name, machine] of [
    ['station:0', reservationStation],
    ['station:3', reservationStation],
    ['unit:reviewer', functionalUnit],
    ['conductor', conductor],
  ] as const) {
    const definition = definitions.get(actors.get(name) as number);
    expect(definition?.id, name).toBe(machine.id);
    expect(Object.keys(definition?.states ?? {})).toEqual(Object.keys(machine.states));
  }
  expect(definitions.size).toBe(3);
});

interface Seen {
  readonly actor: string;
  readonly type: string;
  readonly event: string;
  readonly value?: unknown;
  readonly context?: unknown;
}
const machines = /^(?:station:|unit:|conductor)/;

test('a trace has the messages that XState sends about an actor, in the same order, with and without the shorter path', async () => {
  const told: Seen[] = [];
  const beside = (event: InspectionEvent): void => {
    const { id: actor } = event.actorRef as unknown as { id: string };
    if (!machines.test(actor)) return;
    const { type } = event;
    if (type === '@xstate.event') told.push({ actor, type, event: event.event.type });
    if (type === '@xstate.snapshot') {
      const { value, context } = event.snapshot as unknown as { value: string; context: object };
      told.push({ actor, type, event: event.event.type, value, context: structuredClone(context) });
    }
  };
  const shown = (messages: readonly TraceMessage[]): Seen[] => {
    const names = new Map<string, string>();
    return messages.flatMap((message): Seen[] => {
      if (message.type === '@xstate.actor') names.set(message.sessionId, message.name);
      const actor = names.get(message.sessionId) ?? '';
      if (!machines.test(actor) || message.type === '@xstate.actor') return [];
      const { type } = message;
      if (type === '@xstate.event') return [{ actor, type, event: message.event.type }];
      const { value, context } = message.snapshot;
      return [{ actor, type, event: message.event.type, value, context }];
    });
  };
  const perActor = (all: readonly Seen[]) => Map.groupBy(all, ({ actor }) => actor);
  const full = await tracedReview({ beside });
  expect(told.length).toBeGreaterThan(120);
  expect(perActor(shown(full.messages))).toEqual(perActor(told));
  const short = await tracedReview();
  expect(shown(short.messages)).toEqual(shown(full.messages));
});

test('stations are traced without XState’s inspection until there is a second inspector: then both see everything', async () => {
  const plain = (await tracedReview()).messages;
  const sink = lines();
  const clock = new VirtualClock();
  const trace = traceTo(sink, { clock });
  const detour = vi.spyOn(trace, 'inspect');
  const ofStations = (events: readonly InspectionEvent[]) =>
    events.filter(({ actorRef }) => (actorRef as unknown as { id: string }).id.startsWith('station:'));
  const seen: InspectionEvent[] = [];
  let before = -1;
  const run = perform(review, {
    clock,
    inspect: trace.inspect,
    runId: 'review-1',
    onEvent: (event) => {
      if (event.type !== 'step.started' || event.stepId !== 'style') return;
      before = ofStations(detour.mock.calls.map(([one]) => one)).filter(
        ({ type }) => type !== '@xstate.actor',
      ).length;
      const { system } = detour.mock.calls[0]![0].actorRef as unknown as {
        system: { inspect(look: object): void };
      };
      system.inspect({ next: (one: InspectionEvent) => void seen.push(one) });
    },
  });
  trace.watch(run, review);
  await run.report;
  await trace.close();
  expect(before).toBe(0);
  expect(ofStations(seen).length).toBeGreaterThan(20);
  const values = (messages: readonly TraceMessage[]) =>
    messages.map((message) => [
      message.type,
      message.type === '@xstate.actor' ? message.name : message.event.type,
    ]);
  expect(values(sink.messages)).toEqual(values(plain));
});

test('one trace may follow many performances, one after the other and at once', async () => {
  const sink = lines();
  const trace = traceTo(sink);
  const small = score('small').step('a', { agent: agent({ name: 'a', run: () => 1 }) });
  const one = (runId: string) => {
    const run = perform(small, { inspect: trace.inspect, runId });
    trace.watch(run, small);
    return run.report;
  };
  for (let i = 0; i < 5; i++) await one(`after-${i}`);
  await Promise.all([one('with-0'), one('with-1')]);
  await trace.close();
  const { messages } = sink;
  const names = new Map(messages.flatMap((m) => (m.type === '@xstate.actor' ? [[m.sessionId, m.name]] : [])));
  const written = messages.flatMap((m) =>
    m.type === '@xstate.snapshot' && m.event.type === 'WRITTEN' ? [names.get(m.rootId)] : [],
  );
  expect(written.sort()).toEqual(['after-0', 'after-1', 'after-2', 'after-3', 'after-4', 'with-0', 'with-1']);
});

test('steps, their reads, their states and their ends can be read from a trace', async () => {
  const { messages, report } = await tracedReview();
  const program = eventsOf(messages, /^run:/).flatMap((event) =>
    event.type === 'tutti.program' ? (event['steps'] as ProgramStep[]) : [],
  );
  expect(program.map(({ id }) => id)).toEqual(report.timeline.map(({ id }) => id));
  const named = (id: string) => program.find((step) => step.id === id) as ProgramStep;
  expect(named('draft')).toEqual({ id: 'draft', agent: 'writer', reads: [1, 2, 3] });
  expect(named('revise')).toEqual({ id: 'revise', agent: 'writer', writes: 'draft', reads: [7, 6] });

  const root = messages.find((message) => message.type === '@xstate.actor' && message.name === 'review-1');
  const stations = new Map<string, { tag: number; started?: number }>();
  const took = new Map<number, { start: number; end: number }>();
  for (const message of messages) {
    if (message.type === '@xstate.actor' && message.name.startsWith('station:')) {
      expect(message.parentId).toBe(root?.sessionId);
      stations.set(message.sessionId, { tag: -1 });
    }
    const station = stations.get(message.sessionId);
    if (station === undefined || message.type !== '@xstate.snapshot') continue;
    const { tag } = message.snapshot.context as { tag: number };
    const time = Number(message.createdAt);
    if (message.snapshot.value === 'executing')
      took.set(tag, { start: took.get(tag)?.start ?? time, end: NaN });
    const open = took.get(tag);
    if (message.event.type === 'WRITTEN' && open !== undefined) took.set(tag, { ...open, end: time });
  }
  for (const [tag, { start, end, status }] of report.timeline.entries()) {
    if (status === 'tacet' || status === 'skipped') expect(took.has(tag)).toBe(false);
    else expect(took.get(tag), program[tag]?.id).toEqual({ start, end });
  }
  expect(eventsOf(messages, /^run:/).at(-1)).toMatchObject({
    type: 'tutti.ended',
    status: 'failed',
    retries: 1,
  });
});

test('signals are there in bus order, with results and faults', async () => {
  const { messages } = await tracedReview();
  const signals = eventsOf(messages, /^bus:/);
  expect(signals.map(({ seq }) => seq)).toEqual(signals.map((_, index) => index + 1));
  const pulses = new Map(signals.map((signal) => [signal['tag'], signal]));
  expect(pulses.get(0)).toMatchObject({ type: 'pulse', runId: 'review-1', value: 'files is done' });
  expect(pulses.get(4)).toMatchObject({
    fault: { stepId: 'metrics', message: expect.stringContaining('no such file') },
  });
  expect(pulses.get(6)).toMatchObject({ value: 'none' }); // the silent step
  expect(pulses.size).toBe(9);
});

test('lines, their owners and versions, the governor, the bill and a machine of one’s own are in one trace', async () => {
  const { messages, point, cells, tip } = await tracedSpace();
  const names = messages.flatMap((message) => (message.type === '@xstate.actor' ? [message.name] : []));
  expect(names).toEqual(
    expect.arrayContaining([
      'line:planner@test.1/plan',
      'line:writer@test.2/plan',
      'governor:writers',
      'lamp-1',
      'bus',
    ]),
  );
  const snapshots = (name: string) => {
    const session = messages.find(
      (message) => message.type === '@xstate.actor' && message.name === name,
    )?.sessionId;
    return messages.flatMap((message) =>
      message.type === '@xstate.snapshot' && message.sessionId === session ? [message.snapshot] : [],
    );
  };
  expect(snapshots('lamp-1').map(({ value }) => value)).toEqual(['off', 'on', 'on']);
  expect(
    snapshots('governor:writers').some(
      ({ context }) => JSON.stringify((context as { point: unknown }).point) === JSON.stringify(point),
    ),
  ).toBe(true);
  const owned = snapshots('line:planner@test.1/plan').find(({ value }) => value === 'E');
  expect(owned?.context).toMatchObject({
    agent: 'planner@test.1',
    key: 'plan',
    version: 1,
    copyVersion: 1,
    owner: 'planner@test.1',
    held: false,
  });

  const signals = eventsOf(messages, /^bus:/);
  expect(signals.map(({ seq }) => seq)).toEqual(Array.from({ length: tip }, (_, index) => index + 1));
  const entries = signals.flatMap(({ coherence }) =>
    coherence === undefined
      ? []
      : [coherence as { op: string; keys: string[]; after: { version: number; owner?: string }[] }],
  );
  expect(entries[0]).toMatchObject({
    op: 'getm',
    agent: 'planner@test.1',
    keys: ['plan'],
    after: [{ version: 0, owner: 'planner@test.1', held: true }],
  });
  for (const { key, version } of cells) {
    const last = entries.findLast((entry) => entry.keys.includes(key));
    expect(last?.after[0]?.version, key).toBe(version);
  }
  expect(eventsOf(messages, /^run:r$/)).toEqual([
    {
      type: 'tutti.usage',
      stepId: 'draft',
      model: 'acme:small',
      inputTokens: 1_200,
      outputTokens: 340,
      usd: 0.004,
    },
  ]);
});

test.each(['the performance', 'a meter, too'])(
  'the usage of a model agent is recorded once, by %s',
  async (teller) => {
    const sink = lines();
    const trace = traceTo(sink);
    const meter = trace.meter();
    const model = scriptedModel({
      script: [{ text: 'yes', usage: { input: 7, output: 2 } }],
      modelId: 'small',
    });
    const asker = modelAgent({
      name: 'asker',
      model,
      prompt: 'Is it?',
      prices: { cost: () => 0.25, bound: () => 1 },
      ...(teller === 'the performance' ? {} : { meter }),
    });
    const asked = score('asked').step('answer', { agent: asker });
    const run = perform(asked, { inspect: trace.inspect, runId: 'asked-1' });
    trace.watch(run, asked);
    await run.result;
    await trace.close();
    const told = eventsOf(sink.messages, /^run:asked-1$/).filter(({ type }) => type === 'tutti.usage');
    expect(told).toEqual([
      {
        type: 'tutti.usage',
        stepId: 'answer',
        model: 'scripted:small',
        inputTokens: 7,
        outputTokens: 2,
        usd: 0.25,
      },
    ]);
  },
);
