/** Claims about the handle of a performance: what it tells, whom it obeys, what it refuses, and what is left at the end. */
import { describe, expect, test } from 'vitest';
import {
  AnswerError,
  createBus,
  perform,
  PerformanceError,
  score,
  scoreOf,
  ScoreError,
  VirtualClock,
  type AgentContext,
  type PerformOptions,
  type StepPlan,
} from 'tutti';
import { UnavailableError } from '../../actors/bus/bus.ts';
import type { Envelope } from '../../machines/hct/signal.ts';

const virtual = (): PerformOptions => ({ clock: new VirtualClock() });
const failing = (id: string, message: string): StepPlan => ({
  id,
  agent: {
    name: id,
    run: () => {
      throw new Error(message);
    },
  },
});
const resting =
  (ms: number) =>
  (_: {}, { sleep }: AgentContext) =>
    sleep(ms).then(() => 'rested');

describe('an error of a performance', () => {
  test('names the first cause and counts the others; its report is there, and not shown with it', async () => {
    const one = await perform(scoreOf('s', [failing('a', 'why')]), virtual()).result.catch(
      (error: unknown) => error,
    );
    expect(one).toBeInstanceOf(PerformanceError);
    const { message, report, errors, cause } = one as PerformanceError;
    expect(message).toBe("'s' failed: step 'a' failed: why");
    expect(cause).toBe(errors[0]);
    expect(report).toMatchObject({ score: 's', status: 'failed', errors });
    expect(Object.keys(one as object)).not.toContain('report');
    const steps = ['a', 'b', 'c'].map((id) => failing(id, id));
    const three = await perform(scoreOf('s', steps), virtual()).result.catch((error: unknown) => error);
    expect((three as Error).message).toBe("'s' failed: step 'a' failed: a (and 2 more)");
  });
  test('whose report has no cause says so', () => {
    const report = { score: 's', status: 'failed', errors: [] } as never;
    expect(new PerformanceError(report).message).toBe("'s' failed: unknown");
  });
});

test('what is no score is refused, and so is the id of the bus', () => {
  expect(() => perform({} as never)).toThrow(ScoreError);
  expect(() => perform({} as never)).toThrow(
    "score: perform takes a score, as score('name').step(…) makes it; not an empty object.",
  );
  const bus = createBus({ runId: 'the bus' });
  const one = score('s').step('a', { agent: () => 1 });
  expect(() => perform(one, { bus, runId: 'the bus' })).toThrow(
    "runId: 'the bus' is already in use on this bus; choose another, or leave it out.",
  );
  expect(() => perform(one, { budget: { euros: 5 } as never })).toThrow('euros');
});

test('a performance closes the bus that it made, and leaves open the one that it was given', async () => {
  const one = score('s').step('a', { agent: () => 1 });
  const isClosed = async (options: PerformOptions): Promise<boolean> => {
    const run = perform(one, options);
    await run.report;
    let closed = false;
    run.bus.signals.subscribe({ complete: () => (closed = true) });
    await new Promise((resolve) => setTimeout(resolve, 0));
    return closed;
  };
  expect([await isClosed({}), await isClosed({ bus: createBus() })]).toEqual([true, false]);
});

test('its signals are of this run, and say that the caller sent them', async () => {
  const sent: unknown[] = [];
  const run = perform(score('s').step('a', { agent: resting(10), fermata: {} }), virtual());
  run.bus.signals.subscribe(({ runId, signal }: Envelope) => {
    expect(runId).toBe(run.id);
    if (signal.type !== 'pulse') sent.push({ ...signal });
  });
  run.fermata('a');
  run.tacet(['a']);
  run.tacet(['a'], 5);
  void run.cue('b');
  void run.cue(['a'], undefined, { operands: {} });
  await run.report;
  void run.cue();
  expect(sent).toMatchObject([
    { type: 'fermata', source: 'caller', targets: ['a'], intent: 'hold' },
    { type: 'tacet', source: 'caller', targets: ['a'] },
    { type: 'tacet', source: 'caller', targets: ['a'], durationMs: 5 },
    { type: 'cue', source: 'caller', targets: ['b'], intent: 'resume', payload: {} },
    { type: 'cue', source: 'caller', targets: ['a'], intent: 'resume', payload: { operands: {} } },
  ]);
  expect(sent[1]).not.toHaveProperty('durationMs');
});

