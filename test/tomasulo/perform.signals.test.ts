/** Signals of HCT mean one thing, at any time and in any state of the addressed step. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attacca, caesura, cue, fermata, tacet, vamp, type HctSignal } from '../../machines/hct/signal.ts';
import { addresses } from '../../machines/hct/targets.ts';
import {
  createBus,
  perform,
  score,
  VirtualClock,
  type AgentContext,
  type PerformOptions,
  type RunEvent,
} from '../../src/index.ts';

const virtual = (): PerformOptions => ({ clock: new VirtualClock() });
const person = { source: 'person' };
const work =
  (ms: number) =>
  (_: {}, { sleep }: AgentContext) =>
    sleep(ms).then(() => 'done');

describe('targets', () => {
  it('one function: `*` and nothing address all, otherwise any name of the listener', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'run');
    fc.assert(
      fc.property(fc.array(fc.oneof(name, fc.constant('*'))), fc.array(name), (targets, names) => {
        const expected =
          targets.length === 0 || targets.includes('*') || names.some((n) => targets.includes(n));
        expect(addresses(targets, ...names)).toBe(expected);
      }),
    );
  });

  it.each([[['loop']], [['*']], [[]], [['the run']]])(
    'a cue to %j ends a vamp after its round',
    async (targets) => {
      let rounds = 0;
      const agent = async (_: { previous?: unknown }, { sleep }: AgentContext) => {
        await sleep(10);
        if (++rounds === 3) void run.cue(...targets);
        return rounds;
      };
      const steps = score('s').step('loop', {
        agent,
        vamp: { max: 20, until: () => false, onCap: 'accept' },
      });
      const run = perform(steps, { ...virtual(), runId: 'the run' });
      expect((await run.result).outputs.loop).toBe(3);
    },
  );

  it.each([[[]], [['*']], [['the run']], [['a', 'b']]])(
    'a fermata to %j holds what a cue without targets releases',
    async (targets) => {
      const ran: string[] = [];
      const note = (_: {}, { stepId }: AgentContext) => void ran.push(stepId);
      const run = perform(score('s').step('a', { agent: note }).step('b', { agent: note }), {
        ...virtual(),
        runId: 'the run',
        onEvent: (event) => {
          if (event.type !== 'run.stalled') return;
          expect(ran).toEqual([]);
          void run.cue();
        },
      });
      run.fermata(...targets);
      await run.result;
      expect(ran.sort()).toEqual(['a', 'b']);
    },
  );

  it('a tacet names agents or single steps, and no targets silence all', async () => {
    for (const targets of [['b'], ['writer'], []]) {
      const ran: string[] = [];
      function writer(_: {}, { stepId }: AgentContext) {
        ran.push(stepId);
      }
      const run = perform(score('s').step('a', { agent: writer }).step('b', { agent: writer }), {
        ...virtual(),
        onEvent: ({ type }) => {
          if (type !== 'run.stalled') return;
          expect(ran).toEqual(targets[0] === 'b' ? ['a'] : []);
          void run.cue();
        },
      });
      run.tacet(targets);
      await run.result;
      expect(ran).toHaveLength(2);
    }
  });

  it('a cue to one step of a held agent leaves its other steps held', async () => {
    const ran: string[] = [];
    function writer(_: {}, { stepId }: AgentContext) {
      ran.push(stepId);
    }
    const run = perform(score('s').step('a', { agent: writer }).step('b', { agent: writer }), {
      ...virtual(),
      onEvent: ({ type }) => {
        if (type !== 'run.stalled') return;
        expect(ran).toEqual(['a']);
        void run.cue('writer');
      },
    });
    run.fermata('writer');
    void run.cue('a');
    await run.result;
    expect(ran).toEqual(['a', 'b']);
  });

  it('an unknown name is reported as an event, with the nearest name', async () => {
    const events: RunEvent[] = [];
    const run = perform(score('s').step('review', { agent: work(5) }), {
      ...virtual(),
      onEvent: (event) => void events.push(event),
    });
    void run.cue('reveiw');
    await run.result;
    expect(events.find(({ type }) => type === 'signal.unmatched')).toMatchObject({
      signal: 'cue',
      targets: ['reveiw'],
      reason: expect.stringContaining("Did you mean 'review'?"),
    });
  });

  it('a signal that names no performance reaches each performance on a shared bus that it addresses', async () => {
    const bus = createBus();
    const steps = score('s').step('a', { agent: work(5), fermata: { timeoutMs: 1_000 } });
    const runs = ['one', 'two'].map((runId) => perform(steps, { bus, runId, ...virtual() }));
    void bus.publish(caesura({ ...person, targets: ['one'] }));
    void bus.publish(cue({ ...person, targets: ['two'], intent: 'resume' }));
    const [one, two] = await Promise.all(runs.map(({ report }) => report));
    expect([one!.status, two!.status]).toEqual(['cancelled', 'completed']);
  });
});

describe('a refusal', () => {
  const held = { agent: () => 'paid', fermata: { timeoutMs: 3_000, onTimeout: 'resume' } } as const;

  it('a caesura refuses a step that waits for approval: it never runs, and its dependents are skipped', async () => {
    let ran = false;
    const steps = score('s')
      .step('pay', { ...held, agent: () => (ran = true) })
      .step('receipt', { agent: ({ paid }: { paid: boolean }) => paid, reads: { paid: 'pay' } })
      .step('mail', { agent: () => 'sent' });
    const run = perform(steps, virtual());
    run.signal(caesura({ ...person, targets: ['pay'], reason: 'too expensive' }));
    const { status, outputs, errors, timeline } = await run.report;
    expect({ status, outputs, ran }).toEqual({ status: 'failed', outputs: { mail: 'sent' }, ran: false });
    expect(timeline.map((step) => step.status)).toEqual(['cancelled', 'skipped', 'done']);
    expect(errors.map(({ message }) => message)).toEqual([
      "step 'pay' failed: the step was cancelled: caesura by person: too expensive",
    ]);
  });

  it('a default stands in for a refused step', async () => {
    const run = perform(score('s').step('pay', { ...held, default: 'not paid' }), virtual());
    run.signal(caesura({ ...person, targets: ['pay'] }));
    expect((await run.result).outputs.pay).toBe('not paid');
  });

  it.each(['issued', 'beyond the window'])('refuses a step that is %s alike', async (where) => {
    let ran = false;
    const steps = score('s')
      .step('first', { agent: work(50) })
      .step('second', { agent: () => void (ran = true), after: ['first'] });
    const run = perform(steps, { ...virtual(), window: where === 'issued' ? 8 : 1 });
    run.signal(caesura({ ...person, targets: ['second'] }));
    const report = await run.report;
    expect(ran).toBe(false);
    expect(report.timeline.map((step) => step.status)).toEqual(['done', 'cancelled']);
  });

  it('ends a step while it rests between two tries', async () => {
    let tries = 0;
    const agent = () => {
      tries++;
      throw new Error('again');
    };
    const run = perform(score('s').step('a', { agent, retry: { attempts: 5, delayMs: 1_000 } }), {
      ...virtual(),
      onEvent: ({ type }) => {
        if (type === 'step.retrying') run.signal(caesura({ ...person, targets: ['a'] }));
      },
    });
    const { errors } = await run.report;
    expect(tries).toBe(1);
    expect(errors.map(({ message }) => message)).toEqual([
      "step 'a' failed: the step was cancelled: caesura by person",
    ]);
  });

  it('aborts the agent of a step that runs, which is not tried again', async () => {
    let tries = 0;
    const agent = (_: {}, { sleep }: AgentContext) => {
      tries++;
      return sleep(1_000);
    };
    const run = perform(score('s').step('a', { agent, retry: { attempts: 3 } }), {
      ...virtual(),
      onEvent: ({ type }) => {
        if (type === 'step.started') run.signal(caesura({ ...person, targets: ['a'] }));
      },
    });
    expect((await run.report).timeline[0]).toMatchObject({ status: 'cancelled', attempts: 1 });
    expect(tries).toBe(1);
  });
});

describe('when signals count', () => {
  it('right after perform(), also while the input is still being checked', async () => {
    let ran = false;
    const slow = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: async (value: unknown) => {
          await new Promise((resolve) => setTimeout(resolve, 10));
          return { value: value as string };
        },
      },
    };
    const steps = score('s')
      .input(slow)
      .step('a', { agent: () => (ran = true) });
    const run = perform(steps, {
      input: 'x',
      onEvent: ({ type }) => {
        if (type !== 'run.stalled') return;
        expect(ran).toBe(false);
        void run.cue('a');
      },
    });
    run.fermata('a');
    await run.result;
    expect(ran).toBe(true);
  });

  it('a cue after a stall releases a step that answers at once, and the performance completes', async () => {
    const run = perform(score('s').step('a', { agent: () => 1 }), {
      ...virtual(),
      onEvent: ({ type }) => {
        if (type === 'run.stalled') void run.cue('a');
      },
    });
    run.fermata('a');
    expect((await run.result).outputs).toEqual({ a: 1 });
  });

  it('after the end every signal and cancel do nothing', async () => {
    const run = perform(score('s').step('a', { agent: () => 1 }));
    const before = await run.report;
    const signals: HctSignal[] = [
      cue({ ...person, targets: ['a'] }),
      fermata({ ...person, targets: [] }),
      caesura({ ...person }),
      tacet({ ...person }),
      attacca({ ...person, targets: [] }),
      vamp({ ...person }),
    ];
    for (const signal of signals) run.signal(signal);
    run.cancel();
    expect(await run.report).toBe(before);
  });

  it('what is no signal is refused where it is given', () => {
    const run = perform(score('s').step('a', { agent: () => 1 }));
    expect(() => run.signal({ type: 'queue' } as never)).toThrow(/signal/);
    expect(() => run.signal(null as never)).toThrow(/signal/);
  });
});

describe('vamp, urgency and tempo', () => {
  it('a vamp repeats the step up to its cap, and hands it its last result', async () => {
    const seen: unknown[] = [];
    const agent = async ({ previous }: { previous?: unknown }, { sleep }: AgentContext) => {
      seen.push(previous);
      await sleep(5);
      return { quality: 0.1, round: seen.length };
    };
    const run = perform(score('s').step('a', { agent }), virtual());
    run.signal(vamp({ ...person, targets: ['a'], maxIterations: 3 }));
    expect((await run.result).outputs.a.round).toBe(3);
    expect(seen).toEqual([undefined, { quality: 0.1, round: 1 }, { quality: 0.1, round: 2 }]);
  });

  it('ends when a result is good enough, or when its time is over', async () => {
    const rounds = async (options: Partial<Parameters<typeof vamp>[0]>) => {
      let round = 0;
      const agent = async (_: { previous?: unknown }, { sleep }: AgentContext) => {
        await sleep(100);
        return { quality: 0.3 * ++round };
      };
      const run = perform(score('s').step('a', { agent }), virtual());
      run.signal(vamp({ ...person, targets: ['a'], ...options }));
      await run.result;
      return round;
    };
    expect(await rounds({ qualityThreshold: 0.6 })).toBe(2);
    expect(await rounds({ qualityThreshold: 1, timeoutMs: 250, maxIterations: 3 })).toBe(3);
  });

  it.each<[{ urgency?: number; tempo?: 'presto' }, string[]]>([
    [{ urgency: 10 }, ['first', 'c', 'a', 'b']],
    [{ tempo: 'presto' }, ['first', 'c', 'a', 'b']],
    [{ urgency: 1 }, ['first', 'a', 'b', 'c']],
  ])('a cue with %j changes the order of ready steps', async (performance, order) => {
    const ran: string[] = [];
    const agent = async (_: {}, { stepId, sleep }: AgentContext) => {
      ran.push(stepId);
      await sleep(5);
    };
    const steps = score('s')
      .step('first', { agent })
      .step('a', { agent })
      .step('b', { agent })
      .step('c', { agent, cost: performance.urgency === 1 ? 9 : 1 });
    const run = perform(steps, {
      ...virtual(),
      maxConcurrency: 1,
      onEvent: (event) => {
        if (event.type === 'step.started' && event.stepId === 'first')
          run.signal(cue({ ...person, targets: ['c'], intent: 'resume', ...performance }));
      },
    });
    if (performance.urgency === 1) run.signal(attacca({ ...person, targets: ['first'] }));
    await run.result;
    expect(ran).toEqual(order);
  });
});
