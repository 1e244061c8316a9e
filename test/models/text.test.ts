/** Claims: a model's text arrives while it is written, in order, bounded for a slow reader, and at no cost without a reader. */
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { perform, scoreOf, type AgentContext, type RunEvent, type StepPlan } from 'tutti';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { progressOn } from '../../src/cli/progress.ts';
import { EventOverflowError, EventStream } from '../../src/score/event-stream.ts';
import { governed } from '../../src/models/choose.ts';
import { escalatingAgent, modelAgent, modelVerifier } from '../../src/models/model-agent.ts';
import { createRouter } from '../../src/routing/router.ts';
import { scriptedModel } from '../../src/testing/index.ts';
import { chatServer } from './helpers.ts';

type Text = RunEvent & { readonly type: 'step.text' };
const isText = (event: RunEvent): event is Text => event.type === 'step.text';
/** The text that a reader has after joining the parts. */
const shown = (events: readonly RunEvent[], stepId: string): string =>
  events
    .filter(isText)
    .filter((event) => event.stepId === stepId)
    .reduce((text, { delta, again }) => (again ? delta : text + delta), '');
const verdictSchema = z.object({ accepted: z.boolean(), reason: z.string() });
const one = (run: unknown, id = 'draft'): StepPlan[] => [{ id, agent: run as StepPlan['agent'] }];

describe('text of a model', () => {
  test('comes over the wire in parts, each with its step and agent, before the step ends', async () => {
    await using server = await chatServer([{ kind: 'answer', text: 'hello, world' }]);
    const writer = modelAgent({ name: 'writer', model: server.model(), prompt: 'x' });
    const events: RunEvent[] = [];
    const run = perform(scoreOf('s', one(writer)), { onEvent: (event) => events.push(event) });
    expect((await run.result).outputs).toEqual({ draft: 'hello, world' });
    const parts = events.filter(isText);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts[0]).toMatchObject({ stepId: 'draft', agent: 'writer', attempt: 1, delta: 'hel' });
    expect(shown(events, 'draft')).toBe('hello, world');
    expect(events.findIndex(({ type }) => type === 'step.ended')).toBeGreaterThan(
      events.lastIndexOf(parts.at(-1)!),
    );
  });

  test('of an answer that broke off is taken back', async () => {
    await using server = await chatServer([
      { kind: 'cut', text: 'this is not' },
      { kind: 'answer', text: 'whole' },
    ]);
    const writer = modelAgent({ name: 'w', model: server.model(), prompt: 'x', retry: { delayMs: 0 } });
    const events: RunEvent[] = [];
    await perform(scoreOf('s', one(writer)), { onEvent: (event) => events.push(event) }).result;
    expect(
      events
        .filter(isText)
        .map(({ delta }) => delta)
        .join(''),
    ).toContain('this');
    expect(shown(events, 'draft')).toBe('whole');
  });

  test('starts again one step up, and a verifier’s is not the step’s', async () => {
    const governor = new UnitGovernor({ unit: 'u' });
    const answers = ['weak', 'strong'];
    const model = governed({
      governor,
      router: createRouter({
        nearest: true,
        table: [
          { tempo: 'presto', dynamics: 'ff', model: 'a:m' },
          { tempo: 'grave', dynamics: 'fff', model: 'b:judge' },
        ],
      }),
      models: {
        'a:m': scriptedModel({ provider: 'a', modelId: 'm', script: () => answers.shift() }),
        'b:judge': scriptedModel({
          provider: 'b',
          modelId: 'judge',
          script: () => ({ object: { accepted: true, reason: 'nothing wrong' } }),
        }),
      },
    });
    const judge = (context: AgentContext) =>
      modelVerifier<string>({ name: 'j', model, context, verdictSchema, prompt: '{result}' });
    const agent = escalatingAgent({
      name: 'e',
      model,
      prompt: 'x',
      verify: (_, context) => [
        { name: 'v', kind: 'program', check: (value) => value === 'strong' },
        judge(context),
      ],
    });
    const events: RunEvent[] = [];
    await perform(scoreOf('s', one(agent)), { onEvent: (event) => events.push(event) }).result;
    expect(shown(events, 'draft')).toBe('strong');
    expect(events.filter(isText).filter(({ again }) => again)).toHaveLength(2);
  });

  test('is not made without a reader, nor where the agent has `tell: false`', async () => {
    const had: unknown[] = [];
    const look = { name: 'look', run: (_: object, context: AgentContext) => void had.push(context.say) };
    await perform(scoreOf('s', one(look))).result;
    expect(had).toEqual([undefined]);
    const model = scriptedModel({ script: ['quiet'] });
    const quiet = modelAgent({ name: 'q', model, prompt: 'x', tell: false });
    const events: RunEvent[] = [];
    await perform(scoreOf('s', one(quiet)), { onEvent: (event) => events.push(event) }).result;
    expect(events.some(isText)).toBe(false);
    expect(events.length).toBeGreaterThan(3);
  });

  test('that an agent sends after its step has ended is dropped', async () => {
    let late: AgentContext['say'];
    const slow = {
      name: 'slow',
      run: (_: object, context: AgentContext) => {
        late = context.say;
        context.say?.('in time');
        return 1;
      },
    };
    const events: RunEvent[] = [];
    await perform(scoreOf('s', one(slow)), { onEvent: (event) => events.push(event) }).result;
    late?.('too late');
    expect(shown(events, 'draft')).toBe('in time');
  });
});