describe('an answer or a refusal', () => {
  const at = async (ms: number, act: (run: ReturnType<typeof make>) => void) => {
    const clock = new VirtualClock();
    const run = make(clock);
    let thrown: unknown;
    clock.setTimeout(() => {
      try {
        act(run);
      } catch (error) {
        thrown = error;
      }
    }, ms);
    await run.report;
    return thrown;
  };
  const make = (clock: VirtualClock) =>
    perform(
      score('s')
        .step('a', { agent: resting(10) })
        .step('b', { agent: resting(10), reads: { a: 'a' } as never })
        .step('c', { agent: () => 1, after: ['b'] }),
      { clock },
    );
  test.each<[number, string]>([
    [5, "step 'a' runs already, so it waits for no answer."],
    [15, "step 'a' has ended (done), so it waits for no answer."],
  ])('at %i ms for a step that has begun is refused', async (ms, message) => {
    for (const act of [
      (run: ReturnType<typeof make>) => run.refuse('a'),
      (run: ReturnType<typeof make>) => void run.cue('a', 1),
      (run: ReturnType<typeof make>) => void run.cue('a', undefined, { operands: {} }),
    ]) {
      const thrown = await at(ms, act);
      expect(thrown).toBeInstanceOf(AnswerError);
      expect(thrown).toMatchObject({ name: 'AnswerError', message, stepId: 'a' });
    }
  });
  test('for a step that there is not is refused; a cue that brings nothing is not', async () => {
    expect(await at(5, (run) => run.refuse('d', 'no'))).toMatchObject({
      message: "the score has no step 'd'.",
    });
    expect(await at(5, (run) => void run.cue('d'))).toBe(undefined);
    expect(await at(5, (run) => void run.cue('a'))).toBe(undefined);
    expect(await at(5, (run) => void run.cue('b'))).toBe(undefined);
  });
  test('that brings more than it may is refused', async () => {
    expect(await at(5, (run) => void run.cue('b', undefined, { operand: {} } as never))).toMatchObject({
      message: "cue: unknown option 'operand'. Did you mean 'operands'? Known are operands.",
    });
    for (const operands of [null, 5, []])
      expect(
        await at(5, (run) => void run.cue('b', undefined, { operands: operands as never })),
      ).toMatchObject({
        message: 'operands must be an object of values by operand.',
      });
    expect(await at(5, (run) => void run.cue('c', undefined, { operands: { x: 1 } }))).toMatchObject({
      message: "step 'c' has no operand 'x'; it has none.",
    });
    expect(await at(5, (run) => void run.cue('b', 7))).toMatchObject({
      message:
        "step 'b' asks nothing. Give several targets as a list, cue(['a', 'b']), or give its fermata a question.",
    });
  });
});

describe('a signal that the bus does not take', () => {
  test.each<[string, () => unknown]>([
    ['throws', () => { throw new Error('full'); }], // prettier-ignore
    ['rejects', () => Promise.reject(new Error('full'))],
  ])('%s: the performance ends with a typed error', async (_, refuse) => {
    const bus = createBus();
    const publish = bus.publish.bind(bus);
    const broken = Object.assign(Object.create(bus) as typeof bus, {
      publish: (...given: Parameters<typeof publish>) =>
        given[0].type === 'cue' ? refuse() : publish(...given),
    });
    const run = perform(score('s').step('a', { agent: () => 1, fermata: {} }), { bus: broken, graceMs: 5 });
    setTimeout(() => void run.cue('a'), 5);
    const { status, errors } = await run.report;
    expect(status).toBe('failed');
    expect(errors[0]).toBeInstanceOf(UnavailableError);
  });
});

test('delays are drawn from the seed: the same without one in virtual time, others in real time', async () => {
  const delays = async (options: PerformOptions): Promise<number[]> => {
    const drawn: number[] = [];
    const steps = scoreOf('s', [{ ...failing('a', 'again'), retry: { attempts: 4, delayMs: 1, jitter: 1 } }]);
    await perform(steps, {
      ...options,
      onEvent: (event) => event.type === 'step.retrying' && drawn.push(event.delayMs),
    }).report;
    return drawn;
  };
  const none = await delays(virtual());
  expect(await delays(virtual())).toEqual(none);
  expect(await delays({ ...virtual(), seed: 0 })).toEqual(none);
  expect(await delays({ ...virtual(), seed: 1 })).not.toEqual(none);
  expect(await delays({ seed: 0 })).toEqual(none);
  expect(await delays({})).not.toEqual(await delays({}));
});

test('events come to a listener and to a reader alike', async () => {
  const heard: string[] = [];
  const run = perform(score('s').step('a', { agent: () => 1 }), {
    onEvent: ({ type }) => void heard.push(type),
  });
  const read: string[] = [];
  for await (const { type } of run.events) read.push(type);
  expect(read).toEqual(heard);
  expect(heard.at(-1)).toBe('run.ended');
});
