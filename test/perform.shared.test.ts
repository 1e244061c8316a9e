/** Claims: what steps share they share coherently, each through a view of its own that ends with the step; and a score
 *  that is wrong about it says so. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { perform, score, sharedOf, type AgentContext } from 'tutti';
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
    expect(shared).toEqual({ list: ['try 1', 'try 2'] });
    expect(new Set(views).size).toBe(2);
    const [first] = views as [ReturnType<typeof sharedOf>];
    await expect(first.read('list')).rejects.toThrow(/closed/);
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
