/** A performance ends in spite of agents, buses and clocks, and its errors name what was at fault. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Subject } from 'rxjs';
import { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { rename } from '../../actors/tomasulo/program.ts';
import {
  agent,
  BusClosedError,
  CancelledError,
  createBus,
  perform,
  score,
  scoreOf,
  StepError,
  TimeoutError,
  UnavailableError,
  VirtualClock,
  type AgentContext,
  type Bus,
} from '../../src/index.ts';

const never = () => new Promise<never>(() => {});
const busy = (ms: number) => {
  for (const end = performance.now() + ms; performance.now() < end;);
};

describe('limits always win', () => {
  const chain = (steps: number, run: () => unknown) =>
    scoreOf(
      'chain',
      Array.from({ length: steps }, (_, i) => ({
        id: `s${i}`,
        agent: { name: 'work', run },
        ...(i === 0 ? {} : { after: [`s${i - 1}`] }),
      })),
    );

  it.each([
    ['synchronous', () => busy(5)],
    ['asynchronous, which never leave the microtask queue', async () => busy(5)],
  ])('totalMs, cancel and an AbortSignal end a long chain of %s steps', async (_, run) => {
    const late = await perform(chain(2_000, run), { timeout: { totalMs: 30 } }).report;
    expect(late.errors[0]).toBeInstanceOf(TimeoutError);
    const aborted = await perform(chain(2_000, run), { signal: AbortSignal.timeout(30) }).report;
    expect(aborted.status).toBe('cancelled');
    const running = perform(chain(2_000, run));
    setTimeout(() => running.cancel('enough'), 30);
    expect((await running.report).errors[0]).toBeInstanceOf(CancelledError);
  });

  it('an AbortSignal ends a chain of synchronous steps in virtual time, too', async () => {
    const run = perform(
      chain(20_000, () => 1),
      { clock: new VirtualClock(), signal: AbortSignal.timeout(1) },
    );
    expect((await run.report).status).toBe('cancelled');
  });

  it('an agent that ignores its abort is left behind after the grace, also in virtual time', async () => {
    for (const clock of [undefined, new VirtualClock()]) {
      const run = perform(score('s').step('a', { agent: never }), { graceMs: 20, clock });
      setTimeout(() => run.cancel(), 5);
      expect((await run.report).status).toBe('cancelled');
    }
  });

  it('a cancel ends a performance whose input is still being checked', async () => {
    const schema = { '~standard': { version: 1 as const, vendor: 'test', validate: never } };
    const run = perform(
      score('s')
        .input(schema)
        .step('a', { agent: () => 1 }),
      { input: 1 as never },
    );
    run.cancel('enough');
    expect((await run.report).status).toBe('cancelled');
  });
});

describe('time', () => {
  it('a performance inside an agent of another one completes on the same virtual clock', async () => {
    const clock = new VirtualClock();
    const inner = score('inner').step('wait', { agent: (_: {}, { sleep }) => sleep(1_000).then(() => 'in') });
    const nested = async () => (await perform(inner, { clock }).result).outputs.wait;
    const outer = score('outer')
      .step('a', { agent: nested })
      .step('b', { agent: nested })
      .step('slow', { agent: (_: {}, { sleep }) => sleep(1_500) });
    const { outputs, makespan } = await perform(outer, { clock }).result;
    expect(outputs).toMatchObject({ a: 'in', b: 'in' });
    expect(makespan).toBe(1_500);
  });

  it('a sleep that the agent did not await keeps nothing alive and rejects nowhere', async () => {
    const clock = new VirtualClock();
    const asleep = (_: {}, { sleep }: AgentContext) => {
      void sleep(1e9);
      return Promise.race([sleep(5), sleep(1e9)]);
    };
    const { makespan } = await perform(score('s').step('a', { agent: asleep }), { clock }).result;
    expect([makespan, clock.now()]).toEqual([5, 5]);
    const aborted = perform(
      score('s').step('a', { agent: (_: {}, { sleep }) => (void sleep(1e9), never()) }),
      {
        graceMs: 5,
      },
    );
    setTimeout(() => aborted.cancel(), 5);
    await aborted.report; // an unhandled rejection would fail the test run
  });

  it('a sleep takes any time that is a number, and no other', async () => {
    const weeks = 5 * 7 * 86_400_000;
    const clock = new VirtualClock();
    const { makespan } = await perform(score('s').step('a', { agent: (_: {}, { sleep }) => sleep(weeks) }), {
      clock,
    }).result;
    expect(makespan).toBe(weeks);
    let over = false;
    const real = perform(
      score('s').step('a', { agent: (_: {}, { sleep }) => sleep(weeks).then(() => (over = true)) }),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(over).toBe(false);
    real.cancel();
    await real.report;
    const wrong = perform(score('s').step('a', { agent: (_: {}, { sleep }) => sleep('soon' as never) }));
    expect((await wrong.report).errors[0]!.message).toContain('milliseconds');
  });

  it('real time is counted from the Unix epoch', async () => {
    const before = Date.now();
    const stamps: number[] = [];
    const run = perform(score('s').step('a', { agent: (_: {}, { now }) => now() }));
    run.bus.signals.subscribe(({ timestamp }) => void stamps.push(timestamp));
    const { outputs } = await run.result;
    for (const time of [outputs.a, ...stamps]) expect(Math.abs(time - before)).toBeLessThan(60_000);
  });

  it('back-off counts failures since the last success, not the rounds of a vamp', async () => {
    const delays: number[] = [];
    let call = 0;
    const flaky = () => {
      if ([4, 5, 8].includes(++call)) throw new Error('again');
      return call;
    };
    const steps = score('s').step('a', {
      agent: flaky,
      vamp: { max: 9, until: (result) => result >= 9 },
      retry: { attempts: 9, delayMs: 100 },
    });
    await perform(steps, {
      clock: new VirtualClock(),
      onEvent: (event) => event.type === 'step.retrying' && delays.push(event.delayMs),
    }).result;
    expect(delays).toEqual([100, 200, 100]);
  });
});

describe('a bus that fails', () => {
  const two = score('s')
    .step('a', { agent: () => 'A' })
    .step('b', { agent: ({ a }: { a: string }) => a, reads: { a: 'a' } });
  /** A bus whose `publish` does as told. */
  const failing = (publish: Bus['publish']): Bus => {
    const signals = new Subject<never>();
    return {
      ...{ runId: 'bus', tip: 0, signals, faults: new Subject<never>(), publish },
      ...{ on: () => signals, replay: async function* () {}, close: async () => {} },
    };
  };

  it.each<[string, Bus['publish'], new (...args: never[]) => Error]>([
    ['rejects', () => Promise.reject(new Error('ECONNRESET')), UnavailableError],
    [
      'throws',
      () => {
        throw new Error('no');
      },
      UnavailableError,
    ],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
      UnavailableError,
    ],
    ['accepts and never delivers', () => 1, UnavailableError],
    ['never answers', never, UnavailableError],
    [
      'is closed',
      () => {
        throw new BusClosedError();
      },
      BusClosedError,
    ],
  ])('that %s: the performance ends with a typed error', async (_, publish, kind) => {
    const { status, errors } = await perform(two, { bus: failing(publish), deliveryMs: 20, graceMs: 20 })
      .report;
    expect(status).toBe('failed');
    expect(errors[0]).toBeInstanceOf(kind);
  });

  it('that closes while agents work: they are aborted, and the error says so', async () => {
    const bus = createBus();
    let aborted = false;
    const agent = (_: {}, { signal }: AgentContext) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason as Error);
        }),
      );
    const run = perform(score('s').step('a', { agent }), { bus });
    setTimeout(() => void bus.close(), 5);
    const { errors } = await run.report;
    expect([errors[0], aborted]).toEqual([expect.any(BusClosedError), true]);
  });
});

