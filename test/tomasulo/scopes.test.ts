import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, perform, score, VirtualClock, type RunEvent } from '../../src/index.ts';

type N = { item: number };
const sleepy = async ({ item }: N, context: { sleep(ms: number): Promise<void> }): Promise<number> => {
  await context.sleep(item);
  return item * 2;
};
const virtual = () => ({ clock: new VirtualClock() });
const numbers = (list: readonly number[]) => score('numbers').step('list', { agent: () => [...list] });
const idsOf = (timeline: readonly { id: string; status: string }[]) =>
  timeline.map(({ id, status }) => `${id} ${status}`);

describe('map', () => {
  it('takes its types from the list and the agent', () => {
    const s = numbers([1]);
    const doubled = ({ item }: N) => item * 2;
    // @ts-expect-error the elements are numbers
    s.map('m', { over: 'list', agent: ({ item }: { item: string }) => item });
    // @ts-expect-error nothing writes this name
    expect(() => s.map('m', { over: 'lists', agent: doubled }).program).toThrow(
      "no step above writes 'lists'",
    );
    // @ts-expect-error the agent wants another operand
    s.map('m', { over: 'list', agent: ({ item, by }: { item: number; by: number }) => item * by });
    type Out<S extends { names: { m: unknown } }> = S['names']['m'];
    const all = s.map('m', { over: 'list', agent: doubled });
    const any = s.map('m', { over: 'list', agent: doubled, join: 'any' });
    const quorum = s.map('m', { over: 'list', agent: doubled, join: { quorum: 1 } });
    const typed: [Out<typeof all>, Out<typeof any>, Out<typeof quorum>] = [[1], 1, [1]];
    expect(typed).toHaveLength(3);
  });

  it('gives the results in the order of the list, whichever ends first', async () => {
    const s = numbers([30, 10, 20]).map('twice', { over: 'list', agent: sleepy });
    const report = await perform(s, virtual()).result;
    expect(report.outputs.twice).toEqual([60, 20, 40]);
    expect(report.makespan).toBe(30);
    expect(report.criticalPath).toEqual({ length: 30, steps: ['list', 'twice', 'twice[0]'] });
    expect(idsOf(report.timeline)).toEqual([
      'list done',
      'twice done',
      'twice[0] done',
      'twice[1] done',
      'twice[2] done',
    ]);
  });

  it('makes an empty list of an empty list', async () => {
    const s = numbers([]).map('twice', { over: 'list', agent: sleepy });
    expect((await perform(s, virtual()).result).outputs.twice).toEqual([]);
  });

  it('runs at most `concurrency` elements at once', async () => {
    let [now, most] = [0, 0];
    const s = numbers([5, 5, 5, 5, 5]).map('m', {
      over: 'list',
      concurrency: 2,
      agent: async ({ item }: N, context) => {
        most = Math.max(most, ++now);
        await context.sleep(item);
        now--;
      },
    });
    const { makespan } = await perform(s, virtual()).result;
    expect([most, makespan]).toEqual([2, 15]);
  });

  it('passes what it reads, the element and its place to the agent', async () => {
    const s = score('s')
      .input(z.object({ words: z.array(z.string()), mark: z.string() }))
      .map('m', {
        over: 'input.words',
        as: 'word',
        index: 'place',
        reads: { mark: 'input.mark' },
        agent: ({ word, place, mark }: { word: string; place: number; mark: string }) => word + place + mark,
      });
    const { outputs } = await perform(s, { input: { words: ['a', 'b'], mark: '!' } }).result;
    expect(outputs.m).toEqual(['a0!', 'b1!']);
  });

  it('maps inside of maps, in any window', async () => {
    const inner = score('inner')
      .input(z.object({ row: z.array(z.number()) }))
      .map('cells', { over: 'input.row', agent: sleepy })
      .step('sum', {
        agent: ({ cells }: { cells: readonly number[] }) => cells.reduce((a, b) => a + b, 0),
        reads: { cells: 'cells' },
      })
      .outputs({ sum: 'sum' });
    const s = score('s')
      .input(z.array(z.array(z.number())))
      .map('rows', { over: 'input', as: 'row', score: inner })
      .step('after', {
        agent: ({ rows }: { rows: readonly unknown[] }) => rows.length,
        reads: { rows: 'rows' },
      });
    const input = [[1, 2], [], [3]];
    for (const window of [1, 2, 3, 1024]) {
      const { outputs } = await perform(s, { input, window, ...virtual() }).result;
      expect(outputs).toEqual({ rows: [{ sum: 6 }, { sum: 0 }, { sum: 6 }], after: 3 });
    }
  });

  it('does not lock up when the window is full of steps that wait for the map', async () => {
    let s: any = numbers([1, 2, 3]).map('m', { over: 'list', agent: sleepy });
    for (let i = 0; i < 10; i++) s = s.step(`s${i}`, { agent: () => i, after: ['m'] });
    for (const window of [1, 2, 4]) {
      const { status } = await perform(s, { window, ...virtual() }).result;
      expect(status).toBe('completed');
    }
  });

  it('does not lock up when a held map is released after the window has filled behind it', async () => {
    let s: any = numbers([1, 2]).map('m', { over: 'list', agent: sleepy, fermata: {} });
    for (let i = 0; i < 10; i++) s = s.step(`s${i}`, { agent: () => i, after: ['m'] });
    const run = perform(s, {
      window: 3,
      ...virtual(),
      onEvent: (event: RunEvent) => void (event.type === 'step.held' && run.cue('m')),
    });
    expect((await run.result).status).toBe('completed');
  });

  it('settles every element, and then fails with the fault of the first that failed in the list', async () => {
    const s = numbers([3, 2, 1]).map('m', {
      over: 'list',
      agent: async ({ item }: N, context) => {
        await context.sleep(item);
        if (item > 1) throw new Error(`no ${item}`);
      },
    });
    const report = await perform(s, virtual()).report;
    expect(report.errors.map(String)).toEqual(["StepError: step 'm[0]' failed: no 3"]);
    expect(idsOf(report.timeline)).toEqual([
      'list done',
      'm failed',
      'm[0] failed',
      'm[1] failed',
      'm[2] done',
    ]);
  });

  const odd = async ({ item }: N, context: { sleep(ms: number): Promise<void> }): Promise<number> => {
    await context.sleep(item);
    if (item % 2 === 1) throw new Error(`odd ${item}`);
    return item;
  };
  it('joins any: the first success counts, and the rest is cancelled', async () => {
    const s = numbers([1, 4, 2, 6]).map('m', { over: 'list', agent: odd, join: 'any', concurrency: 3 });
    const report = await perform(s, virtual()).result;
    expect([report.outputs.m, report.makespan]).toEqual([2, 2]);
    expect(idsOf(report.timeline).slice(1)).toEqual([
      'm done',
      'm[0] failed',
      'm[1] cancelled',
      'm[2] done',
      'm[3] cancelled',
    ]);
  });
  it('joins first: the first that ends counts, also a failure', async () => {
    const s = numbers([4, 1]).map('m', { over: 'list', agent: odd, join: 'first' });
    expect((await perform(s, virtual()).report).errors.map(String)).toEqual([
      "StepError: step 'm[1]' failed: odd 1",
    ]);
  });
  it('joins a quorum, in the order of the list', async () => {
    const s = numbers([6, 1, 4, 2]).map('m', { over: 'list', agent: odd, join: { quorum: 2 } });
    expect((await perform(s, virtual()).result).outputs.m).toEqual([4, 2]);
  });
  it('fails as soon as a quorum is out of reach', async () => {
    const s = numbers([9, 1, 3]).map('m', { over: 'list', agent: odd, join: { quorum: 3 } });
    const report = await perform(s, virtual()).report;
    expect(report.makespan).toBe(1);
    expect(String(report.errors[0])).toContain('3 successes are needed, and 1 of 3 elements failed');
  });
  it('joins allSettled', async () => {
    const s = numbers([1, 2]).map('m', { over: 'list', agent: odd, join: 'allSettled' });
    const { m } = (await perform(s, virtual()).result).outputs;
    expect(m).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 2 }]);
  });

  it('refuses what is no list, and a quorum larger than the list, with the remedy', async () => {
    const noList = score('s')
      .step('list', { agent: () => 7 as unknown as number[] })
      .map('m', { over: 'list', agent: sleepy });
    expect(String((await perform(noList, virtual()).report).errors[0])).toBe(
      "StepError: step 'm' failed: 'm' maps over a number, which is no list; let `over` name a list, or make one in a step before.",
    );
    const large = numbers([1]).map('m', { over: 'list', agent: sleepy, join: { quorum: 2 } });
    expect(String((await perform(large, virtual()).report).errors[0])).toContain(
      "'m' needs 2 successes, and its list has 1 elements; lower `join.quorum`",
    );
  });

  it('retries and times out each element by itself', async () => {
    const s = numbers([1, 2]).map('m', {
      over: 'list',
      retry: { attempts: 2, delayMs: 1 },
      timeoutMs: 100,
      agent: ({ item }: N, { attempt }) => {
        if (attempt === 1 && item === 2) throw new Error('once');
        return item;
      },
    });
    const report = await perform(s, virtual()).result;
    expect(report.outputs.m).toEqual([1, 2]);
    expect(report.timeline.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 2]);
  });

  it('counts each element as a call of the budget, and the map as none', async () => {
    const s = numbers([1, 2, 3]).map('m', { over: 'list', agent: sleepy });
    const { usage } = await perform(s, { budget: { calls: 4 }, ...virtual() }).result;
    expect(usage.calls).toBe(4);
  });

  it('lets signals address an element, or the map for all of its elements', async () => {
    const held = numbers([1, 2]).map('m', { over: 'list', agent: sleepy });
    const run = perform(held, virtual());
    run.fermata('m[1]');
    const events: string[] = [];
    for await (const event of run.events) {
      if (event.type === 'step.held') {
        events.push(event.stepId);
        void run.cue('m[1]');
      }
    }
    expect(events).toEqual(['m[1]']);
    expect((await run.result).outputs.m).toEqual([2, 4]);

    const refused = perform(held, virtual());
    refused.signal({ type: 'caesura', source: 'test', targets: ['m[0]'] });
    expect(String((await refused.report).errors[0])).toContain("step 'm[0]' failed: the step was cancelled");

    const begun = perform(held, {
      ...virtual(),
      onEvent: (event) => {
        if (event.type === 'step.started' && event.stepId === 'm[1]')
          begun.signal({ type: 'caesura', source: 'test', targets: ['m'] });
      },
    });
    expect(idsOf((await begun.report).timeline).slice(1)).toEqual([
      'm cancelled',
      'm[0] cancelled',
      'm[1] cancelled',
    ]);
  });

  it('shares the units of the agent with all other steps', async () => {
    const one = agent({ name: 'one', capacity: 1, run: sleepy });
    const s = numbers([1, 2, 3]).map('m', { over: 'list', agent: one });
    expect((await perform(s, virtual()).result).makespan).toBe(6);
    expect((await perform(s, { ...virtual(), dispatch: 'batch' }).result).makespan).toBe(6);
    expect((await perform(s, { ...virtual(), dispatch: 'sequential' }).result).makespan).toBe(6);
  });

  it('is cancelled as a whole with the performance', async () => {
    const s = numbers([10, 20]).map('m', { over: 'list', agent: sleepy });
    const run = perform(s, {
      ...virtual(),
      onEvent: (event) => void (event.type === 'step.started' && event.stepId === 'm[1]' && run.cancel()),
    });
    const { status, timeline } = await run.report;
    expect(status).toBe('cancelled');
    expect(idsOf(timeline)).toEqual(['list done', 'm cancelled', 'm[0] cancelled', 'm[1] cancelled']);
  });
});

