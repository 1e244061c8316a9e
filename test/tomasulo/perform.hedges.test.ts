/** Claims: a late step is attempted a second time; its first success counts, and the other attempt is stopped. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { rename } from '../../actors/tomasulo/program.ts';
import { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { checkDocument, scoreOfDocument } from '../../src/score/score-file.ts';
import {
  agent,
  perform,
  score,
  ScoreError,
  VirtualClock,
  type AgentContext,
  type RunEvent,
} from '../../src/index.ts';

/** What an attempt does: when it ends, how, and whether it stops when it is asked to. */
interface Attempted {
  readonly ms: number;
  readonly ok: boolean;
}
const attempted = fc.record({ ms: fc.integer({ min: 0, max: 40 }), ok: fc.boolean() });

/** When a hedged try ends and with what, in words of the guide. */
function expected(first: Attempted, second: Attempted, afterMs: number): { at: number; answer: string } {
  const of = (who: string, { ok }: Attempted) => `${who} ${ok ? 'done' : 'failed'}`;
  if (first.ms < afterMs) return { at: first.ms, answer: of('first', first) };
  const end = afterMs + second.ms;
  const [early, late] = first.ms <= end ? ['first', 'second'] : ['second', 'first'];
  const by = { first: { ...first, at: first.ms }, second: { ...second, at: end } };
  const [one, other] = [by[early as 'first'], by[late as 'first']];
  return one.ok ? { at: one.at, answer: of(early!, one) } : { at: other.at, answer: of(late!, other) };
}

const behaves =
  (first: Attempted, second: Attempted) =>
  async (_: {}, { sleep, hedged }: AgentContext) => {
    const { ms, ok } = hedged === true ? second : first;
    await sleep(ms);
    const who = hedged === true ? 'second' : 'first';
    if (!ok) throw new Error(`${who} failed`);
    return `${who} done`;
  };

