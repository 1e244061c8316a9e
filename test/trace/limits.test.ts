/** Claims: a trace stays bounded for any input, records what it left out, hides secrets, and harms nothing. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test, vi } from 'vitest';
import { createActor, createMachine, type InspectionEvent } from 'xstate';
import { createBus, perform, scoreOf, VirtualClock } from 'tutti';
import { digestOf, Shower } from '../../src/trace/digest.ts';
import { definitionText } from '../../src/trace/definitions.ts';
import { traceTo, type TraceFooter, type TraceLimits, type TraceMessage } from '../../src/trace/index.ts';
import { TRACE_LIMITS } from '../../src/trace/format.ts';
import { hider } from '../../src/trace/secrets.ts';
import { eventsOf, lines, tracedReview } from './helpers.ts';

const footerOf = (messages: readonly TraceMessage[]): TraceFooter => {
  const last = messages.at(-1);
  if (last?.type !== '@xstate.snapshot' || last.event.type !== 'tutti.end') throw new Error('no last line');
  const footer = last.snapshot.context as TraceFooter;
  const { sampled, slow, actors } = footer.leftOut;
  // Every missing message is accounted for.
  expect(footer.messages).toBe(messages.length);
  expect(Number(last.id)).toBe(messages.length + sampled + slow + actors);
  return footer;
};

/** So many steps, with a default for each; the tenth of every hundred fails. Or plain ones, of which none does. */
async function tracedChain(steps: number, limits: Partial<TraceLimits>, plain = false) {
  const sink = lines();
  const clock = new VirtualClock();
  const trace = traceTo(sink, { limits, clock });
  const agent = {
    name: 'node',
    run: (_operands: unknown, { stepId }: { stepId: string }) => {
      if (!plain && Number(stepId.slice(1)) % 100 === 10) throw new Error('on purpose');
      return 1;
    },
  };
  const score = scoreOf(
    'chain',
    Array.from({ length: steps }, (_, i) => ({
      id: `s${i}`,
      agent,
      ...(plain ? {} : { fallback: { value: 0 } }),
    })),
  );
  const run = perform(score, { inspect: trace.inspect, clock });
  trace.watch(run, score);
  await run.report;
  await trace.close();
  return { messages: sink.messages, text: sink.text };
}

test.each([
  ['plain', true],
  ['with defaults', false],
])(
  'beyond the limit whole steps are sampled, and what is left out is counted: %s steps',
  async (_what, plain) => {
    const { messages: all } = await tracedChain(800, {}, plain);
    const { messages } = await tracedChain(800, { messages: 1_000 }, plain);
    expect(footerOf(all)).toMatchObject({ messages: all.length, leftOut: { sampled: 0 } });
    const footer = footerOf(messages);
    expect(footer.messages).toBe(messages.length);
    expect(footer.leftOut.sampled).toBeGreaterThan(1_000);
    expect(messages.length).toBeLessThan(0.75 * all.length);
    // Nothing is lost without being counted: telling of the rate is what a trace with gaps has more.
    const told = eventsOf(messages, /^tutti:trace$/);
    expect(told.map(({ keeps }) => keeps)).toEqual([2, 4, 8]);
    expect(messages.length + footer.leftOut.sampled).toBe(all.length + told.length);
    expect(Number(messages.at(-1)?.id)).toBe(all.length + told.length);
    // A step that was begun is recorded to its end.
    const open = new Map<string, TraceMessage[]>();
    for (const message of messages) {
      if (message.type !== '@xstate.snapshot') continue;
      const { tag } = (message.snapshot.context ?? {}) as { tag?: number };
      if (tag === undefined || tag < 0) continue;
      const key = `${message.sessionId} ${tag}`;
      open.set(key, [...(open.get(key) ?? []), message]);
    }
    const lives = [...open.values()].filter(
      ([first]) => (first as { event: { type: string } }).event.type === 'ISSUE',
    );
    expect(lives.length).toBeGreaterThan(100);
    for (const life of lives)
      expect((life.at(-1) as { snapshot: { value: unknown } }).snapshot.value).toBe('free');
  },
);

test('faults are always kept when a trace is sampled', async () => {
  const { messages } = await tracedChain(2_000, { messages: 500 });
  const failed = new Set(
    messages.flatMap((message) =>
      message.type === '@xstate.snapshot' && message.event.type === 'FAILED'
        ? [(message.snapshot.context as { tag: number }).tag]
        : [],
    ),
  );
  expect([...failed].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 10 + 100 * i));
});