describe('when', () => {
  const draft = (length: number) =>
    score('s')
      .step('draft', { agent: () => 'x'.repeat(length) })
      .step('shorten', {
        agent: ({ draft }: { draft: string }) => draft.slice(0, 3),
        reads: { draft: 'draft' },
        when: ({ draft }) => draft.length > 3,
        writes: 'draft',
      })
      .step('print', { agent: ({ draft }: { draft: string }) => `<${draft}>`, reads: { draft: 'draft' } });

  it('performs the step if the condition holds; else the name keeps its earlier value', async () => {
    expect((await perform(draft(5)).result).outputs.print).toBe('<xxx>');
    const report = await perform(draft(2)).result;
    expect(report.outputs.print).toBe('<xx>');
    const [, skipped] = report.timeline;
    expect(skipped).toMatchObject({
      status: 'skipped',
      attempts: 0,
      reason: 'its condition does not hold',
    });
  });

  it('without an earlier value the name is absent: readers are skipped, and nothing fails', async () => {
    const s = score('s')
      .step('a', { agent: () => 1 })
      .step('b', { agent: () => 2, reads: { a: 'a' }, when: ({ a }: any) => a > 1 } as never)
      .step('c', { agent: ({ b }: { b: number }) => b, reads: { b: 'b' } } as never);
    const report = await perform(s as any).result;
    expect(report.outputs).toEqual({ a: 1 });
    expect(report.timeline.map(({ status, reason }) => [status, reason])).toEqual([
      ['done', undefined],
      ['skipped', 'its condition does not hold'],
      ['skipped', "'b' was skipped"],
    ]);
  });

  it('an absent value lets a default stand in', async () => {
    const s = score('s').step('b', { agent: () => 2, when: () => false, default: 7 });
    const report = await perform(s).result;
    expect(report.outputs.b).toBe(7);
    expect(report.timeline[0]!.status).toBe('skipped');
  });

  it('performs exactly one of a step with a condition and the `otherwise` below it', async () => {
    const s = (n: number) =>
      score('s')
        .step('n', { agent: () => n })
        .step('big', {
          agent: () => 'big',
          reads: { n: 'n' } as never,
          when: ({ n }: any) => n > 9,
          writes: 'size',
        })
        .step('small', { agent: () => 'small', otherwise: true, writes: 'size' });
    expect((await perform(s(10)).result).outputs.size).toBe('big');
    const report = await perform(s(1)).result;
    expect(report.outputs.size).toBe('small');
    expect(idsOf(report.timeline)).toEqual(['n done', 'big skipped', 'small done']);
  });

  it('a chain of conditions performs the first that holds', async () => {
    const chain = score('s')
      .input(z.number())
      .step('a', {
        agent: () => 'a',
        reads: { n: 'input' } as never,
        when: ({ n }: any) => n === 1,
        writes: 'r',
      })
      .step('b', {
        agent: () => 'b',
        reads: { n: 'input' } as never,
        when: ({ n }: any) => n <= 2,
        otherwise: true,
        writes: 'r',
      })
      .step('c', { agent: () => 'c', otherwise: true, writes: 'r' });
    for (const [n, r] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ] as const)
      expect((await perform(chain, { input: n }).result).outputs.r).toBe(r);
  });

  it('a condition that throws fails the step', async () => {
    const s = score('s').step('b', {
      agent: () => 2,
      when: () => {
        throw new Error('odd');
      },
    });
    expect(String((await perform(s).report).errors[0])).toBe("StepError: step 'b' failed: odd");
  });

  it('a step whose condition throws waits for no unit, and keeps none', async () => {
    const busy = agent({ name: 'busy', capacity: 1, run: async (_, { sleep }) => sleep(10) });
    const broken = () => {
      throw new Error('odd');
    };
    const s = score('s')
      .step('a', { agent: busy })
      .step('b', { agent: busy, when: broken })
      .step('c', { agent: busy });
    const report = await perform(s, virtual()).report;
    expect(report.timeline.map(({ end }) => end)).toEqual([10, 0, 20]);
  });

  it('a step that is not performed waits for no unit', async () => {
    const busy = agent({ name: 'busy', capacity: 1, run: async (_, { sleep }) => sleep(10) });
    const s = score('s')
      .step('a', { agent: busy })
      .step('b', { agent: busy, when: () => false, default: undefined as never })
      .step('c', { agent: busy, when: () => false });
    const report = await perform(s, virtual()).result;
    expect(report.timeline.map(({ end }) => end)).toEqual([10, 0, 0]);
  });

  it('refuses an `otherwise` without a condition above it', () => {
    const s = score('s')
      .step('a', { agent: () => 1 })
      .step('b', { agent: () => 1, otherwise: true });
    expect(() => s.program).toThrow('needs a step with a condition');
  });
});

