/** Claims: what steps share they share coherently, each through its own view, which ends with the step; and a score
 *  that is wrong about it says so. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { perform, score, sharedOf, VirtualClock, type AgentContext } from 'tutti';
import { loadScore } from 'tutti/node';
import { z } from 'zod';

type State = { list: string[] };
const append = (count: number) => async (_: unknown, context: AgentContext) => {
  const view = sharedOf<State>(context);
  for (let round = 0; round < count; round++) {
    await view.read('list');
    await context.sleep(1); // time for the others to write in between
    await view.write('list', (list) => void list.push(`${context.stepId}.${round}`));
  }
};
const writers = (count: number, rounds: number) => {
  let built = score('notes').shared({ list: z.array(z.string()) }, { initial: { list: [] } });
  for (let i = 0; i < count; i++) built = built.step(`w${i}`, { agent: append(rounds) }) as typeof built;
  return built;
};

describe('perform: shared state', () => {
  it('no write of steps that run at once is lost, and the report has the values at the end', async () => {
    const { shared } = await perform(writers(8, 5)).result;
    const all = Array.from({ length: 40 }, (_, i) => `w${i % 8}.${Math.floor(i / 8)}`);
    expect([...(shared as State).list].sort()).toEqual(all.sort());
  });

  it('a step that waits for another step’s hold lets virtual time pass', async () => {
    const held = score('held')
      .shared({ n: z.number() }, { initial: { n: 0 } })
      .step('holds', {
        agent: async (_: {}, context) => {
          const hold = await sharedOf<{ n: number }>(context).hold('n');
          await context.sleep(1_000);
          await hold.write((n) => n + 1);
        },
      })
      .step('waits', {
        agent: async (_: {}, context) => {
          await context.sleep(10);
          await (await sharedOf<{ n: number }>(context).hold('n')).write((n) => n + 1);
        },
      });
    const { shared, makespan } = await perform(held, { clock: new VirtualClock() }).result;
    expect([shared, makespan]).toEqual([{ n: 2 }, 1_000]);
  });

  it('in virtual time any mix of holds, updates, writes and sleeps ends, and no append is lost', async () => {
    const act = fc.record({
      kind: fc.constantFrom('hold', 'update', 'write', 'publish', 'read'),
      key: fc.constantFrom('a', 'b', 'c'),
      ms: fc.nat(50),
    });
    const plans = fc.array(fc.array(act, { maxLength: 5 }), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(plans, async (steps) => {
        const list = z.array(z.string());
        let built = score('mix').shared({ a: list, b: list, c: list }, { initial: { a: [], b: [], c: [] } });
        steps.forEach((acts, i) => {
          const agent = async (_: {}, context: AgentContext) => {
            const view = sharedOf<Record<string, string[]>>(context);
            for (const [n, { kind, key, ms }] of acts.entries()) {
              const id = `${i}.${n}`;
              if (kind === 'hold') {
                await view.publish(); // what waits for publication would need its keys while this one is held
                const hold = await view.hold(key);
                await context.sleep(ms);
                await hold.write((items) => void items.push(id));
                await view.publish(); // ends the hold
              } else if (kind === 'update')
                await view.update(key, async (items) => (await context.sleep(ms), [...items, id]));
              else if (kind === 'write') await view.write(key, (items) => void items.push(id));
              else if (kind === 'publish') await view.publish();
              else await view.read(key);
              await context.sleep(ms);
            }
          };
          built = built.step(`s${i}`, { agent }) as typeof built;
        });
        const { shared } = await perform(built, { clock: new VirtualClock(), timeout: { totalMs: 1e6 } })
          .result;
        const due = steps.flatMap((acts, i) =>
          acts.flatMap(({ kind, key }, n) =>
            ['hold', 'update', 'write'].includes(kind) ? [`${key} ${i}.${n}`] : [],
          ),
        );
        const found = Object.entries(shared as Record<string, string[]>).flatMap(([key, items]) =>
          items.map((item) => `${key} ${item}`),
        );
        expect(found.sort()).toEqual(due.sort());
      }),
      { numRuns: 150 },
    );
  });

  it('a second update of a step does not bury what another step wrote in between', async () => {
    const twice = score('twice')
      .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
      .step('a', {
        agent: async (_: {}, context) => {
          const view = sharedOf<State>(context);
          await view.update('list', (list) => [...list, 'a1']);
          await context.sleep(20); // b publishes now
          await view.update('list', (list) => [...list, 'a2']);
        },
      })
      .step('b', {
        agent: async (_: {}, context) => {
          await context.sleep(10);
          await sharedOf<State>(context).update('list', (list) => [...list, 'b']);
        },
      });
    const { shared } = await perform(twice, { clock: new VirtualClock() }).result;
    expect([...(shared as State).list].sort()).toEqual(['a1', 'a2', 'b']);
  });

  it('without coherence the same steps lose writes', async () => {
    let list: string[] = [];
    const careless = async (_: unknown, context: AgentContext) => {
      const copy = [...list];
      await context.sleep(1);
      list = [...copy, context.stepId];
    };
    let built = score('careless');
    for (let i = 0; i < 8; i++) built = built.step(`w${i}`, { agent: careless }) as typeof built;
    await perform(built).result;
    expect(list.length).toBeLessThan(8);
  });

  it('a view ends with its step, and a second try has a new one', async () => {
    const views: unknown[] = [];
    const built = score('views')
      .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
      .step('once', {
        retry: { attempts: 2, delayMs: 1 },
        agent: async (_, context) => {
          const view = sharedOf<State>(context);
          expect(sharedOf(context)).toBe(view);
          views.push(view);
          await view.write('list', (list) => void list.push(`try ${context.attempt}`));
          if (context.attempt === 1) throw new Error('again');
        },
      });
    const { shared } = await perform(built).result;
    expect(shared).toEqual({ list: ['try 2'] });
    expect(new Set(views).size).toBe(2);
    const [first] = views as [ReturnType<typeof sharedOf>];
    await expect(first.read('list')).rejects.toThrow(/has ended with its step/);
  });

  it('a hold that a failing step leaves behind ends with the step', async () => {
    const built = score('holds')
      .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
      .step('careless', {
        default: null,
        agent: async (_: {}, context): Promise<null> => {
          await sharedOf<State>(context).hold('list');
          throw new Error('gone');
        },
      })
      .step('next', { after: ['careless'], agent: append(1) });
    const { shared } = await perform(built).result;
    expect(shared).toEqual({ list: ['next.0'] });
  });

  it('a score that shares nothing says so to a step that asks', async () => {
    const built = score('none').step('asks', { agent: (_, context) => sharedOf(context).peek('list') });
    await expect(perform(built).result).rejects.toThrow(/'asks' asks for shared state.*add `shared`/);
  });
});

describe('perform: a step is a transaction', () => {
  const notes = () => score('notes').shared({ list: z.array(z.string()) }, { initial: { list: [] } });

  it('what a step writes is seen by itself at once, and by others when it has succeeded', async () => {
    const seen: Record<string, unknown> = {};
    const built = notes()
      .step('writer', {
        agent: async (_, context) => {
          const view = sharedOf<State>(context);
          await view.write('list', (list) => void list.push('a'));
          await view.write('list', (list) => void list.push('b'));
          seen['writer'] = await view.read('list');
          await context.sleep(20);
        },
      })
      .step('reader', {
        agent: async (_, context) => {
          await context.sleep(5);
          seen['reader'] = await sharedOf<State>(context).read('list');
        },
      });
    const { shared } = await perform(built, { clock: new VirtualClock() }).result;
    expect(seen).toEqual({ writer: ['a', 'b'], reader: [] });
    expect(shared).toEqual({ list: ['a', 'b'] });
  });

  it('publish() lets others see what was written so far, and a later failure does not take it back', async () => {
    const built = notes().step('once', {
      retry: { attempts: 2, delayMs: 1 },
      agent: async (_, context) => {
        const view = sharedOf<State>(context);
        await view.write('list', (list) => void list.push(`published ${context.attempt}`));
        await view.publish();
        await view.write('list', (list) => void list.push(`dropped ${context.attempt}`));
        if (context.attempt === 1) throw new Error('again');
      },
    });
    const { shared } = await perform(built).result;
    expect(shared).toEqual({ list: ['published 1', 'published 2', 'dropped 2'] });
  });

  it('a whole value from an older version fails the attempt, and its retry sees the new value', async () => {
    const attempts: unknown[] = [];
    const built = notes()
      .step('whole', {
        retry: { attempts: 2, delayMs: 1 },
        agent: async (_, context) => {
          const copy = await sharedOf<State>(context).copy('list');
          attempts.push(copy.value);
          await context.sleep(20);
          await copy.write([...copy.value, 'whole']);
        },
      })
      .step('other', {
        agent: async (_, context) => {
          await context.sleep(5);
          await sharedOf<State>(context).write('list', (list) => void list.push('other'));
        },
      });
    const { shared } = await perform(built).result;
    expect(attempts).toEqual([[], ['other']]);
    expect(shared).toEqual({ list: ['other', 'whole'] });
  });

  it('parallel tool calls of one step bury nothing: one of two whole values is refused', async () => {
    const built = notes().step('planner', {
      agent: async (_, context) => {
        const view = sharedOf<State>(context);
        const tool = async (entry: string) => {
          const copy = await view.copy('list');
          await context.sleep(1);
          await copy.write([...copy.value, entry]);
        };
        const ended = await Promise.allSettled([tool('tests'), tool('docs')]);
        return ended.filter(({ status }) => status === 'fulfilled').length;
      },
      writes: 'done',
    });
    const { shared, outputs } = await perform(built).result;
    expect([outputs, (shared as State).list.length]).toEqual([{ done: 1 }, 1]);
  });

  it('updates of steps that run at once all succeed without a retry', async () => {
    let built = notes();
    for (let i = 0; i < 10; i++)
      built = built.step(`u${i}`, {
        agent: async (_, context) => {
          await sharedOf<State>(context).update('list', async (list) => {
            await context.sleep(2);
            return [...list, context.stepId];
          });
        },
      }) as typeof built;
    const { shared } = await perform(built).result;
    expect(new Set((shared as State).list).size).toBe(10);
    expect((shared as State).list).toHaveLength(10);
  });

  it('a hold keeps a key until its step has published', async () => {
    const built = notes()
      .step('holder', {
        agent: async (_, context) => {
          const hold = await sharedOf<State>(context).hold('list');
          await context.sleep(10);
          await hold.write([...hold.value, 'held']);
        },
      })
      .step('other', {
        agent: async (_, context) => {
          await context.sleep(2);
          await sharedOf<State>(context).write('list', (list) => void list.push('other'));
        },
      });
    const { shared } = await perform(built).result;
    expect(shared).toEqual({ list: ['held', 'other'] });
  });

  it('in any pattern of failures and retries, each successful step is there exactly once', async () => {
    const plan = fc.record({
      steps: fc.array(
        fc.record({
          fails: fc.nat(2),
          way: fc.constantFrom('recipe', 'update', 'copy', 'hold'),
          waits: fc.nat(3),
        }),
        { minLength: 1, maxLength: 6 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ steps }) => {
        let built = notes();
        steps.forEach(({ fails, way, waits }, i) => {
          built = built.step(`s${i}`, {
            retry: { attempts: 12, delayMs: 0 },
            agent: async (_, context) => {
              const view = sharedOf<State>(context);
              const id = context.stepId;
              if (way === 'recipe') await view.write('list', (list) => void list.push(id));
              else if (way === 'update') await view.update('list', (list) => [...list, id]);
              else if (way === 'copy') {
                const copy = await view.copy('list');
                await copy.write([...copy.value, id]);
              } else {
                const hold = await view.hold('list');
                await hold.write((list) => void list.push(id));
              }
              for (let turn = 0; turn < waits; turn++) await Promise.resolve();
              if (context.attempt <= fails) throw new Error('again');
            },
          }) as typeof built;
        });
        const { shared } = await perform(built).result;
        expect([...(shared as State).list].sort()).toEqual(steps.map((_, i) => `s${i}`).sort());
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('score files: shared state', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-shared-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = async (shared: string) => {
    writeFileSync(
      join(folder, 'agent.ts'),
      `export default (_, { shared, stepId }) => shared.write('notes', (notes) => void notes.push(stepId));\n`,
    );
    const file = join(folder, 'score.yaml');
    writeFileSync(
      file,
      `score: s\nshared:\n  ${shared}\nagents: { a: { module: ./agent.ts } }\nsteps: [{ id: one, agent: a }, { id: two, agent: a }]\n`,
    );
    return loadScore(file);
  };

  it('declare it with a value and a JSON Schema', async () => {
    const { score: loaded } = await load(
      'notes: { initial: [], schema: { type: array, items: { type: string } } }',
    );
    const { shared } = await perform(loaded).result;
    expect([...(shared as { notes: string[] }).notes].sort()).toEqual(['one', 'two']);
  });
  it.each([
    ['notes: { initial: 1, schema: { type: array } }', /score.yaml:3:\d+: does not fit its schema/],
    ['notes: { initial: [], start: [] }', /unknown key 'start' in what is shared; known are initial, schema/],
    ['notes: { schema: true }', /score.yaml:3:\d+: 'initial' is missing/],
    ['notes: { initial: [], schema: { type: nonsense } }', /score.yaml:3:\d+: not a JSON Schema/],
  ])('%s is refused', async (text, message) => {
    await expect(load(text)).rejects.toThrow(message);
  });
});