test('a user’s own machine is sampled, too, and an event goes with what it led to', async () => {
  const sink = lines();
  const trace = traceTo(sink, { limits: { messages: 100 } });
  const counter = createActor(
    createMachine({ id: 'toggle', initial: 'a', states: { a: { on: { T: 'b' } }, b: { on: { T: 'a' } } } }),
    { inspect: trace.inspect },
  ).start();
  for (let i = 0; i < 5_000; i++) counter.send({ type: 'T' });
  await trace.close();
  const { messages } = sink;
  expect(messages.length).toBeLessThan(1_000);
  const kinds = messages.filter(({ sessionId }) => sessionId === counter.sessionId).map(({ type }) => type);
  expect(kinds.filter((type) => type === '@xstate.event').length).toBe(
    kinds.filter((type) => type === '@xstate.snapshot').length,
  );
  expect(footerOf(messages).leftOut.sampled + messages.length).toBeGreaterThan(10_000);
});

test('a sink that takes its time is waited for; what comes meanwhile is bounded, and counted', async () => {
  const taken: string[] = [];
  let pending = 0;
  let most = 0;
  const trace = traceTo(
    {
      async write(text) {
        most = Math.max(most, ++pending);
        await new Promise((resolve) => setTimeout(resolve, 5));
        taken.push(text);
        pending--;
      },
    },
    { limits: { waiting: 64 } },
  );
  const bus = createBus();
  trace.watchBus(bus);
  for (let tag = 0; tag < 10_000; tag++) void bus.publish({ type: 'pulse', tag, value: tag });
  await trace.close();
  expect(most).toBe(1);
  const messages = taken
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceMessage);
  const { leftOut } = footerOf(messages);
  expect(leftOut.slow).toBeGreaterThan(9_000);
  expect(leftOut.slow + messages.length).toBe(10_000 + 2 + 1 + 1); // header, bus, gap, footer
  expect(eventsOf(messages, /^tutti:trace$/)).toEqual([
    { type: 'tutti.leftOut', why: 'slow', messages: leftOut.slow },
  ]);
});

test('a gap is recorded where it ends', async () => {
  const taken: string[] = [];
  let go = (): void => {};
  const trace = traceTo(
    { write: (text) => new Promise<void>((resolve) => ((go = resolve), taken.push(text))) },
    { limits: { waiting: 20 } },
  );
  const bus = createBus();
  trace.watchBus(bus);
  const publish = (from: number) => {
    for (let tag = from; tag < from + 100; tag++) void bus.publish({ type: 'pulse', tag, value: 'text' });
  };
  const settle = async () => {
    for (let i = 0; i < 30; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      go();
    }
  };
  publish(0);
  await settle();
  publish(100);
  await Promise.all([trace.close(), settle()]);
  const messages = taken
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceMessage);
  const order = messages.flatMap((message) => (message.type === '@xstate.event' ? [message.event] : []));
  const gap = order.findIndex(({ type }) => type === 'tutti.leftOut');
  const [before, after] = [order.slice(0, gap), order.slice(gap + 1)];
  expect(before.every(({ tag }) => (tag as number) < 100)).toBe(true);
  expect(after.find(({ type }) => type === 'pulse')?.['tag']).toBe(100);
  expect(order[gap]?.['messages']).toBe(100 - before.length);
});

test('with a sink that takes everything at once nothing is left out, however much comes in one turn', async () => {
  const sink = lines();
  const trace = traceTo(sink, { limits: { waiting: 64 } });
  const bus = createBus();
  trace.watchBus(bus);
  for (let tag = 0; tag < 10_000; tag++) void bus.publish({ type: 'pulse', tag, value: 'text' });
  await trace.close();
  expect(sink.messages).toHaveLength(10_003);
  expect(footerOf(sink.messages).leftOut).toEqual({ sampled: 0, slow: 0, actors: 0 });
});

test('a sink that fails ends the trace and not the performance', async () => {
  const trace = traceTo(
    {
      write() {
        throw new Error('no space left on device');
      },
    },
    { limits: { waiting: 2 } }, // so that it is written to while the performance goes on
  );
  trace.watchBus(createBus()); // the first to write throws nothing at its caller either
  const score = scoreOf('one', [{ id: 'a', agent: { name: 'a', run: () => 1 } }]);
  const run = perform(score, { inspect: trace.inspect });
  trace.watch(run, score);
  await expect(run.result).resolves.toMatchObject({ status: 'completed' });
  await expect(trace.close()).rejects.toThrow('no space left on device');
});