describe('runs on a shared bus', () => {
  it('run ids have a random part; an id of your own is taken once', async () => {
    const bus = createBus();
    const one = score('s').step('a', { agent: () => 1 });
    const [first, second] = [perform(one, { bus }), perform(one, { bus })];
    expect(first.id).not.toBe(second.id);
    expect(first.id).toMatch(/^s-[0-9a-f]{16}$/);
    await perform(one, { bus, runId: 'mine' }).result;
    expect(() => perform(one, { bus, runId: 'mine' })).toThrow(/'mine' is already in use on this bus/);
    await Promise.all([first.result, second.result]);
  });

  it('a pulse of another program is no result', async () => {
    const gate = Promise.withResolvers<string>();
    const run = perform(
      score('s')
        .step('a', { agent: () => gate.promise })
        .step('b', { agent: ({ a }: { a: string }) => a, reads: { a: 'a' } }),
    );
    setTimeout(() => {
      for (const source of [undefined, 'another', run.id])
        void run.bus.publish(
          { type: 'pulse', tag: 0, value: 'false', ...(source ? { source } : {}) },
          { runId: run.id },
        );
      gate.resolve('real');
    }, 5);
    expect((await run.result).outputs).toEqual({ a: 'real', b: 'real' });
  });
});

describe('the culprit is named', () => {
  const unreadable = () => ({
    get text(): string {
      throw new Error('the stream has been read');
    },
  });
  const thrown = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constantFrom(undefined, null, Symbol('s'), Object.create(null) as object, 10n),
    fc.record({ message: fc.string(), code: fc.string() }),
    fc.constant({
      toString: () => {
        throw new Error('no');
      },
    }),
    fc.constant({
      get message() {
        throw new Error('no');
      },
    }),
  );

  it('any value that an agent throws is its own failure, and a default stands in for it', async () => {
    await fc.assert(
      fc.asyncProperty(thrown, fc.boolean(), fc.boolean(), async (value, isAsync, hasDefault) => {
        const agent = (): unknown => {
          if (isAsync) return Promise.reject(value as Error);
          throw value as Error;
        };
        const steps = score('s').step('a', { agent, ...(hasDefault ? { default: 'instead' } : {}) });
        const { status, outputs, errors } = await perform(steps).report;
        if (hasDefault) expect([status, outputs.a]).toEqual(['completed', 'instead']);
        else expect(errors).toEqual([expect.any(StepError)]);
        expect(errors.map(({ message }) => message).join()).not.toContain('bug of tutti');
      }),
      { numRuns: 60 },
    );
  });

  it('a result that cannot be read fails its step, and other steps go on', async () => {
    const steps = score('s')
      .step('a', { agent: unreadable })
      .step('b', { agent: () => 'B' });
    const { outputs, errors } = await perform(steps).report;
    expect(outputs).toEqual({ b: 'B' });
    expect(errors.map(({ message }) => message)).toEqual(["step 'a' failed: the stream has been read"]);
  });

  it('a thrown plain object keeps its message and its code', async () => {
    const errorOf = async (value: unknown) => {
      const agent = () => {
        throw value as Error;
      };
      return (await perform(score('s').step('a', { agent })).report).errors[0]!.message;
    };
    expect(await errorOf({ message: 'rate limited', code: 'E429' })).toBe(
      "step 'a' failed: rate limited (E429)",
    );
    expect(await errorOf({ status: 503, detail: 'busy' })).toBe(
      `step 'a' failed: {"status":503,"detail":"busy"}`,
    );
  });

  it('the first answer of a thenable counts, and a late one harms no other step', async () => {
    const twice = {
      then(resolve: (value: string) => void) {
        setTimeout(() => resolve('first'), 1);
        setTimeout(() => resolve('second'), 5);
      },
    } as unknown as Promise<string>;
    const later = (_: {}, { sleep }: AgentContext) => sleep(20).then(() => 'later');
    const steps = score('s')
      .step('a', { agent: () => twice })
      .step('b', { agent: later, after: ['a'] });
    expect((await perform(steps, { window: 1 }).result).outputs).toEqual({ a: 'first', b: 'later' });
  });

  it('two steps that throw one value are two errors', async () => {
    const value = new Error('same');
    const agent = () => {
      throw value;
    };
    const { errors } = await perform(score('s').step('a', { agent }).step('b', { agent })).report;
    expect(errors.map((error) => (error as StepError).stepId)).toEqual(['a', 'b']);
  });

  it('a listener that throws or rejects harms neither the performance nor the process', async () => {
    const original = console.error;
    const lines: unknown[] = [];
    console.error = (...line) => void lines.push(line);
    try {
      const run = perform(score('s').step('a', { agent: () => 1 }), {
        onEvent: async () => {
          throw new Error('the listener failed');
        },
      });
      // oxlint-disable-next-line typescript/no-misused-promises -- this mistake is what the test is about
      run.bus.signals.subscribe(async () => {
        throw new Error('this one, too');
      });
      expect((await run.result).outputs).toEqual({ a: 1 });
      await new Promise((resolve) => setTimeout(resolve, 5));
    } finally {
      console.error = original;
    }
    expect(lines.length).toBeGreaterThan(1);
  });

  it('a report never rejects: an input that does not fit is a failed performance', async () => {
    const schema = {
      '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
    };
    const run = perform(
      score('s')
        .input(schema)
        .step('a', { agent: () => 1 }),
      { input: 1 as never },
    );
    expect(await run.report).toMatchObject({ status: 'failed', errors: [{ name: 'SchemaError' }] });
    await expect(run.result).rejects.toThrow('does not fit');
  });
});