describe('a hedged try', () => {
  test('ends with its first success, or its last failure, at the time that the guide says', async () => {
    await fc.assert(
      fc.asyncProperty(
        attempted,
        attempted,
        fc.integer({ min: 0, max: 30 }),
        async (first, second, afterMs) => {
          // Of two that end at one instant either may come first.
          fc.pre(first.ms !== afterMs && first.ms !== afterMs + second.ms);
          const steps = score('s').step('a', {
            agent: behaves(first, second),
            effects: 'none',
            hedge: { afterMs },
          });
          const report = await perform(steps, { clock: new VirtualClock() }).report;
          const { end, status, hedges, attempts } = report.timeline[0]!;
          const { at, answer } = expected(first, second, afterMs);
          const got = status === 'done' ? report.outputs['a'] : (report.errors[0]!.cause as Error).message;
          expect({ at: end, answer: got }).toEqual({ at, answer });
          expect(attempts).toBe(1);
          const started = first.ms >= afterMs ? 1 : 0;
          const won = answer === 'second done' ? 1 : 0;
          expect(hedges).toEqual(started === 0 ? undefined : { started, won });
          expect(report.usage.calls).toBe(1 + started);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('never runs more than the capacity of its agent, and gives every place back', async () => {
    const plan = fc.record({ first: attempted, second: attempted, deaf: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        fc.constantFrom('reactive', 'batch', 'sequential'),
        async (plans, capacity, maxConcurrency, dispatch) => {
          const clock = new VirtualClock();
          let running = 0;
          let most = 0;
          const work = agent({
            name: 'work',
            capacity,
            run: async ({ i }: { i: number }, { sleep, hedged }: AgentContext) => {
              const { first, second, deaf } = plans[i]!;
              const { ms, ok } = hedged === true ? second : first;
              most = Math.max(most, ++running);
              try {
                // One that is deaf goes on for a while after it has been asked to stop.
                await sleep(ms).catch((error: unknown) => {
                  if (!deaf) throw error;
                });
                for (let i = 0; deaf && i < 5; i++) await Promise.resolve();
                if (!ok) throw new Error('no');
                return i;
              } finally {
                running--;
              }
            },
          });
          const built = plans.reduce<any>(
            (all, _, i) =>
              all.step(`n${i}`, { agent: () => i }).step(`s${i}`, {
                agent: work,
                reads: { i: `n${i}` },
                effects: 'idempotent',
                hedge: { afterMs: 10 },
                default: -1,
              }),
            score('s'),
          );
          const report = await perform(built, { clock, maxConcurrency, dispatch, graceMs: 20 }).report;
          expect(report.status).toBe('completed');
          expect(most).toBeLessThanOrEqual(
            dispatch === 'sequential' ? 1 : Math.min(capacity, maxConcurrency ?? Infinity),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  test('has a second attempt only if a place is free', async () => {
    const slow = agent({
      name: 'slow',
      capacity: 2,
      run: async (_: {}, { sleep }: AgentContext) => sleep(100),
    });
    const hedge = { effects: 'none', hedge: { afterMs: 10 } } as const;
    const steps = score('s')
      .step('a', { agent: slow, ...hedge })
      .step('b', { agent: slow, ...hedge });
    const { timeline } = await perform(steps, { clock: new VirtualClock() }).result;
    expect(timeline.map(({ hedges }) => hedges)).toEqual([undefined, undefined]);
  });

  test.each([true, false])(
    'leaves the agent all of its places, also when the second wins: %s',
    async (wins) => {
      const pair = agent({
        name: 'pair',
        capacity: 2,
        run: async (_: {}, { stepId, hedged, sleep }: AgentContext) =>
          sleep(stepId !== 'a' ? 10 : (hedged === true) === wins ? 15 : 50),
      });
      const steps = score('s')
        .step('a', { agent: pair, effects: 'none', hedge: { afterMs: 5 } })
        .step('b', { agent: pair, after: ['a'] })
        .step('c', { agent: pair, after: ['a'] });
      const { makespan } = await perform(steps, { clock: new VirtualClock() }).result;
      expect(makespan).toBe(wins ? 30 : 25);
    },
  );

  test('fails once when both attempts have failed, and is then retried as a whole', async () => {
    const seen: string[] = [];
    const events: string[] = [];
    const steps = score('s').step('a', {
      agent: async (_: {}, { attempt, hedged, effectKey, sleep }: AgentContext) => {
        seen.push(`${attempt}${hedged === true ? ' hedged' : ''} ${effectKey}`);
        await sleep(hedged === true ? 30 : 20);
        if (attempt === 1) throw new Error('overloaded');
        return 'done';
      },
      effects: 'idempotent',
      hedge: { afterMs: 5 },
      retry: { attempts: 2, delayMs: 100 },
    });
    const onEvent = ({ type }: RunEvent) => events.push(type);
    const { timeline, usage } = await perform(steps, { clock: new VirtualClock(), runId: 'r', onEvent })
      .result;
    expect(seen).toEqual(['1 r/a', '1 hedged r/a', '2 r/a', '2 hedged r/a']);
    expect(timeline[0]).toMatchObject({ attempts: 2, end: 35 + 100 + 20, hedges: { started: 2, won: 0 } });
    expect(usage).toMatchObject({ calls: 4, retries: 1 });
    expect(events.filter((type) => type === 'step.hedged' || type === 'step.retrying')).toEqual([
      'step.hedged',
      'step.retrying',
      'step.hedged',
    ]);
  });

  test.each([
    ['its time-out', { timeoutMs: 50 }, undefined, 50, 'TimeoutError'],
    ['a time-out before the second begins', { timeoutMs: 5 }, undefined, 5, 'TimeoutError'],
    ['the silence of both', { idleMs: 30 }, undefined, 40, 'IdleError'],
    ['a caesura', {}, 25, 25, 'CancelledError'],
  ])('is ended by %s, with both attempts', async (_, options, cancelAt, end, name) => {
    const clock = new VirtualClock();
    const aborted: string[] = [];
    const steps = score('s').step('a', {
      agent: async (_: {}, { signal, sleep }: AgentContext) => {
        signal.addEventListener('abort', () => aborted.push((signal.reason as Error).name));
        await sleep(1_000);
      },
      effects: 'none',
      hedge: { afterMs: 10 },
      ...options,
    });
    const run = perform(steps, { clock });
    if (cancelAt !== undefined) clock.setTimeout(() => run.cancel(), cancelAt);
    const { errors, makespan } = await run.report;
    const [error] = errors;
    expect(((error!.cause as Error | undefined) ?? error!).name).toBe(name);
    expect(makespan).toBe(end);
    expect(aborted).toEqual(end === 5 ? [name] : [name, name]);
  });

  test('is not held up by an attempt that ignores that it is to stop', async () => {
    const steps = score('s').step('a', {
      agent: (_: {}, { hedged, sleep }: AgentContext) =>
        hedged === true ? sleep(5).then(() => 'second') : new Promise(() => {}),
      effects: 'none',
      hedge: { afterMs: 10 },
    });
    const { outputs } = await perform(steps, { graceMs: 60_000 }).result;
    expect(outputs.a).toBe('second');
  });

  test('pays for its second attempt, and has none when the budget is spent', async () => {
    const steps = score('s').step('a', {
      agent: async (_: {}, { sleep }: AgentContext) => sleep(100),
      effects: 'none',
      hedge: { afterMs: 10 },
    });
    for (const [calls, used] of [
      [1, 1],
      [2, 2],
    ] as const) {
      const { usage } = await perform(steps, { clock: new VirtualClock(), budget: { calls } }).result;
      expect(usage.calls).toBe(used);
    }
  });

  test('sends the text of the second attempt once that has won', async () => {
    const steps = score('s').step('a', {
      agent: async (_: {}, { hedged, say, sleep }: AgentContext) => {
        say?.(hedged === true ? 'new' : 'old');
        await sleep(hedged === true ? 5 : 100);
      },
      effects: 'none',
      hedge: { afterMs: 10 },
    });
    const texts: unknown[] = [];
    const onEvent = (event: RunEvent) => event.type === 'step.text' && texts.push([event.delta, event.again]);
    await perform(steps, { clock: new VirtualClock(), onEvent }).result;
    expect(texts).toEqual([
      ['old', false],
      ['new', true],
    ]);
  });

  test('is one of each element of a map, and of each round of a vamp', async () => {
    const slow = async (_: {}, { hedged, sleep }: AgentContext) =>
      sleep(hedged === true ? 1 : 100).then(() => 1);
    const steps = score('s')
      .step('list', { agent: () => [1, 2] })
      .map('m', { over: 'list', agent: slow, effects: 'none', hedge: { afterMs: 10 } })
      .step('v', {
        agent: slow,
        effects: 'none',
        hedge: { afterMs: 10 },
        vamp: { max: 3, until: (_, n) => n === 3 },
      });
    const { timeline } = await perform(steps, { clock: new VirtualClock() }).result;
    const won = timeline.map(({ id, hedges, end, start }) => [id, hedges?.won, end! - start!]);
    expect(won).toEqual([
      ['list', undefined, 0],
      ['m', undefined, 11],
      ['m[0]', 1, 11],
      ['m[1]', 1, 11],
      ['v', 3, 33],
    ]);
  });

  test('leaves no actor behind that an inspector sees', async () => {
    const seen: string[] = [];
    const clock = new VirtualClock();
    const run = async (operands: Record<string, unknown>, context: AgentContext) =>
      behaves({ ms: 50, ok: true }, { ms: 5, ok: true })(operands, context);
    const step = { id: 'a', agent: { name: 'a', run }, effects: 'none', hedge: { afterMs: 10 } } as const;
    const orchestrator = new Orchestrator(rename([step]), {
      runId: 'r',
      clock,
      inspect: (event) => {
        if (
          event.type === '@xstate.snapshot' &&
          (event.actorRef as unknown as { id: string }).id === 'hedge:a'
        )
          seen.push(`${(event.snapshot as unknown as { value: string }).value} ${event.snapshot.status}`);
      },
    });
    orchestrator.start();
    expect((await orchestrator.outcome).outputs).toEqual({ a: 'second done' });
    expect(seen.slice(0, 3)).toEqual(['early active', 'both active', 'decided active']);
    expect(seen.at(-1)).toBe('over stopped');
  });
});

describe('a hedge is refused', () => {
  const step = (options: object) => () =>
    score('s').step('a', { agent: () => 1, ...options } as never).program;
  test.each([
    [
      { hedge: { afterMs: 1 } },
      "steps[0].hedge: the step does not say what its effects are, so a second attempt might do something twice; say effects: 'none' or 'idempotent'",
    ],
    [{ hedge: { afterMs: 1 }, effects: 'external' }, "steps[0].hedge: its effects are 'external'"],
    [{ hedge: {}, effects: 'none' }, 'steps[0].hedge.afterMs: is missing; say after which time'],
    [{ hedge: { afterMs: -1 }, effects: 'none' }, 'steps[0].hedge.afterMs: must be a number from 0'],
    [
      { hedge: { after: 1 }, effects: 'none' },
      "steps[0].hedge: unknown option 'after'. Did you mean 'afterMs'?",
    ],
    [{ hedge: 5, effects: 'none' }, 'steps[0].hedge: must be an object with afterMs; not 5'],
  ])('%j', (options, message) => {
    expect(step(options)).toThrow(ScoreError);
    expect(step(options)).toThrow(message);
  });

  test('in a score file, with its place', async () => {
    const text = (more: string) => `
score: s
agents: { a: { module: ./a.js } }
steps: [{ id: a, agent: a, hedge: { after: 0.01 }${more} }]`;
    const run = behaves({ ms: 50, ok: true }, { ms: 5, ok: true }) as never;
    const build = (more: string) =>
      scoreOfDocument(checkDocument(parse(text(more))), new Map([['a', { name: 'a', run }]]));
    expect(() => build('')).toThrow('the step does not say what its effects are');
    const { outputs, makespan } = await perform(build(', effects: none'), { clock: new VirtualClock() })
      .result;
    expect([outputs, makespan]).toEqual([{ a: 'second done' }, 15]);
  });
});