test('a step that is poisoned twice is one fault', async () => {
  const sink = lines();
  const trace = traceTo(sink);
  const broken = {
    name: 'broken',
    run: () => {
      throw new Error('on purpose');
    },
  };
  const score = scoreOf('faults', [
    { id: 'a', agent: broken },
    { id: 'b', agent: broken },
    { id: 'c', agent: { name: 'reader', run: () => 1 }, reads: { both: ['a', 'b'] } },
  ]);
  const run = perform(score, { inspect: trace.inspect });
  trace.watch(run, score);
  await run.report;
  await trace.close();
  const poisoned = sink.messages.filter(
    (message) => message.type === '@xstate.snapshot' && message.snapshot.value === 'poisoned',
  );
  expect(poisoned).toHaveLength(4);
  expect(footerOf(sink.messages).faults).toBe(3);
});

test('actors beyond the limit are left out, and the trace says so', async () => {
  const sink = lines();
  const trace = traceTo(sink, { limits: { actors: 3 } });
  const machine = createMachine({ id: 'm', initial: 'a', states: { a: {} } });
  for (let i = 0; i < 10; i++) createActor(machine, { inspect: trace.inspect }).start();
  await trace.close();
  const { messages } = sink;
  expect(
    messages.filter((message) => message.type === '@xstate.actor' && message.machine === 0),
  ).toHaveLength(3);
  expect(eventsOf(messages, /^tutti:trace$/)).toEqual([{ type: 'tutti.leftOut', why: 'actors', limit: 3 }]);
  expect(footerOf(messages).leftOut.actors).toBeGreaterThanOrEqual(7);
});

test('nothing is kept of performances that are over', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const trace = traceTo({ write() {} });
  const conductors: WeakRef<object>[] = [];
  const inspect = (event: InspectionEvent): void => {
    if ((event.actorRef as unknown as { id: string }).id === 'conductor' && event.type === '@xstate.actor')
      conductors.push(new WeakRef(event.actorRef));
    trace.inspect(event);
  };
  const score = scoreOf('one', [{ id: 'a', agent: { name: 'a', capacity: 1, run: () => 1 } }]);
  for (let i = 0; i < 20; i++) {
    const run = perform(score, { inspect });
    trace.watch(run, score);
    await run.report;
  }
  await vi.waitFor(() => {
    collect();
    expect(conductors.filter((conductor) => conductor.deref() !== undefined).length).toBeLessThan(3);
  }, 5_000);
  expect(conductors).toHaveLength(20);
  await trace.close();
});

test('limits that make no sense are refused', () => {
  expect(() => traceTo(lines(), { limits: { waiting: 0 } })).toThrow('limits.waiting');
  expect(() => traceTo(lines(), { limits: { depth: 1.5 } })).toThrow('limits.depth');
});

const shower = new Shower(TRACE_LIMITS, hider(['correct horse battery']));
const shown = (value: unknown): unknown => JSON.parse(shower.json(value));

test('what is small is shown as it is', () => {
  const value = { a: [1, 'two', null, true], b: { c: 0.5 }, d: [], e: {} };
  expect(shown(value)).toEqual(value);
});

test('what is large is a digest of bounded length, equal for equal values and different for others', () => {
  const large = (end: string) => ({ items: Array.from({ length: 1_000 }, (_, i) => ({ i })), end });
  const text = shower.json(large('a'));
  expect(text.length).toBeLessThan(2 * TRACE_LIMITS.value);
  const digest = expect.stringMatching(/^[\da-f]{14}$/) as string;
  expect(shown(large('a'))).toMatchObject({
    items: { $digest: digest, $type: 'array', $size: 1_000 },
    end: 'a',
  });
  expect(shown('x'.repeat(10_000))).toMatchObject({ $type: 'string', $size: 10_000, $head: 'x'.repeat(120) });
  expect(digestOf(large('a'))).toBe(digestOf(large('a')));
  expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: 2 }));
  expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: '1' }));
  expect(shown(new Uint8Array(5))).toMatchObject({ $type: 'binary', $size: 5 });
  expect(shown(new Map([[1, 2]]))).toMatchObject({ $type: 'map', $size: 1 });
});

test('nothing that a context may hold breaks a trace', () => {
  const circular: Record<string, unknown> = { name: 'loop' };
  circular['self'] = circular;
  expect(shown(circular)).toEqual({ name: 'loop', self: '[circular]' });
  const thrower = {
    get bad(): never {
      throw new Error('not now');
    },
  };
  expect(shown({ inner: thrower })).toEqual({ $unreadable: 'not now' });
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];
  expect(JSON.stringify(shown(deep)).length).toBeLessThan(500);
  let nested: unknown = 1;
  for (let i = 0; i < 8; i++) nested = { i: nested };
  const levels = { i: { i: { i: { i: { i: { i: { $type: 'object', $size: 1 } } } } } } };
  expect(shown(nested)).toMatchObject(levels);
  expect(shown([NaN, 10n, undefined, () => 1, Symbol('s'), new Date(0)])).toEqual([
    'NaN', '10n', null, '[function]', null, '1970-01-01T00:00:00.000Z',
  ]); // prettier-ignore
  const endless = new Proxy(
    {},
    {
      ownKeys: () => Array.from({ length: 1e5 }, (_, i) => `k${i}`),
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }),
      get: () => 'v',
    },
  );
  expect(shower.json(endless).length).toBeLessThan(2 * TRACE_LIMITS.value);
});