describe('a score as a step', () => {
  const review = score('review')
    .input(z.object({ text: z.string() }))
    .step('length', { agent: ({ text }: { text: string }) => text.length, reads: { text: 'input.text' } })
    .step('verdict', { agent: ({ n }: { n: number }) => n > 3, reads: { n: 'length' } });

  it('gets what it reads as input, and returns its outputs', async () => {
    const s = score('s')
      .step('text', { agent: () => 'hello' })
      .step('review', { score: review, reads: { text: 'text' } });
    const report = await perform(s).result;
    expect(report.outputs.review).toEqual({ length: 5, verdict: true });
    expect(report.timeline.map(({ id, agent }) => [id, agent])).toEqual([
      ['text', 'text'],
      ['review', '(score)'],
      ['review/length', 'length'],
      ['review/verdict', 'verdict'],
    ]);
  });

  it('checks its input', async () => {
    const s = score('s')
      .step('text', { agent: () => 5 as unknown as string })
      .step('review', { score: review, reads: { text: 'text' } });
    expect(String((await perform(s).report).errors[0])).toContain(
      "step 'review' failed: the input of 'review' does not fit its schema: text:",
    );
  });

  it('is faulty with the first fault that no step inside absorbs', async () => {
    const failing = score('f').step('a', {
      agent: () => {
        throw new Error('no');
      },
    });
    const s = score('s')
      .step('f', { score: failing })
      .step('after', { agent: () => 1, after: ['f'] });
    const report = await perform(s).report;
    expect(report.errors.map(String)).toEqual(["StepError: step 'f/a' failed: no"]);
    expect(idsOf(report.timeline)).toEqual(['f failed', 'f/a failed', 'after skipped']);
    const saved = score('s').step('f', { score: failing, default: { a: 0 } as never });
    expect((await perform(saved).result).outputs.f).toEqual({ a: 0 });
  });

  it('stops after its timeout with all that is in it', async () => {
    const slow = score('slow').step('a', { agent: (_: object, { sleep }) => sleep(100) });
    const s = score('s').step('f', { score: slow, timeoutMs: 10 });
    const report = await perform(s, virtual()).report;
    expect(report.makespan).toBe(10);
    expect(String(report.errors[0])).toContain("step 'f' did not finish within 0.01 s");
  });

  it('keeps downbeats, holds and conditions inside', async () => {
    const inner = score('inner')
      .step('a', { agent: (_: object, { sleep }) => sleep(5) })
      .downbeat()
      .step('b', { agent: (_: object, { now }) => now(), fermata: { timeoutMs: 7, onTimeout: 'resume' } })
      .step('c', { agent: () => 1, when: () => false });
    const s = score('s').step('i', { score: inner });
    const { outputs } = await perform(s, virtual()).result;
    expect(outputs.i).toEqual({ a: undefined, b: 12 });
  });

  it('refuses a score without steps, and one that shares state', () => {
    expect(() => score('s').step('i', { score: score('e') }).program).toThrow("'e' has no steps");
    const sharing = score('e')
      .step('a', { agent: () => 1 })
      .shared({ n: z.number() }, { initial: { n: 0 } });
    expect(() => score('s').step('i', { score: sharing })).toThrow('shares state');
  });
});

