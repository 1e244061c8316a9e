/** Claims: a person answers, edits or refuses a held step; an answer that does not fit leaves the step held. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { cue } from '../../machines/hct/signal.ts';
import {
  AnswerError,
  perform,
  score,
  VirtualClock,
  type AgentContext,
  type HoldPlan,
  type RunEvent,
  type Schema,
} from '../../src/index.ts';

const Verdict = z.object({ publish: z.boolean(), note: z.string().default('none') });
type Held = HoldPlan & { readonly answer?: Schema<any, any> };

const review = (fermata: Held, more: object = {}) =>
  score('s')
    .step('draft', { agent: (_: {}, { sleep }: AgentContext) => sleep(40).then(() => 'a draft') })
    .step('publish', {
      agent: ({ text }: { text: string }, { answer }: AgentContext) => ({ text, answer }),
      reads: { text: 'draft' },
      fermata,
      ...more,
    })
    .step('other', { agent: () => 'went on' });

/** Performs in virtual time, and acts at given times. */
function at(fermata: Held, acts: Record<number, (run: ReturnType<typeof start>) => void>, more?: object) {
  const clock = new VirtualClock();
  const events: RunEvent[] = [];
  const run = start(fermata, clock, events, more);
  for (const [ms, act] of Object.entries(acts)) clock.setTimeout(() => act(run), Number(ms));
  return { run, events, clock };
}
const start = (fermata: Held, clock: VirtualClock, events: RunEvent[], more?: object) =>
  perform(review(fermata, more), { clock, onEvent: (event) => void events.push(event) });

describe('an answer', () => {
  test('reaches the step, as its schema makes it', async () => {
    const { run } = at({ answer: Verdict }, { 50: (r) => r.cue('publish', { publish: true }) });
    const { outputs } = await run.result;
    expect(outputs.publish).toEqual({ text: 'a draft', answer: { publish: true, note: 'none' } });
    expect(outputs.other).toBe('went on');
  });

  test('that does not fit is refused with its place, and the step stays held until one fits', async () => {
    const refused: unknown[] = [];
    const tryTo = (act: () => unknown) => {
      try {
        act();
      } catch (error) {
        refused.push(error);
      }
    };
    const { run } = at(
      { question: 'Publish?', answer: Verdict },
      {
        50: (r) => tryTo(() => r.cue('publish', { publish: 'yes' })),
        60: (r) => tryTo(() => r.cue('publish')),
        70: (r) => r.cue(),
        80: (r) => {
          expect(r.holds).toHaveLength(1);
          void r.cue('publish', { publish: false });
        },
      },
    );
    expect((await run.result).makespan).toBe(80);
    expect(refused).toHaveLength(2);
    expect(refused.every((error) => error instanceof AnswerError)).toBe(true);
    expect(String(refused[0])).toMatch(/the answer to 'publish'.*publish: .*Publish\?.*still held/);
    expect(String(refused[1])).toMatch(/needs an answer: cue it with one/);
  });

  test('on a shared bus is judged, too, and one that does not fit is reported', async () => {
    const send = (answer: unknown) => cue({ source: 'web', targets: ['publish'], intent: 'resume', payload: { answer } }); // prettier-ignore
    const { run, events } = at(
      { answer: Verdict },
      { 50: (r) => r.signal(send(3)), 60: (r) => r.signal(send({ publish: true })) },
    );
    expect((await run.result).makespan).toBe(60);
    expect(events.find(({ type }) => type === 'signal.unmatched')).toMatchObject({ targets: ['publish'] });
  });

  test.each([0, 20, 50])('given after %i ms counts, also before the step is held', async (ms) => {
    const { run } = at({ answer: Verdict }, { [ms]: (r) => r.cue('publish', { publish: true }) });
    const report = await run.result;
    expect(report.makespan).toBe(Math.max(40, ms));
    expect(report.outputs.publish).toMatchObject({ answer: { publish: true } });
  });

  test('may be judged by an asynchronous schema', async () => {
    const slow = z.number().refine(async (value) => (await Promise.resolve(value)) > 2);
    let rejected: unknown;
    const { run } = at(
      { answer: slow },
      {
        50: (r) => void (r.cue('publish', 1) as Promise<void>).catch((error: unknown) => (rejected = error)),
        60: (r) => void r.cue('publish', 3),
      },
    );
    expect((await run.result).outputs.publish).toMatchObject({ answer: 3 });
    expect(rejected).toBeInstanceOf(AnswerError);
  });

  test('to a step that asks nothing, runs, has ended or does not exist is refused', async () => {
    const { run } = at({}, { 50: (r) => r.cue('publish') });
    expect(() => run.cue('publish', 'other')).toThrow('asks nothing. Give several targets as a list');
    expect(() => run.cue('publihs', true)).toThrow("no step 'publihs'");
    await run.result;
    expect(() => run.cue('publish', true)).toThrow('has ended (done)');
    expect(() => run.refuse('publish')).toThrow('has ended (done)');
  });

  test('stays with the step through its retries', async () => {
    const answers: unknown[] = [];
    const steps = score('s').step('a', {
      fermata: { answer: z.number() },
      retry: { attempts: 3 },
      agent: (_: {}, { answer, attempt }: AgentContext) => {
        answers.push(answer);
        if (attempt < 3) throw new Error('again');
      },
    });
    const run = perform(steps, { clock: new VirtualClock() });
    void run.cue('a', 7);
    await run.result;
    expect(answers).toEqual([7, 7, 7]);
  });
});

