/** Claims: `explore` finds every situation of several machines on a bus, a shortest way to what is wrong and nothing where
 *  nothing is wrong; symmetry changes the number of situations and not the answer; bounds and the signal are kept. */
import fc from 'fast-check';
import { getAdjacencyMap } from 'xstate/graph';
import { createMachine, type AnyStateMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import { explore, system, type Model } from 'tutti/specs';
import { pathTo, transcriptOf } from '../../specs/harness/way.ts';
import { renamed, plainText } from '../../specs/harness/plain.ts';
import { Symmetry } from '../../specs/harness/symmetry.ts';
import { lines, oneWriter } from './machines.ts';

describe('lines of a cache on a queued bus', () => {
  test.each([2, 3])('never two writers among %i, and every state of a line occurs', async (count) => {
    const { violation, worlds, next, steps } = await explore(lines(count), { invariant: oneWriter });
    expect(violation).toBeUndefined();
    expect(new Set(worlds.map(({ parts }) => parts['a0']!.value))).toEqual(
      new Set(['I', 'IS', 'IM', 'S', 'M']),
    );
    expect(next.reduce((sum, edges) => sum + edges.length, 0)).toBe(steps);
  });
  test('a copy that is kept while another writes is found, by a shortest way', async () => {
    const { violation, counterexample } = await explore(lines(3, false), {
      invariant: { 'a writer is alone': oneWriter },
    });
    expect(violation!.what).toBe('It does not hold that a writer is alone.');
    expect(violation!.path.map(({ kind }) => kind).sort()).toEqual(['deliver', 'deliver', 'tell', 'tell']);
    expect(counterexample!.transcript.at(-1)).toEqual({ from: expect.any(String), text: 'IM → M' });
  });
  test('symmetry leaves one situation of each orbit, and loses none', async () => {
    const symmetry = [['a0', 'a1', 'a2']];
    const [all, reduced] = [await explore(lines(3)), await explore(lines(3), { symmetry })];
    const names = symmetry[0]!;
    const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]; // prettier-ignore
    const swapped = (order: readonly number[]) => (text: string) =>
      text.replace(/a(\d)/, (_, i) => names[order[Number(i)]!]!);
    const orbit = (world: unknown) =>
      new Set(orders.map((order) => plainText(renamed(world, swapped(order))))).size;
    expect(reduced.worlds.map(orbit).reduce((sum, size) => sum + size)).toBe(all.situations);
    expect(reduced.situations).toBeLessThan(all.situations / 3);
    const wrong = await explore(lines(3, false), { symmetry, invariant: oneWriter });
    const plainly = await explore(lines(3, false), { invariant: oneWriter });
    expect(wrong.violation!.path).toHaveLength(plainly.violation!.path.length);
  });
  test('its way to a situation ends there, also where situations are taken together', async () => {
    const explored = await explore(lines(3), { symmetry: [['a0', 'a1', 'a2']] });
    for (const [at, world] of explored.worlds.entries()) {
      const end = pathTo(explored, at).reduce(
        (w, step) => explored.model.after(w, step).world,
        explored.model.initial,
      );
      expect(end).toEqual(world);
    }
  });
});

test('two situations have one text exactly where exchanging names makes one of the other', () => {
  const groups = [['a', 'b', 'c', 'd'], ['x', 'y']]; // prettier-ignore
  const orders = (names: readonly string[]): string[][] =>
    names.length === 0
      ? [[]]
      : names.flatMap((first) =>
          orders(names.filter((name) => name !== first)).map((rest) => [first, ...rest]),
        );
  const exchanges = orders(groups[0]!).flatMap((ones) =>
    orders(groups[1]!).map((others) => (name: string) => {
      const at = groups.flat().indexOf(name);
      return at < 0 ? name : [...ones, ...others][at]!;
    }),
  );
  const symmetry = new Symmetry(groups);
  const arrow = fc.tuple(fc.constantFrom(...groups[0]!), fc.constantFrom(...groups.flat()));
  const situation = fc
    .uniqueArray(arrow, { maxLength: 5, selector: (pair) => pair.join() })
    .map((arrows) => Object.groupBy(arrows.sort(), ([from]) => from));
  fc.assert(
    fc.property(situation, situation, fc.nat(exchanges.length - 1), (one, other, i) => {
      const texts = new Set(exchanges.map((exchange) => symmetry.text(sorted(renamed(one, exchange)))));
      expect([...texts]).toEqual([symmetry.text(sorted(one))]);
      const same = exchanges.some(
        (exchange) => plainText(sorted(renamed(one, exchange))) === plainText(sorted(other)),
      );
      expect(symmetry.text(sorted(one)) === symmetry.text(sorted(other))).toBe(same);
      expect(symmetry.text(sorted(renamed(other, exchanges[i]!)))).toBe(symmetry.text(sorted(other)));
    }),
    { numRuns: 300, seed: 8 },
  );
});
/** A set of arrows between names, without an order. */
const sorted = (arrows: object): Record<string, Record<string, true>> =>
  Object.fromEntries(
    Object.entries(arrows as Record<string, [string, string][]>).map(([from, list]) => [
      from,
      Object.fromEntries(list.map(([, to]) => [to, true as const])),
    ]),
  );

