/** Claims about what an agent receives in addition to its operands. */
import { expect, test } from 'vitest';
import { perform, score, VirtualClock, type AgentContext, type RunEvent } from 'tutti';

const play = (
  agent: (operands: {}, context: AgentContext) => unknown,
  more: object = {},
  options: object = {},
) => {
  const events: RunEvent[] = [];
  const steps = score('s').step('a', { agent, ...more });
  const run = perform(steps, {
    ...{ runId: 'r', clock: new VirtualClock(), graceMs: 20 },
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return { run, events };
};

test('the key of an effect names the run, the step and the round of a vamp', async () => {
  const keys: string[] = [];
  const note = (_: {}, { effectKey }: AgentContext) => keys.push(effectKey);
  await play(note).run.result;
  await play(note, { vamp: { max: 2, until: () => false, onCap: 'accept' } }).run.result;
  expect(keys).toEqual(['r/a', 'r/a#1', 'r/a#2']);
});

test('text comes as events while the step runs; empty text counts only when it takes back what came before', async () => {
  let late: AgentContext['say'];
  const { run, events } = play(async (_, { say, sleep }) => {
    late = say;
    say!('one');
    say!('');
    say!('', true);
    await sleep(5);
    say!('two', true);
  });
  await run.result;
  late!('three');
  const common = { type: 'step.text', stepId: 'a', agent: 'a', attempt: 1, runId: 'r' };
  expect(events.filter(({ type }) => type === 'step.text')).toMatchObject([
    { ...common, delta: 'one', again: false },
    { ...common, delta: '', again: true },
    { ...common, delta: 'two', again: true },
  ]);
  const heard: unknown[] = [];
  await play((_, { say }) => heard.push(say), {}, { onEvent: undefined }).run.result;
  expect(heard, 'text that has no reader is not asked for').toEqual([undefined]);
});

test('text is a sign of life', async () => {
  const { run } = play(
    async (_, { say, sleep }) => {
      for (let i = 0; i < 5; i++) {
        await sleep(8);
        say!('.');
      }
    },
    { idleMs: 10 },
  );
  expect((await run.result).makespan).toBe(40);
});

test('a signal that is asked for after the abort is aborted; a sleep after it rejects with the reason', async () => {
  const seen: unknown[] = [];
  const { run } = play(
    async (_, context) => {
      const asleep = await context.sleep(1_000).catch((error: unknown) => error);
      const again = await context.sleep(1_000).catch((error: unknown) => error);
      const { aborted, reason } = context.signal;
      seen.push(aborted, reason === asleep, again === asleep, String(asleep));
      throw asleep;
    },
    { timeoutMs: 5 },
  );
  await run.report;
  expect(seen).toEqual([true, true, true, expect.stringContaining("step 'a' did not finish within 0.005 s")]);
});

test('its parts can be copied, and none can be changed', async () => {
  const { run } = play((_, context) => {
    expect(() => ((context as { attempt: number }).attempt = 5)).toThrow(TypeError);
    expect(() => Object.defineProperty(context, 'attempt', { value: 5 })).toThrow(TypeError);
    expect(['attempt' in context, 'abort' in context]).toEqual([true, false]);
    expect((context as unknown as { abort: unknown }).abort).toBe(undefined);
    expect(Object.getOwnPropertyDescriptor(context, 'abort')).toBe(undefined);
    return { ...context };
  });
  const copy = (await run.result).outputs.a as AgentContext;
  expect(copy).toMatchObject({ runId: 'r', stepId: 'a', attempt: 1, effectKey: 'r/a' });
  expect(Object.keys(copy)).toEqual(
    expect.arrayContaining([
      'runId',
      'stepId',
      'attempt',
      'effectKey',
      'signal',
      'now',
      'sleep',
      'say',
      'beat',
    ]),
  );
});