describe('a question', () => {
  test('is asked when the operands are there, and its time counts from then', async () => {
    const { run, events } = at({ question: 'Publish?', timeoutMs: 30 }, { 65: (r) => r.cue('publish') });
    expect((await run.result).makespan).toBe(65);
    const asked = events.find(({ type }) => type === 'step.asked');
    expect(asked).toMatchObject({ stepId: 'publish', question: 'Publish?', timestamp: 40 });
  });

  test('is listed with its operands, its time and its schema', async () => {
    const seen: unknown[] = [];
    const { run } = at(
      { question: 'Publish?', answer: Verdict, timeoutMs: 1_000, holdType: 'quality' },
      {
        10: (r) => seen.push(r.holds),
        50: (r) => seen.push(r.holds),
        60: (r) => r.cue('publish', { publish: true }),
      },
    );
    await run.result;
    const common = { stepId: 'publish', holdType: 'quality', question: 'Publish?', answer: Verdict };
    expect(seen).toMatchObject([
      [{ ...common, operands: undefined, since: undefined, until: undefined }],
      [{ ...common, operands: { text: 'a draft' }, since: 40, until: 1_040 }],
    ]);
    expect(run.holds).toEqual([]);
  });

  test('has reminders while it waits, and none after', async () => {
    const { run, events } = at(
      { question: '?', remindMs: 10, timeoutMs: 500 },
      { 75: (r) => r.cue('publish') },
    );
    await run.result;
    const reminded = events.flatMap((event) => (event.type === 'step.reminded' ? [event.waitedMs] : []));
    expect(reminded).toEqual([10, 20, 30]);
  });

  test('goes to another one when its time is over, and fails when that time is over as well', async () => {
    const hold: Held = { question: '?', timeoutMs: 10, escalate: { to: 'the editor', timeoutMs: 20 } };
    const { run, events } = at(hold, { 55: (r) => expect(r.holds[0]!.deciders).toEqual(['the editor']) });
    const report = await run.report;
    expect(events.find(({ type }) => type === 'step.escalated')).toMatchObject({
      to: 'the editor',
      timestamp: 50,
    });
    expect([report.status, report.makespan]).toEqual(['failed', 70]);
    const answered = at(hold, { 60: (r) => r.cue('publish') });
    expect((await answered.run.result).makespan).toBe(60);
  });
});

