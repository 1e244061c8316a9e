/** Claims: `temporal` finds a fair way never to come where it is owed exactly where there is one, and its lasso is one;
 *  weak and strong fairness differ as they should; what it cannot judge it refuses. */
import fc from 'fast-check';
import { createMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import {
  eventually,
  explore,
  leadsTo,
  system,
  temporal,
  type Model,
  type TemporalOptions,
} from 'tutti/specs';
import { lines } from './machines.ts';

interface Arrow {
  readonly name: string;
  readonly to: number;
}
type Graph = readonly (readonly Arrow[])[];
const modelOf = (graph: Graph): Model<number, Arrow> => ({
  initial: 0,
  steps: (at) => graph[at]!,
  after: (_, { to }) => ({ world: to }),
});

const small = fc.integer({ min: 1, max: 5 }).chain((size) =>
  fc.record({
    graph: fc.array(
      fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c'), to: fc.nat(size - 1) }), {
        maxLength: 3,
        selector: ({ name, to }) => `${name}${to}`,
      }),
      { minLength: size, maxLength: size },
    ),
    from: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
    to: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
    weak: fc.subarray(['a', 'b', 'c']),
    strong: fc.subarray(['a', 'b', 'c']),
  }),
);
const among = (names: readonly string[]) => (arrow: Arrow) =>
  names.includes(arrow.name) ? arrow.name : undefined;

/** By the definition, set by set: some connected places, all visited again and again, are fair to every class. */
function trapped(
  graph: Graph,
  open: readonly boolean[],
  weak: readonly string[],
  strong: readonly string[],
): Set<number> {
  const traps = new Set<number>();
  for (let set = 1; set < 1 << graph.length; set++) {
    const members = graph.flatMap((_, at) => (set & (1 << at) && open[at] ? [at] : []));
    if (members.length === 0 || members.some((at) => !(set & (1 << at)))) continue;
    if (members.length === 1 && graph[members[0]!]!.length === 0) traps.add(members[0]!);
    const inside = members.flatMap((at) => graph[at]!.filter(({ to }) => members.includes(to)));
    if (inside.length === 0) continue;
    const reach = (from: number): Set<number> => {
      const seen = new Set<number>();
      const go = (at: number): void =>
        graph[at]!.forEach(({ to }) => {
          if (!members.includes(to) || seen.has(to)) return;
          seen.add(to);
          go(to);
        });
      go(from);
      return seen;
    };
    if (members.some((at) => members.some((to) => !reach(at).has(to)))) continue;
    const offered = (name: string) =>
      members.filter((at) => graph[at]!.some((arrow) => arrow.name === name)).length;
    const taken = (name: string) => inside.some((arrow) => arrow.name === name);
    const wronged =
      weak.some((name) => offered(name) === members.length && !taken(name)) ||
      strong.some((name) => offered(name) > 0 && !taken(name));
    if (!wronged) for (const at of members) traps.add(at);
  }
  return traps;
}

function reaches(graph: Graph, starts: readonly number[], open: (at: number) => boolean): Set<number> {
  const seen = new Set(starts.filter(open));
  for (const at of seen) for (const { to } of graph[at]!) if (open(to)) seen.add(to);
  return seen;
}

test('judges as the definition does, on any small graph, and its lasso is a fair one', async () => {
  await fc.assert(
    fc.asyncProperty(small, async ({ graph, from, to, weak, strong }) => {
      const explored = await explore(modelOf(graph));
      const property = leadsTo<number>(
        'it comes',
        (at) => from[at]!,
        (at) => to[at]!,
      );
      const { holds, lasso, owed } = temporal(explored, property, {
        weak: among(weak),
        strong: among(strong),
      });
      const open = graph.map((_, at) => !to[at]);
      const reached = [...reaches(graph, [0], () => true)];
      const due = reached.filter((at) => from[at]);
      const stuck = reaches(graph, due, (at) => open[at]!);
      const traps = trapped(graph, open, weak, strong);
      expect(owed).toBe(due.length);
      expect(holds).toBe(![...stuck].some((at) => traps.has(at)));
      if (lasso === undefined) return;
      const walk = [0];
      for (const { to: next } of lasso.path) walk.push(next);
      const start = walk.at(-1)!;
      const places = [start];
      for (const arrow of lasso.cycle) {
        expect(graph[places.at(-1)!]).toContain(arrow);
        places.push(arrow.to);
      }
      expect(places.at(-1)).toBe(start);
      expect(walk.some((at, i) => from[at] && walk.slice(i).every((later) => open[later]))).toBe(true);
      expect(places.every((at) => open[at])).toBe(true);
      if (lasso.cycle.length === 0) {
        expect(graph[start]).toEqual([]);
        return;
      }
      const offers = (at: number, name: string) => graph[at]!.some((arrow) => arrow.name === name);
      const took = (name: string) => lasso.cycle.some((arrow) => arrow.name === name);
      for (const name of weak) expect(took(name) || places.some((at) => !offers(at, name)), name).toBe(true);
      for (const name of strong)
        expect(took(name) || places.every((at) => !offers(at, name)), name).toBe(true);
    }),
    { numRuns: 1_500, seed: 5 },
  );
});

