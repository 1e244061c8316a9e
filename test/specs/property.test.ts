/** Claims: `propertyTest` finds a seeded fault and shrinks it to the least, gives the same again for a seed, agrees
 *  with `explore`, and keeps its bounds; without fast-check the error names what to install. */
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { explore, propertyTest, realActor, type Model } from 'tutti/specs';
import { lineMachine, lines, oneWriter } from './machines.ts';

const count = 3;

test('finds nothing where nothing is wrong, and makes as many runs as `runs` asks for', async () => {
  const found = await propertyTest(lines(count), { invariant: oneWriter, runs: 80, length: 40, seed: 3 });
  expect(found.counterexample).toBeUndefined();
  expect([found.runs, found.seed]).toEqual([80, 3]);
  expect(found.steps).toBeGreaterThan(500);
});

test('shrinks what is wrong to as few steps as the shortest way has', async () => {
  const { violation } = await explore(lines(count, false), { invariant: oneWriter });
  for (const seed of [1, 2, 3, 4, 5]) {
    const { path, counterexample } = await propertyTest(lines(count, false), { invariant: oneWriter, seed });
    expect(path, `seed ${seed}`).toHaveLength(violation!.path.length);
    expect(counterexample).toMatchObject({ what: 'The invariant does not hold.', seed });
    expect(counterexample!.transcript.length).toBeGreaterThan(path!.length);
  }
});

test('counts the schedules that were drawn, and not those of shrinking', async () => {
  expect((await propertyTest(lines(count), { invariant: () => false })).runs).toBe(1);
});

test('the same seed gives the same schedules; another, others', async () => {
  const runs = [7, 7, 8].map((seed) => propertyTest(lines(count), { runs: 20, seed }));
  const [one, again, other] = await Promise.all(runs);
  expect(again).toEqual(one);
  expect(other!.steps).not.toBe(one!.steps);
});

describe('in lock-step', () => {
  test('an implementation that agrees passes, and one that does not is found', async () => {
    const against = (invalidates: boolean) =>
      propertyTest(lines(count), {
        sut: realActor('a1', lineMachine(invalidates), { input: { me: 'a1' } }),
        seed: 11,
      });
    expect((await against(true)).counterexample).toBeUndefined();
    const { counterexample, path } = await against(false);
    expect(counterexample!.what).toMatch(/^The model is at .*, the sut at /);
    expect(path).toHaveLength(4); // a load and its grant, a store by another and its grant
  });
  test('an oracle receives the same events, and is the reference', async () => {
    /** Reads are allowed in S and M, writes in M: computed from what the bus ordered, and from nothing else. */
    const oracle = {
      create: () => {
        let owner: string | undefined;
        let readers = new Set<string>();
        return {
          send: (
            event: { type: string; by?: string },
            { part, from }: { part: string | undefined; from: string | undefined },
          ) => {
            if (part !== 'a0' || !from!.startsWith('out.')) return; // each request once
            if (event.type === 'GETM') [owner, readers] = [event.by!, new Set()];
            else {
              if (owner !== undefined) readers.add(owner);
              owner = undefined;
              readers.add(event.by!);
            }
          },
          read: () => ({ owner: owner ?? null, readers: [...readers].sort() }),
        };
      },
      projectModel: ({ parts }: any) => {
        const having = (state: string) => Object.keys(parts).filter((name) => parts[name].value === state);
        return { owner: having('M')[0] ?? null, readers: having('S').sort() };
      },
    };
    // A sharer that wants to write is no reader in the table any more; the oracle leaves it one. So no sharer upgrades
    // here.
    const loads = lines(count);
    const model: typeof loads = {
      ...loads,
      members: loads.members,
      initial: loads.initial,
      after: (world, step) => loads.after(world, step),
      messages: (world, step) => loads.messages!(world, step),
      steps: (world) =>
        loads
          .steps(world)
          .filter(
            ({ kind, to, event }) =>
              kind !== 'tell' || event.type === 'LOAD' || world.parts[to[0]!]!.value === 'I',
          ),
    };
    expect(
      (await propertyTest(model, { reference: oracle, runs: 200, seed: 2 })).counterexample,
    ).toBeUndefined();
    const forgetful = {
      ...oracle,
      create: () => ({ ...oracle.create(), read: () => ({ owner: null, readers: [] }) }),
    };
    const { path } = await propertyTest(model, { reference: forgetful, seed: 2 });
    expect(path).toHaveLength(2);
  });
});

const counting: Model<number, string> = {
  initial: 0,
  steps: (n) => (n < 5 ? ['up', 'stay'] : []),
  after: (n, step) => ({ world: step === 'up' ? n + 1 : n }),
};

test('where it ends is looked at, too', async () => {
  expect((await propertyTest(counting, { mayEnd: (n) => n === 5 })).counterexample).toBeUndefined();
  const { counterexample, path } = await propertyTest(counting, { mayEnd: () => false });
  expect(path).toEqual(['up', 'up', 'up', 'up', 'up']);
  expect(counterexample!.what).toContain('not at an end');
});

test('a fault of the model is thrown, and not taken for a finding', async () => {
  const bad = {
    ...counting,
    after: () => {
      throw new Error('my mistake');
    },
  };
  await expect(propertyTest(bad)).rejects.toThrow(/my mistake/);
});

test('bounds are kept', async () => {
  for (const options of [
    { runs: 0 },
    { runs: 1_000_001 },
    { length: 0 },
    { length: 10_001 },
    { seed: 0.5 },
    { seed: 2 ** 31 },
  ])
    await expect(propertyTest(counting, options), JSON.stringify(options)).rejects.toThrow(RangeError);
});

test('a signal is obeyed, before the start and in the middle', async () => {
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(propertyTest(counting, { signal: aborted })).rejects.toThrow('enough');
  const control = new AbortController();
  setTimeout(() => control.abort(new Error('enough now')), 1);
  const endless = { ...counting, steps: () => ['stay'] };
  const options = { signal: control.signal, runs: 1_000_000, length: 10_000 };
  await expect(propertyTest(endless, options)).rejects.toThrow('enough now');
});

test('fast-check may be passed as an option, and without it the error shows what to do', async () => {
  vi.resetModules();
  vi.doMock('fast-check', () => {
    throw new Error('Cannot find package');
  });
  try {
    const fresh = await import('../../specs/harness/property-test.ts');
    await expect(fresh.propertyTest(counting)).rejects.toThrow('npm install --save-dev fast-check');
    expect((await fresh.propertyTest(counting, { fc, runs: 3 })).runs).toBe(3);
  } finally {
    vi.doUnmock('fast-check');
  }
});