describe('repeat', () => {
  const round = score('round')
    .input(z.object({ text: z.string() }))
    .step('text', { agent: ({ text }: { text: string }) => `${text}x`, reads: { text: 'input.text' } })
    .step('ok', { agent: ({ text }: { text: string }) => text.length >= 3, reads: { text: 'text' } });
  const looped = (options: object = {}) =>
    score('s')
      .input(z.object({ text: z.string() }))
      .repeat('loop', {
        score: round,
        reads: { text: 'input.text' },
        until: ({ ok }: any) => ok,
        max: 5,
        ...options,
      } as never) as any;

  it('goes round until its outputs are good enough, each round from those of the one before', async () => {
    const report = await perform(looped(), { input: { text: '' } }).result;
    expect(report.outputs).toEqual({ loop: { text: 'xxx', ok: true } });
    expect(report.timeline.map(({ id }) => id)).toEqual([
      'loop',
      ...['loop#1/text', 'loop#1/ok', 'loop#2/text', 'loop#2/ok', 'loop#3/text', 'loop#3/ok'],
    ]);
    expect(report.criticalPath.steps).toHaveLength(7);
  });

  it('fails at its cap, or accepts what it has', async () => {
    const failed = await perform(looped({ max: 2 }), { input: { text: '' } }).report;
    expect(String(failed.errors[0])).toBe(
      "StepError: step 'loop' failed: not good enough after 2 rounds; raise `max`, or say onCap: 'accept' to take the last result.",
    );
    const accepted = await perform(looped({ max: 2, onCap: 'accept' }), { input: { text: '' } }).result;
    expect(accepted.outputs).toEqual({ loop: { text: 'xx', ok: false } });
  });

  it('needs a cap', () => {
    expect(() => looped({ max: undefined }).program).toThrow('a loop needs a cap');
  });

  it('ends with a failed round; a hold in a round holds it; a cancel ends all', async () => {
    const run = perform(looped(), { ...virtual(), input: { text: '' } });
    run.fermata('loop#2/ok');
    const held: string[] = [];
    for await (const event of run.events) {
      if (event.type === 'step.held') {
        held.push(event.stepId);
        run.signal({ type: 'caesura', source: 'test', targets: ['loop#2/ok'] });
      }
    }
    const report = await run.report;
    expect(held).toEqual(['loop#2/ok']);
    expect(idsOf(report.timeline)).toEqual([
      'loop failed',
      'loop#1/text done',
      'loop#1/ok done',
      'loop#2/text done',
      'loop#2/ok cancelled',
    ]);
  });
});

describe('onFailure', () => {
  const s = score('s')
    .step('bad', {
      agent: async (_: object, { sleep }) => {
        await sleep(1);
        throw new Error('no');
      },
    })
    .step('long', { agent: (_: object, { sleep }) => sleep(100) });
  it('settle lets the other steps end', async () => {
    expect((await perform(s, virtual()).report).makespan).toBe(100);
  });
  it('cancel stops all at the first failure that no step absorbs', async () => {
    const report = await perform(s, { ...virtual(), onFailure: 'cancel' }).report;
    expect([report.makespan, report.status]).toEqual([1, 'failed']);
    expect(report.errors.map(String)).toEqual(["StepError: step 'bad' failed: no"]);
    const map = numbers([100, 1]).map('m', {
      over: 'list',
      agent: async ({ item }: N, { sleep }) => {
        await sleep(item);
        if (item === 1) throw new Error('no');
      },
    });
    expect((await perform(map, { ...virtual(), onFailure: 'cancel' }).report).makespan).toBe(1);
  });
});