describe('the list of holds', () => {
  test('names the hold of the score before those of signals, and no end where a hold has none', async () => {
    const seen: unknown[] = [];
    const { run } = at(
      { question: 'Publish?', timeoutMs: 1_000 },
      {
        5: (r) => r.fermata('publish', 'other'),
        45: (r) => seen.push(...r.holds.map(({ stepId, source, until }) => [stepId, source, until])),
        50: (r) => r.cue(),
      },
    );
    await run.result;
    expect(seen).toEqual([['publish', 'score', 1_040]]);
    const clock = new VirtualClock();
    const held = perform(score('s').step('a', { agent: () => 1 }), { clock });
    held.fermata('a');
    clock.setTimeout(() => {
      expect(held.holds).toMatchObject([
        { stepId: 'a', source: 'caller', question: undefined, until: undefined },
      ]);
      void held.cue('a');
    }, 5);
    await held.result;
  });
  test('has no operands of a step that reads what is not there; the step fails when it starts', async () => {
    const clock = new VirtualClock();
    const steps = score('s')
      .step('a', { agent: () => ({ x: 1 }) as { x?: number; y?: number } })
      .step('b', {
        agent: ({ y }: { y: unknown }) => y,
        reads: { y: 'a.y' } as never,
        fermata: { question: '?' },
      });
    const run = perform(steps, { clock });
    clock.setTimeout(() => {
      expect(run.holds).toMatchObject([{ stepId: 'b', operands: {} }]);
      void run.cue('b');
    }, 5);
    expect((await run.report).errors[0]!.message).toContain("the result of 'a' has no 'y'");
  });
});

describe('an answer in a signal of another program', () => {
  const send = (payload: Record<string, unknown>) =>
    cue({ source: 'web', targets: ['publish'], intent: 'resume', payload });
  const slow = z.number().refine(async (value) => (await Promise.resolve(value)) > 2, 'too small');
  test.each<[string, Held, Record<string, unknown>, string]>([
    ['that does not fit', { question: 'Sure?', answer: Verdict }, { answer: 3 }, ' The question is: Sure? The step is still held.'], // prettier-ignore
    ['that an asynchronous schema refuses', { answer: slow }, { answer: 1 }, 'too small'],
    [
      'that is missing',
      { answer: Verdict },
      { operands: {} },
      "step 'publish' needs an answer: cue it with one.",
    ],
    [
      'of an operand that there is not',
      { answer: Verdict },
      { operands: { txt: 1 } },
      "has no operand 'txt'",
    ],
  ])('%s is reported with its reason, and the step stays held', async (_, hold, payload, reason) => {
    const { run, events } = at(hold, {
      50: (r) => r.signal(send(payload)),
      60: (r) => {
        expect(r.holds).toHaveLength(1);
        void r.refuse('publish');
      },
    });
    await run.report;
    const unmatched = events.filter(({ type }) => type === 'signal.unmatched');
    expect(unmatched).toMatchObject([{ signal: 'cue', targets: ['publish'] }]);
    expect((unmatched[0] as { reason: string }).reason).toContain(reason);
  });
  test('in two signals: the first that fits is kept, and edits add up', async () => {
    const { run } = at(
      { answer: Verdict, timeoutMs: 1_000 },
      {
        5: (r) => r.signal(send({ answer: { publish: true }, operands: { text: 'edited' } })),
        50: (r) => r.signal(send({})),
      },
    );
    expect((await run.result).outputs.publish).toEqual({
      ...{ text: 'edited', answer: { publish: true, note: 'none' } },
    });
  });
});