test('a definition with what JSON has no word for is written all the same', () => {
  const config: Record<string, unknown> = {
    id: 'odd',
    context: { secret: 1 },
    entry: function greet() {},
    states: { a: { on: { GO: { target: 'b', guard: () => true } } }, b: {} },
  };
  config['meta'] = { config };
  expect(JSON.parse(definitionText(config))).toEqual({
    id: 'odd',
    entry: { type: 'greet' },
    states: { a: { on: { GO: { target: 'b', guard: { type: 'guard' } } } }, b: {} },
    meta: {},
  });
  const huge = {
    id: 'huge',
    states: Object.fromEntries(
      Array.from({ length: 1e5 }, (_, i) => [`s${i}`, { description: 'x'.repeat(20) }]),
    ),
  };
  expect(JSON.parse(definitionText(huge))).toEqual({ id: 'huge', description: 'not shown: too large' });
});

afterEach(() => void vi.unstubAllEnvs());

test('secrets never get into a trace: by name, by look, and by what the environment holds', async () => {
  vi.stubEnv('ACME_API_KEY', 'a-very-plain-looking-value');
  const secret = {
    byName: {
      password: 'hunter2hunter2',
      authToken: 'abc',
      apiKeys: ['first-one', 'second-one'],
      client_secret: 'cs-of-client',
      Authorization: 'Basic QQ==',
    },
    byLook: [
      'Bearer abcdefghijklmnop.qrstuv',
      'sk-proj-0123456789abcdef0123',
      'AKIAIOSFODNN7EXAMPLE',
      'github_pat_11AAAAAAA0123456789_abcdefghijkl',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
      'postgres://tutti:swordfish-and-chips@db.example.org/main',
      '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----',
    ],
    known: 'it is a-very-plain-looking-value, and correct horse battery',
    cut: `${'x'.repeat(TRACE_LIMITS.string - 20)}sk-proj-ffffffffffffffffffffffffffffffffffff and more ${'y'.repeat(500)}`,
  };
  const long = Array.from({ length: 60 }, (_, i) => `word${i}`).join('-');
  const sink = lines();
  const trace = traceTo(sink, { secrets: ['correct horse battery', long] });
  const machine = createMachine({
    id: 'keeper',
    initial: 'a',
    context: secret,
    states: { a: { on: { TELL: {} } } },
  });
  const actor = createActor(machine, { inspect: trace.inspect }).start();
  actor.send({ type: 'TELL', ...secret } as never);
  const bus = createBus();
  trace.watchBus(bus);
  void bus.publish({ type: 'pulse', tag: 1, value: secret });
  void bus.publish({ type: 'pulse', tag: 2, value: secret.byLook[1] });
  void bus.publish({ type: 'pulse', tag: 4, value: `${'x'.repeat(90)}${long}${'y'.repeat(300)}` });
  void bus.publish({ type: 'pulse', tag: 3, fault: new Error(`no access with ${secret.byLook[1]}`) });
  void bus.publish({ type: 'cue', source: 'x', targets: [], intent: 'activate', payload: secret as never });
  await trace.close();
  const { text } = sink;
  const never = [
    'hunter2', '"abc"', 'first-one', 'cs-of-client', 'QQ==', 'abcdefghijklmnop', '0123456789abcdef', 'IOSFODNN', 'github_pat_11',
    'eyJhbGci', 'swordfish', 'MIIEvQ', 'a-very-plain', 'correct horse', 'sk-proj-f', 'word0',
  ]; // prettier-ignore
  for (const part of never) expect(text, part).not.toContain(part);
  expect(text).toContain('[redacted]');
  const { text: review } = await tracedReview();
  expect(review).toContain('no such file');
  expect(review).not.toContain('0123456789abcdefghij');
});

test('what only sounds like a secret is shown', () => {
  const counts = {
    inputTokens: 12,
    maxTokens: 4_096,
    tokens: 3,
    key: 'plan',
    keys: ['a'],
    author: 'Ada',
    pinned: true,
    tag: 1,
  };
  expect(shown(counts)).toEqual(counts);
});
