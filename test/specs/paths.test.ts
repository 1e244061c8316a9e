/** Claims: `paths` covers every step, or every situation, of what was explored; `testPaths` finds where something real
 *  differs, shows the path to it, and reports nothing that is right. */
import { createMachine, setup, type AnyStateMachine } from 'xstate';
import { compile } from 'tutti/machines';
import { describe, expect, test, vi } from 'vitest';
import {
  explore,
  mutants,
  paths,
  realActor,
  system,
  testPaths,
  type Explored,
  type Model,
  type World,
} from 'tutti/specs';
import { lineMachine, lines, player } from './machines.ts';

const outcomes = { load: [{ output: 1 }, { error: 'no disc' }] };
const listening = system<null>({
  machines: { it: { machine: player, outcomes } },
  surroundings: {
    initial: null,
    may: () => ['POWER', 'LOAD', 'PRESS', 'RESET'].map((type) => ({ to: 'it', event: { type } })),
  },
});

/** `situation step` of every step that the paths take, by the graph and not by the paths' maker. */
function taken<S>({ next }: Explored<unknown, S>, all: readonly (readonly S[])[]): Set<string> {
  return new Set(
    all.flatMap((path) => {
      let at = 0;
      return path.map((step) => {
        const i = next[at]!.findIndex(([other]) => other === step);
        const edge = `${at} ${i}`;
        at = next[at]![i]![1];
        return edge;
      });
    }),
  );
}

describe('paths', () => {
  test('cover every step, in few paths', async () => {
    const explored = await explore(listening);
    const all = paths(explored);
    const edges = explored.next.flatMap((out, at) => out.map((_, i) => `${at} ${i}`));
    expect([...taken(explored, all)].sort()).toEqual(edges.sort());
    expect(all.length).toBeLessThan(edges.length / 5);
  });
  test('cover every situation by a shortest way to it', async () => {
    const explored = await explore(listening);
    const all = paths(explored, { cover: 'situations' });
    const reached = new Set([0]);
    for (const edge of taken(explored, all)) {
      const [at, i] = edge.split(' ').map(Number);
      reached.add(explored.next[at!]![i!]![1]);
    }
    expect(reached.size).toBe(explored.situations);
    expect(all.length).toBeLessThan(explored.situations);
  });
  test('are cut where they get too long', async () => {
    const explored = await explore(listening);
    const all = paths(explored, { longest: 8 });
    const far = Math.max(...explored.worlds.map((_, at) => wayLength(explored, at)));
    expect(Math.max(...all.map(({ length }) => length))).toBeLessThanOrEqual(Math.max(8, far + 1));
    expect(taken(explored, all).size).toBe(explored.steps);
  });
  test('keep their bounds', async () => {
    const explored = await explore(lines(2));
    for (const options of [
      { longest: 0 },
      { longest: 100_001 },
      { limit: 0 },
      { limit: 2.5 },
      { limit: 2, longest: 1 },
    ])
      expect(() => paths(explored, options)).toThrow(RangeError);
    const reduced = await explore(lines(2), { symmetry: [['a0', 'a1']] });
    expect(() => paths(reduced)).toThrow('explore without it');
  });
});

const wayLength = ({ parents }: Explored<any, any>, to: number): number => {
  let length = 0;
  for (let parent = parents[to]; parent !== undefined; parent = parents[parent[1]]) length++;
  return length;
};