describe('a reader of run.events', () => {
  const body = { runId: 'r', seq: 0, timestamp: 0 } as const;
  const text = (stepId: string, delta: string, again = false): RunEvent => ({
    ...body, type: 'step.text', stepId, agent: 'a', attempt: 1, delta, again,
  }); // prettier-ignore

  test('that is slow finds all text of a step in one event, and other events where they were', async () => {
    const stream = new EventStream(() => {});
    const reader = stream[Symbol.asyncIterator]();
    for (let i = 0; i < 100_000; i++) stream.push(text(i % 2 === 0 ? 'a' : 'b', '.'));
    stream.push({ ...body, type: 'step.ended', stepId: 'a', status: 'done' });
    stream.push(text('b', '!'));
    stream.push(text('b', 'restarted', true));
    stream.push(text('a', 'next try', true));
    stream.end();
    const read: RunEvent[] = [];
    for await (const event of reader) read.push(event);
    expect(read.map(({ type }) => type)).toEqual(['step.text', 'step.text', 'step.ended', 'step.text']);
    expect((read[0] as Text).delta).toHaveLength(50_000);
    expect(shown(read, 'a')).toBe('next try');
    expect(shown(read, 'b')).toBe('restarted');
  });

  test('that does not read at all is cut off at a bound, and no other reader is', async () => {
    const stream = new EventStream(() => {});
    const stuck = stream[Symbol.asyncIterator]();
    const long = 'x'.repeat(1 << 20);
    for (let i = 0; i < 40; i++) stream.push(text('a', long));
    const awake = stream[Symbol.asyncIterator]();
    stream.push(text('a', 'y'));
    stream.end();
    let characters = 0;
    await expect(async () => {
      for await (const event of stuck) if (isText(event)) characters += event.delta.length;
    }).rejects.toThrow(EventOverflowError);
    expect(characters).toBeLessThanOrEqual((1 << 24) + (1 << 20));
    const read: RunEvent[] = [];
    for await (const event of awake) read.push(event);
    expect(shown(read, 'a')).toBe('y');
  });

  test('does not see its event change under its hands', async () => {
    const stream = new EventStream(() => {});
    const reader = stream[Symbol.asyncIterator]();
    const [first, second] = [text('a', '0'), text('a', '1')];
    stream.push(first);
    stream.push(second);
    expect([(first as Text).delta, (second as Text).delta]).toEqual(['0', '1']); // other readers may hold them
    const { value } = await reader.next();
    stream.push(text('a', '2'));
    expect((value as Text).delta).toBe('01');
    await reader.return(undefined);
  });
});

test.each([true, false])('progress says how much a step has written (terminal: %s)', async (isTTY) => {
  const stream = new PassThrough();
  let written = '';
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
  Object.assign(stream, { isTTY, columns: 80, rows: 10 });
  const model = scriptedModel({ script: [{ text: 'x'.repeat(1_234) }] });
  const score = scoreOf('s', one(modelAgent({ name: 'writer', model, prompt: 'x' })));
  const progress = progressOn(stream as unknown as NodeJS.WriteStream, score.program);
  await perform(score, { onEvent: (event) => progress.tell(event) }).result;
  progress.end();
  expect(written).toMatch(/draft.*1,234 characters/);
  expect(written.split('\n').length).toBeLessThan(8);
});
