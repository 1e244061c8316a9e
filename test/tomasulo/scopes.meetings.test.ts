/** Named meetings of maps, conditions, sub-scores, questions and signals. The fuzzer of `fuzz.scopes.test.ts` found each of
 *  them. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { perform, score, VirtualClock, type AgentContext, type Report, type RunEvent } from 'tutti';
import { caesura } from '../../machines/hct/factories.ts';

type Item = { item: number };
const fails = (): number => {
  throw new Error('broken');
};
const statuses = ({ timeline }: Report) => timeline.map(({ id, status }) => `${id} ${status}`);
const virtual = () => ({ clock: new VirtualClock() });
const numbers = (list: readonly number[]) => score('s').step('list', { agent: () => [...list] });
/** Does something as soon as a question is asked. */
const asked = (act: (stepId: string) => void) => ({
  ...virtual(),
  onEvent: (event: RunEvent) => void (event.type === 'step.asked' && act(event.stepId)),
});

test('a condition asks the operands that a person has edited', async () => {
  const s = score('s')
    .step('n', { agent: () => 1 })
    .step('big', {
      agent: ({ n }: { n: number }) => `big ${n}`,
      reads: { n: 'n' },
      when: ({ n }) => n > 9,
      fermata: { question: 'go?' },
    });
  const run = perform(
    s,
    asked((id) => void run.cue(id, true, { operands: { n: 10 } })),
  );
  expect((await run.result).outputs.big).toBe('big 10');
});

test('a map, a sub-score and a loop get the operands that a person has edited', async () => {
  const inner = score('inner')
    .input(z.object({ n: z.number() }))
    .step('n', { agent: ({ n }: { n: number }) => n + 1, reads: { n: 'input.n' } });
  const hold = { fermata: { question: 'go?' } } as const;
  const s = score('s')
    .step('n', { agent: () => 1 })
    .step('list', { agent: () => [1] })
    .map('m', {
      over: 'list',
      reads: { n: 'n' },
      agent: ({ item, n }: { item: number; n: number }) => item + n,
      ...hold,
    })
    .step('sub', { score: inner, reads: { n: 'n' }, ...hold })
    .repeat('loop', { score: inner, reads: { n: 'n' }, until: () => true, max: 1, ...hold });
  const run = perform(
    s,
    asked((id) => void run.cue(id, true, { operands: { n: 10 } })),
  );
  expect((await run.result).outputs).toMatchObject({ m: [11], sub: { n: 11 }, loop: { n: 11 } });
});

test('the answer to the question of a map lifts no hold of a step inside', async () => {
  const inner = score('inner').step('release', { agent: () => 'released', fermata: { timeoutMs: 5 } });
  const s = numbers([1, 2]).map('m', {
    over: 'list',
    score: inner,
    fermata: { question: 'begin?' },
  } as never);
  const run = perform(
    s as any,
    asked((id) => void run.cue(id, 'yes')),
  );
  expect(statuses(await run.report)).toEqual([
    'list done',
    'm failed',
    'm[0]/release failed',
    'm[1]/release failed',
  ]);
});

test('an answer lifts other holds of its step, and those of no other step', async () => {
  const s = score('s')
    .step('asks', { agent: () => 1, fermata: { question: 'go?', timeoutMs: 50 } })
    .step('held', { agent: () => 2 });
  const run = perform(
    s,
    asked((id) => void run.cue(id, 'yes')),
  );
  run.signal({
    type: 'fermata',
    source: 'test',
    targets: ['asks', 'held'],
    intent: 'hold',
    conditions: { holdType: 'human', onTimeout: 'fail' },
    performance: { urgency: 5, tempo: 'moderato', dynamics: 'mf', timeoutMs: 20 },
  });
  expect(statuses(await run.report)).toEqual(['asks done', 'held failed']);
});

test('a scope that cannot read its operands and is cancelled in the same round ends once', async () => {
  const s = score('s')
    .step('bad', { agent: fails })
    .step('none', { agent: () => ({}) as { list: number[] } })
    .map('m', { over: 'none.list', agent: ({ item }: Item) => item });
  const report = await perform(s, { ...virtual(), onFailure: 'cancel' }).report;
  expect(report.errors.map(({ name }) => name)).toEqual(['StepError']);
});

test('an element that waits for its next try is cancelled with the rest of its map', async () => {
  const s = numbers([1, 2]).map('m', {
    over: 'list',
    join: 'first',
    retry: { attempts: 2 },
    agent: ({ item }: Item) => (item === 1 ? fails() : item),
  });
  const report = await perform(s, virtual()).result;
  expect(report.outputs.m).toBe(2);
  expect(statuses(report)).toEqual(['list done', 'm done', 'm[0] cancelled', 'm[1] done']);
});

test.each([0, 5])(
  'a failure is reported when the step that reads it also reads what is absent, which comes %i ms later',
  async (ms) => {
    const late = async (_: object, { sleep }: AgentContext): Promise<number> => {
      await sleep(5 - ms);
      return fails();
    };
    const s = score('s')
      .step('bad', { agent: late })
      .step('wait', { agent: (_: object, { sleep }: AgentContext) => sleep(ms) })
      .step('absent', { agent: () => 2, when: () => false, after: ['wait'] })
      .step('both', {
        agent: ({ a, b }: { a: number; b: number }) => a + b,
        reads: { a: 'bad', b: 'absent' } as never,
      })
      .outputs({ both: 'both' });
    const report = await perform(s as never, virtual()).report;
    expect(statuses(report as Report)).toEqual(['bad failed', 'wait done', 'absent skipped', 'both skipped']);
    expect(report.errors.map(String)).toEqual(["StepError: step 'bad' failed: broken"]);
  },
);

test('a failure is reported when nothing but the `otherwise` below asks for the step', async () => {
  const s = score('s')
    .step('bad', { agent: fails, when: () => true })
    .step('else', { agent: () => 2, otherwise: true })
    .outputs({ else: 'else' });
  const report = await perform(s, virtual()).report;
  expect(statuses(report)).toEqual(['bad failed', 'else skipped']);
  expect(report.errors.map(String)).toEqual(["StepError: step 'bad' failed: broken"]);
});

test('no person is asked about a step that was refused before it was issued', async () => {
  const asks: string[] = [];
  const s = score('s').step('a', { agent: () => 1, fermata: { question: 'go?' } });
  const run = perform(
    s,
    asked((id) => void asks.push(id)),
  );
  run.signal(caesura({ source: 'test', targets: ['a'] }));
  expect(statuses(await run.report)).toEqual(['a cancelled']);
  expect(asks).toEqual([]);
});