describe('a real actor', () => {
  test('with regions, delays, history and an actor does what its model does', async () => {
    const tested = await testPaths(await explore(listening), { sut: realActor('it', player) });
    expect(tested.counterexample).toBeUndefined();
    expect(tested.steps).toBeGreaterThanOrEqual((await explore(listening)).steps);
  });
  test('does what its model does, on a bus with others', async () => {
    const sut = realActor<null>('a1', lineMachine(true), { input: { me: 'a1' } });
    expect((await testPaths(await explore(lines(3)), { sut })).counterexample).toBeUndefined();
  });
  test('with a fault in it is found, with a way to it', async () => {
    const sut = realActor<null>('a1', lineMachine(false), { input: { me: 'a1' } });
    const { counterexample } = await testPaths(await explore(lines(3)), { sut });
    expect(counterexample!.what).toMatch(/^The model is at .*"value":"I".*, the sut at .*"value":"S".*/);
    expect(counterexample!.transcript.filter(({ to }) => to === 'a1').length).toBeLessThanOrEqual(4); // the shortest way
  });
  test('that is compiled agrees, and with any one mistake in its table is found', async () => {
    const bulb: AnyStateMachine = setup({ guards: { works: () => true } }).createMachine({
      initial: 'off',
      states: {
        off: { on: { PRESS: 'on', BREAK: 'broken' } },
        on: { on: { PRESS: 'off', BREAK: 'broken' } },
        broken: { on: { PRESS: {}, BREAK: {} } },
      },
    });
    const may = () => ['PRESS', 'BREAK'].map((type) => ({ to: 'bulb', event: { type } }));
    const explored = await explore(
      system<null>({ machines: { bulb }, surroundings: { initial: null, may } }),
    );
    expect(
      (await testPaths(explored, { sut: realActor('bulb', compile(bulb)) })).counterexample,
    ).toBeUndefined();
    const all = mutants(bulb);
    expect(all.length).toBeGreaterThan(10);
    for (const { name, machine } of all)
      expect(
        (await testPaths(explored, { sut: realActor('bulb', machine) })).counterexample,
        name,
      ).toBeDefined();
  });
});

const counter: Model<number, { type: string }> = {
  initial: 0,
  steps: (n) => (n < 3 ? [{ type: 'UP' }] : [{ type: 'RESET' }]),
  after: (n, { type }) => ({ world: type === 'UP' ? n + 1 : 0 }),
};

describe('something of one’s own', () => {
  test('receives each event, is read after each, and is always disposed of', async () => {
    const dispose = vi.fn<() => void>();
    const heard: string[] = [];
    const create = () => {
      let n = 0;
      const send = ({ type }: { type: string }) => {
        heard.push(type);
        n = type === 'UP' ? n + 1 : 0;
      };
      return { send, read: () => n, dispose };
    };
    const sut = { create, projectModel: (n: number) => n };
    expect(await testPaths(await explore(counter), { sut })).toEqual({ paths: 1, steps: 4 });
    expect(heard).toEqual(['UP', 'UP', 'UP', 'RESET']);
    expect(dispose).toHaveBeenCalledTimes(2); // the empty path is one: it compares the beginning
    const failing = { create: () => ({ send: () => Promise.reject(new Error('gone')), dispose }) };
    const { counterexample } = await testPaths(await explore(counter), { sut: failing });
    expect(counterexample).toEqual({
      what: 'The sut threw: gone',
      transcript: [{ from: 'step', text: '{"type":"UP"}' }],
    });
    expect(dispose).toHaveBeenCalledTimes(4);
  });
  test('that begins elsewhere is found at once', async () => {
    const sut = { create: () => ({ send: () => {}, read: () => 7 }), projectModel: (n: number) => n };
    const { counterexample } = await testPaths(await explore(counter), { sut });
    expect(counterexample).toEqual({ what: 'The model is at 0, the sut at 7.', transcript: [] });
  });
  test('that is read needs `projectModel`', async () => {
    const sut = { create: () => ({ send: () => {}, read: () => 0 }) };
    await expect(testPaths(await explore(counter), { sut })).rejects.toThrow('projectModel');
  });
});

test('a signal is obeyed', async () => {
  const control = new AbortController();
  const create = () => ({ send: () => control.abort(new Error('enough')) });
  const explored: Explored<World<null>, any> = await explore(lines(2));
  await expect(testPaths(explored, { sut: { create }, signal: control.signal })).rejects.toThrow('enough');
});

test('the machine of an actor that is done receives nothing more, and neither does the model', async () => {
  const once = createMachine({ initial: 'a', states: { a: { on: { END: 'z' } }, z: { type: 'final' } } });
  const may = () => [{ to: 'it', event: { type: 'END' } }];
  const explored = await explore(
    system<null>({ machines: { it: once }, surroundings: { initial: null, may } }),
  );
  expect(explored.situations).toBe(2);
  expect((await testPaths(explored, { sut: realActor('it', once) })).counterexample).toBeUndefined();
});