describe('an attempt that is publishing its shared state', () => {
  it('is not failed by an abort that comes too late: what was published counts', async () => {
    const gate = Promise.withResolvers<void>();
    const closed: string[] = [];
    const run = (_: unknown, { shared }: AgentContext) => (shared === undefined ? 'none' : 'A');
    const plan = { id: 'a', agent: { name: 'a', run }, timeoutMs: 5 };
    const orchestrator = new Orchestrator(rename([plan]), {
      runId: 'r',
      share: () => ({ commit: () => gate.promise, close: () => closed.push('a') }),
    });
    orchestrator.start();
    setTimeout(() => gate.resolve(), 40);
    const { status, outputs } = await orchestrator.outcome;
    expect([status, outputs['a'], closed]).toEqual(['completed', 'A', ['a']]);
  });
});

describe('values', () => {
  it('no step can change what another one reads, however deep, also below frozen objects', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.boolean(), async (inside, frozen) => {
        const made = { list: [inside], deep: { er: [{ list: [1] }] } };
        const agent = () => (frozen ? Object.freeze(made) : made);
        const change = ({ x }: { x: any }) => {
          for (const act of [
            () => x.list.push('stolen'),
            () => (x.deep.er[0].list[0] = 2),
            () => (x.new = 1),
          ])
            expect(act).toThrow(TypeError);
        };
        const steps = score('s')
          .step('a', { agent })
          .step('b', { agent: change, reads: { x: 'a' } });
        expect((await perform(steps).report).status).toBe('completed');
      }),
      { numRuns: 50 },
    );
  });

  it('the input is copied: the caller can go on changing it, and steps cannot', async () => {
    const input = { list: [1], when: new Date(0) };
    const gate = Promise.withResolvers<void>();
    const steps = score('s')
      .step('wait', { agent: () => gate.promise })
      .step('read', {
        agent: ({ list }: { list: number[] }) => [...list],
        reads: { list: 'input.list' as never },
        after: ['wait'],
      });
    const run = perform(steps, { input: input as never });
    input.list.push(2);
    gate.resolve();
    expect((await run.result).outputs.read).toEqual([1]);
    expect(Object.isFrozen(input)).toBe(false);
  });

  it('a step may have any id, and its context can be copied', async () => {
    const copies = (_: {}, context: AgentContext) => Object.keys({ ...context, extra: 1 }).sort();
    const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    let steps = score('s').step('copy', { agent: copies });
    for (const id of ids) steps = steps.step(id, { agent: () => `of ${id}` }) as never;
    const { outputs } = await perform(steps).result;
    for (const id of ids) expect(Object.getOwnPropertyDescriptor(outputs, id)?.value).toBe(`of ${id}`);
    expect(outputs.copy).toEqual([
      'account',
      'answer',
      'attempt',
      'beat',
      'effectKey',
      'extra',
      'hedged',
      'lastError',
      'now',
      'runId',
      'say',
      'shared',
      'signal',
      'sleep',
      'stepId',
    ]);
  });

  it('an agent that is written inline is named after its step', async () => {
    const named = function writer() {};
    const { timeline } = await perform(
      score('s')
        .step('a', { agent: () => 1 })
        .step('b', { agent: named })
        .step('c', { agent: agent({ name: 'agent', run: () => 1 }) }),
    ).result;
    expect(timeline.map((step) => step.agent)).toEqual(['a', 'writer', 'agent']);
  });

  it('an asynchronous `until` is waited for', async () => {
    let rounds = 0;
    const steps = score('s').step('a', {
      agent: () => ++rounds,
      vamp: { max: 9, until: async (result) => result >= 4 },
    });
    expect((await perform(steps).result).outputs.a).toBe(4);
  });
});
