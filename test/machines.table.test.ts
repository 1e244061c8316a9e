/** Claims about every exported machine: its table is total, and compiled it is the same machine. */
import { createTestModel } from '@xstate/graph';
import { createActor, type AnyStateMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import { compile } from '../machines/compile.ts';
import { cells, walkEquivalence } from '../specs/index.ts';
import { exportedMachines } from '../scripts/tables.ts';
import { subjects } from './machines.alphabets.ts';

const exported = exportedMachines();

test('there are machines to judge', () => {
  expect(exported.map(({ id }) => id)).toEqual(expect.arrayContaining(Object.keys(subjects)));
});

describe.each(exported.map((machine) => [machine.id, machine] as const))('%s', (_, machine) => {
  test('every state names every event', () => {
    expect(cells(machine).filter(({ kind }) => kind === 'missing')).toEqual([]);
  });
  test('every state and the machine describe themselves, and the definition is JSON', () => {
    for (const [state, node] of Object.entries(machine.states))
      expect(node.config.description, state).toBeTruthy();
    expect(Object.keys(JSON.parse(JSON.stringify(compile(machine).config)).states)).toEqual(
      Object.keys(machine.states),
    );
  });
});

describe.each(Object.entries(subjects))('%s, compiled', (_, { machine, events, input, within }) => {
  const walk = walkEquivalence(machine, { events, input, ...(within ? { within } : {}) });
  test('agrees with the interpreter on every state, event and guard, in values and in the order of actions', () => {
    expect(walk.disagreement).toBeUndefined();
    expect(walk.steps).toBe(walk.states * events.length);
  });
  test('and the walk visits every cell of the table', () => {
    const all = cells(machine).map(({ state, event }) => `${state} ${event}`);
    expect([...walk.cells].sort()).toEqual(all.sort());
  });
  test('follows the paths that the machine’s own graph generates', () => {
    const model = createTestModel(machine, {
      events: events as never,
      ...(within ? { stopWhen: ({ context }: { context: unknown }) => !within(context) } : {}),
    } as never);
    const paths = model.getShortestPaths({ input } as never);
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths.slice(0, 400)) {
      const actor = createActor(compile(machine) as never, { input } as never).start();
      for (const { event } of path.steps.slice(1)) actor.send(event as never);
      const { value, context } = actor.getSnapshot() as unknown as { value: unknown; context: unknown };
      expect({ value, context }).toEqual({ value: path.state.value, context: path.state.context });
    }
  });
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
});