describe('a lock that two take in turns', () => {
  const guard = (me: string) =>
    createMachine({
      id: me,
      initial: 'wants',
      states: { wants: { on: { TAKE: 'has' } }, has: { on: { GIVE: 'wants' } } },
    });
  const model = system<null>({
    machines: { a: guard('a'), b: guard('b') },
    surroundings: {
      initial: null,
      may: ({ parts }) =>
        ['a', 'b'].flatMap((to) => {
          const other = to === 'a' ? 'b' : 'a';
          if (parts[to]!.value === 'has') return [{ to, event: { type: 'GIVE' } }];
          return parts[other]!.value === 'has' ? [] : [{ to, event: { type: 'TAKE' } }];
        }),
    },
  });
  const mine = eventually<any>('a has it', ({ parts }) => parts.a.value === 'has');
  const judged = async (options: TemporalOptions<any>) => temporal(await explore(model), mine, options);
  const each = (step: any) => `${step.to[0]} ${step.event.type}`;

  test('may be kept from one of them indefinitely, unless fairness is strong', async () => {
    const anyhow = await judged({});
    expect(anyhow.lasso!.cycle.map(each)).toEqual(['b TAKE', 'b GIVE']);
    expect((await judged({ weak: each })).holds).toBe(false); // while b has it, a may not take it
    expect((await judged({ strong: each })).holds).toBe(true);
  });
  test('is shown as a path, and the circle that repeats', async () => {
    const { counterexample } = await judged({});
    expect(counterexample!.what).toBe('It can go on indefinitely without this: a has it.');
    expect(counterexample!.loopsFrom).toBe(0);
    expect(counterexample!.transcript.map(({ text }) => text)).toEqual([
      'TAKE',
      'wants → has',
      'GIVE',
      'has → wants',
    ]);
  });
});

test('where only a person could go on, it may stop', async () => {
  const graph: Graph = [[{ name: 'press', to: 1 }], []];
  const explored = await explore(modelOf(graph));
  const lit = eventually<number>('the light is on', (at) => at === 1);
  expect(temporal(explored, lit).holds).toBe(true);
  const { lasso, counterexample } = temporal(explored, lit, { optional: ({ name }) => name === 'press' });
  expect(lasso).toEqual({ path: [], cycle: [] });
  expect(counterexample!.what).toBe('It may stop here, and this was still to come: the light is on.');
  expect(temporal(explored, lit, { optional: () => true, weak: ({ name }) => name }).holds).toBe(true);
});

test('counts how often it was owed, so that a property which holds only because it was never owed shows', async () => {
  const explored = await explore(modelOf([[{ name: 'a', to: 0 }]]));
  expect(
    temporal(
      explored,
      leadsTo(
        'never asked',
        () => false,
        () => false,
      ),
    ),
  ).toEqual({ holds: true, owed: 0 });
});

test('what was stopped by a violation or reduced by symmetry is refused', async () => {
  const never = eventually<any>('x', () => false);
  const stopped = await explore(lines(2), { invariant: () => false });
  expect(() => temporal(stopped, never)).toThrow('stopped at a violation');
  const reduced = await explore(lines(2), { symmetry: [['a0', 'a1']] });
  expect(() => temporal(reduced, never)).toThrow('explore without it');
});