test('no reminder is sent for a time of 0, or of a step that is no longer held', async () => {
  const never = at({ question: '?', remindMs: 0, timeoutMs: 100 }, { 75: (r) => r.cue('publish') });
  await never.run.result;
  const late = at(
    { question: '?', remindMs: 10, timeoutMs: 100 },
    { 45: (r) => r.cue('publish') },
    { agent: (_: {}, { sleep }: AgentContext) => sleep(100) },
  );
  await late.run.result;
  for (const { events } of [never, late])
    expect(events.some(({ type }) => type === 'step.reminded')).toBe(false);
});

describe('an edit', () => {
  test('replaces an operand before the step starts', async () => {
    const { run } = at(
      { answer: Verdict },
      { 50: (r) => r.cue('publish', { publish: true }, { operands: { text: 'better' } }) },
    );
    expect((await run.result).outputs.publish).toMatchObject({ text: 'better' });
  });
  test('of an operand that the step does not have is refused', async () => {
    const { run } = at({}, { 50: (r) => r.cue('publish') });
    expect(() => run.cue('publish', undefined, { operands: { txt: 1 } })).toThrow(
      "step 'publish' has no operand 'txt'; it has text.",
    );
    await run.result;
  });
});

describe('a refusal', () => {
  test('fails the step with its reason, and what does not read it goes on', async () => {
    const { run } = at({ question: '?' }, { 50: (r) => r.refuse('publish', 'not yet') });
    const { errors, outputs, status } = await run.report;
    expect(status).toBe('failed');
    expect(errors[0]!.message).toContain("step 'publish' was refused: not yet");
    expect(outputs).toMatchObject({ other: 'went on' });
  });
  test.each([0, 50])('at %i ms makes a default stand in', async (ms) => {
    const { run } = at({ question: '?' }, { [ms]: (r) => r.refuse('publish') }, { default: 'kept' });
    expect((await run.result).outputs.publish).toBe('kept');
  });
  test('is not retried', async () => {
    const { run } = at({}, { 50: (r) => r.refuse('publish') }, { retry: { attempts: 3 } });
    expect((await run.report).timeline[1]!.attempts).toBe(0);
  });
});

test('several questions are answered in any order, each once', async () => {
  const decision = fc.record({ at: fc.integer({ min: 0, max: 60 }), how: fc.constantFrom('answer', 'refuse', 'wrong first') }); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(fc.array(decision, { minLength: 1, maxLength: 6 }), async (decisions) => {
      const clock = new VirtualClock();
      let steps: any = score('s').step('base', { agent: (_: {}, { sleep }: AgentContext) => sleep(30) });
      decisions.forEach((_, i) => {
        steps = steps.step(`q${i}`, {
          agent: (_: {}, { answer }: AgentContext) => answer,
          reads: i % 2 === 0 ? { base: 'base' } : {},
          fermata: { answer: z.number(), timeoutMs: 10_000 },
          default: -1,
        });
      });
      const run = perform(steps as ReturnType<typeof score>, { clock });
      decisions.forEach(({ at: ms, how }, i) =>
        clock.setTimeout(() => {
          if (how === 'refuse') return run.refuse(`q${i}`);
          if (how === 'wrong first') expect(() => run.cue(`q${i}`, 'text')).toThrow(AnswerError);
          return void run.cue(`q${i}`, i);
        }, ms),
      );
      const { outputs } = await run.result;
      decisions.forEach(({ how }, i) =>
        expect(outputs).toMatchObject({ [`q${i}`]: how === 'refuse' ? -1 : i }),
      );
      expect(run.holds).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test.each<[object, string]>([
  [{ question: '' }, 'fermata.question: must be a text'],
  [{ answer: { type: 'boolean' } }, 'fermata.answer: must be a schema of Standard Schema'],
  [{ remindMs: -1 }, 'fermata.remindMs'],
  [{ escalate: {} }, 'fermata.escalate.to: must say who decides then'],
  [{ escalate: { to: 'x', after: 1 } }, "unknown option 'after'"],
])('%j is refused', (fermata, message) => {
  expect(() => perform(review(fermata))).toThrow(message);
});