test('names that are not interchangeable are refused', async () => {
  const favoured: Model<Record<string, number>, string> = {
    initial: { a: 0, b: 0 },
    steps: (world) => ['a', 'b'].filter((name) => world[name]! < (name === 'a' ? 2 : 1)),
    after: (world, name) => ({ world: { ...world, [name]: world[name]! + 1 } }),
  };
  await expect(explore(favoured, { symmetry: [['a', 'b']] })).rejects.toThrow('not interchangeable');
  const fair = {
    ...favoured,
    steps: (world: Record<string, number>) => ['a', 'b'].filter((name) => world[name]! < 2),
  };
  const partial = { symmetry: [['a', 'b']], invariant: ({ a }: Record<string, number>) => a! < 3 && a !== 9 };
  expect((await explore(fair, partial)).situations).toBe(6);
  await expect(explore(fair, { ...partial, invariant: ({ b }) => b! < 2 })).rejects.toThrow(
    'not interchangeable',
  );
});

test('one nested machine has the states that XState’s own graph finds', async () => {
  const machine: AnyStateMachine = createMachine({
    type: 'parallel',
    states: {
      a: {
        initial: 'x',
        states: { x: { on: { GO: 'y' } }, y: { on: { GO: 'z', BACK: 'x' } }, z: { on: { BACK: 'y' } } },
      },
      b: {
        initial: 'p',
        states: {
          p: { on: { GO: 'q' } },
          q: { initial: 'r', states: { r: { on: { IN: 's' } }, s: {} }, on: { BACK: 'p' } },
        },
      },
    },
  });
  const events = ['GO', 'BACK', 'IN'].map((type) => ({ type }));
  const surroundings = { initial: null, may: () => events.map((event) => ({ to: 'it', event })) };
  const { worlds } = await explore(system({ machines: { it: machine }, surroundings }));
  const theirs = Object.values(getAdjacencyMap(machine, { events } as never)).map(({ state }) =>
    plainText((state as any).value),
  );
  expect(worlds.map(({ parts }) => plainText(parts['it']!.value)).sort()).toEqual(
    [...new Set(theirs)].sort(),
  );
});

const counting = (most: number): Model<number, string> => ({
  initial: 0,
  steps: (n) => (n < most ? ['up'] : []),
  after: (n) => ({ world: n + 1 }),
});

test('where nothing may happen any more, it has to be at an end', async () => {
  expect((await explore(counting(3))).violation).toBeUndefined();
  expect((await explore(counting(3), { mayEnd: (n) => n === 3 })).violation).toBeUndefined();
  const { violation } = await explore(counting(3), { mayEnd: (n) => n === 4 });
  expect([violation!.kind, violation!.path.length]).toEqual(['end', 3]);
});

test('a throw of an invariant is a violation with its reason; an invariant without a result holds', async () => {
  const invariant = (n: number) => {
    if (n > 2) throw new Error('too high');
  };
  expect((await explore(counting(2), { invariant })).violation).toBeUndefined();
  const { violation, counterexample } = await explore(counting(5), { invariant });
  expect(violation!.what).toBe('The invariant does not hold: too high');
  expect(counterexample!.transcript.map(({ text }) => text)).toEqual(['up', 'up', 'up']);
});

test('an invariant that answers later is refused: it would always hold', async () => {
  const invariant = (async () => false) as unknown as () => boolean;
  await expect(explore(counting(2), { invariant })).rejects.toThrow('has to be synchronous');
});

test('what does not matter of a situation is left out', async () => {
  const endless = counting(Infinity);
  const { situations, steps } = await explore(endless, { canonical: (n) => n % 3 });
  expect([situations, steps]).toEqual([3, 3]);
});

test('bounds are kept, and their errors show what to do', async () => {
  await expect(explore(counting(Infinity), { limit: 50 })).rejects.toThrow(
    /more than 50 situations.*canonical.*limit/,
  );
  expect((await explore(counting(49), { limit: 50 })).situations).toBe(50);
  await expect(explore(counting(50), { limit: 50 })).rejects.toThrow('more than 50');
  for (const limit of [0, 1.5, 10_000_001, Number.NaN])
    await expect(explore(counting(1), { limit })).rejects.toThrow(RangeError);
  const eight = [Array.from({ length: 8 }, (_, i) => `a${i}`)];
  await expect(explore(counting(1), { symmetry: eight })).rejects.toThrow('40320 permutations');
  await expect(explore(counting(1), { symmetry: [['a', 'b'], ['b']] })).rejects.toThrow('"b" twice');
});

test('a signal is obeyed, before the start and in the middle', async () => {
  await expect(explore(counting(5), { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
    'enough',
  );
  const control = new AbortController();
  setTimeout(() => control.abort(new Error('enough now')), 1);
  const options = { signal: control.signal, limit: 10_000_000 };
  await expect(explore(counting(Infinity), options)).rejects.toThrow('enough now');
});

test('a transcript tells each step, or names it', () => {
  expect(transcriptOf(counting(3), ['up', 'up'])).toEqual([
    { from: 'step', text: 'up' },
    { from: 'step', text: 'up' },
  ]);
});
