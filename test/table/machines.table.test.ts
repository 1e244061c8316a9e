/** Claims about every exported machine: its table is total, and compiled it is the same machine. */
import { createTestModel } from '@xstate/graph';
import { assign, createActor, type AnyStateMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import { compile } from '../../machines/table/compile.ts';
import { tableCells, walkEquivalence } from '../../specs/index.ts';
import { exportedMachines } from '../../scripts/tables.ts';
import { subjects } from './machines.alphabets.ts';

const exported = exportedMachines();

test('there are machines to judge', () => {
  const judged = Object.values(subjects).map(({ machine }) => machine.id);
  expect(exported.map(({ id }) => id)).toEqual(expect.arrayContaining(judged));
});

describe.each(exported.map((machine) => [machine.id, machine] as const))('%s', (_, machine) => {
  test('every state names every event', () => {
    expect(tableCells(machine).filter(({ kind }) => kind === 'missing')).toEqual([]);
  });
  test('every state and the machine describe themselves, and the definition is JSON', () => {
    for (const [state, node] of Object.entries(machine.states))
      expect(node.config.description, state).toBeTruthy();
    expect(Object.keys(JSON.parse(JSON.stringify(compile(machine).config)).states)).toEqual(
      Object.keys(machine.states),
    );
  });
});

const walks = Object.fromEntries(
  Object.entries(subjects).map(([name, { machine, events, input, within }]) => [
    name,
    walkEquivalence(machine, { events, input, ...(within ? { within } : {}) }),
  ]),
);

describe.each(Object.entries(subjects))('%s, compiled', (name, { machine, events, input, within, never }) => {
  const walk = walks[name]!;
  test('agrees with the interpreter on every state, event and guard, in values and in the order of actions', () => {
    expect(walk.disagreement).toBeUndefined();
    expect(walk.steps).toBe(walk.states * events.length);
  });
  test('and the walk visits every cell of the table', () => {
    const all = tableCells(machine).filter(({ state }) => never?.includes(state) !== true);
    expect([...walk.cells].sort()).toEqual(all.map(({ state, event }) => `${state} ${event}`).sort());
  });
  test('follows the paths that the machine’s own graph generates', () => {
    const model = createTestModel(machine, {
      events: events as never,
      ...(within ? { stopWhen: ({ context }: { context: unknown }) => !within(context) } : {}),
    } as never);
    const paths = model.getShortestPaths({ input } as never);
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) {
      const actor = createActor(compile(machine) as never, { input } as never).start();
      for (const { event } of path.steps.slice(1)) actor.send(event as never);
      const { value, context } = actor.getSnapshot() as unknown as { value: unknown; context: unknown };
      expect({ value, context }).toEqual({ value: path.state.value, context: path.state.context });
    }
  });
});

test('the walks are as large as they were, so that none has become empty', () => {
  const sizes = Object.entries(walks).map(([name, { states, steps }]) => [name, states, steps]);
  expect(sizes).toEqual([
    ['reservation-station', 257, 10_023],
    ['functional-unit', 28, 168],
    ['functional-unit with one place', 16, 96],
    ['cache-line, readers: wait', 16, 240],
    ['cache-line, readers: committed', 16, 240],
    ['hedge', 6, 24],
    ['join, "all" of 0', 3, 12],
    ['join, "all" of 3', 17, 68],
    ['join, "allSettled" of 0', 3, 12],
    ['join, "allSettled" of 3', 16, 64],
    ['join, "any" of 0', 3, 12],
    ['join, "any" of 3', 11, 44],
    ['join, {"quorum":2} of 0', 3, 12],
    ['join, {"quorum":2} of 3', 13, 52],
    ['conductor', 6, 42],
  ]);
});

test('every guard of every cell answers both yes and no in these walks', () => {
  const answers = (of: AnyStateMachine) =>
    new Set(
      Object.entries(walks).flatMap(([name, { guards }]) =>
        subjects[name]!.machine === of ? [...guards] : [],
      ),
    );
  for (const machine of new Set(Object.values(subjects).map(({ machine }) => machine))) {
    const asked = tableCells(machine).flatMap(({ state, event, transitions }) =>
      transitions.flatMap(({ guard }) =>
        guard === undefined ? [] : [`${state} ${event} ${guard} true`, `${state} ${event} ${guard} false`],
      ),
    );
    expect([...answers(machine)].sort()).toEqual(expect.arrayContaining(asked));
  }
});

test('a compiled machine that differs in one guard, action or target is caught', () => {
  const { machine, events, input, within } = subjects['reservation-station']!;
  const sabotage = (change: (machine: AnyStateMachine) => AnyStateMachine) =>
    walkEquivalence(machine, {
      events,
      input,
      within: within!,
      compileWith: (given) => compile(change(given)),
    }).disagreement;
  const guard = sabotage((given) => given.provide({ guards: { lastOperand: () => true } } as never));
  expect(guard!.path.map(({ type }) => type)).toEqual(['ISSUE', 'OPERAND']);
  expect(sabotage((given) => given.provide({ actions: { broadcast: () => {} } } as never))).toBeDefined();
  const silent = assign({ holds: ({ context }: { context: { holds: number } }) => context.holds - 1 });
  expect(sabotage((given) => given.provide({ actions: { lift: silent } } as never))?.path.at(-1)).toEqual({
    type: 'RESUME',
  });
});
