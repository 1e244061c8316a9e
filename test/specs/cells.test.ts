/** Claims: `cells` reads nested and parallel machines as XState does; `unjustified` names a hole, a live cell that never
 *  occurred and an impossible one that did, and nothing else. */
import { createActor, createMachine, setup, type AnyStateMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import { tableCells, occurredCells, explore, system, unjustified } from 'tutti/specs';
import { alphabet } from '../../specs/harness/cells.ts';
import { stateNames } from '../../specs/harness/part.ts';
import { lines, lineMachine, player } from './machines.ts';

const outcomes = { load: [{ output: 1 }, { error: 'no disc' }] };
const events = ['POWER', 'LOAD', 'PRESS', 'RESET'];
const may = () => events.map((type) => ({ to: 'it', event: { type } }));
const listening = (machine: AnyStateMachine) =>
  explore(system<null>({ machines: { it: { machine, outcomes } }, surroundings: { initial: null, may } }));

test('a nested machine has a cell for each innermost state, whichever state around it names the event', () => {
  const nested: AnyStateMachine = createMachine({
    initial: 'a',
    on: { QUIT: '.z' },
    states: {
      a: {
        initial: 'x',
        states: { x: { on: { GO: 'y' } }, y: { on: { GO: {} } } },
        on: { 'NEWS.*': { target: 'b' } },
      },
      b: { on: { '*': {} } },
      z: { type: 'final' },
    },
  });
  const kinds = (event: string) =>
    Object.fromEntries(tableCells(nested, [event]).map(({ state, kind }) => [state, kind]));
  expect(alphabet(nested)).toEqual(['QUIT', 'GO']);
  expect(kinds('GO')).toEqual({ 'a.x': 'live', 'a.y': 'ignore', b: 'ignore' });
  expect(kinds('QUIT')).toEqual({ 'a.x': 'live', 'a.y': 'live', b: 'ignore' });
  expect(kinds('NEWS.local')).toEqual({ 'a.x': 'live', 'a.y': 'live', b: 'ignore' });
  expect(kinds('OTHER')).toEqual({ 'a.x': 'missing', 'a.y': 'missing', b: 'ignore' });
});

test('a cell that is live or missing is so for a real actor, in every region', async () => {
  const { worlds } = await listening(player);
  const table = new Map(tableCells(player).map((cell) => [`${cell.state} ${cell.event}`, cell.kind]));
  for (const { parts } of worlds) {
    const { value, context } = parts['it']!;
    const snapshot = player.resolveState({ value, context } as never);
    for (const event of events) {
      const kinds = stateNames(player, value).map((state) => table.get(`${state} ${event}`));
      const handled = player.getTransitionData(snapshot, { type: event } as never).length > 0;
      expect(handled, `${JSON.stringify(value)} ${event}`).toBe(kinds.some((kind) => kind !== 'missing'));
    }
  }
  expect(
    createActor(player)
      .start()
      .getSnapshot()
      .can({ type: 'POWER' } as never),
  ).toBe(true);
});

describe('unjustified', () => {
  const door = (impossible: object): AnyStateMachine =>
    setup({ actions: { impossible: () => {} } }).createMachine({
      initial: 'shut',
      states: {
        shut: { on: { OPEN: 'open', SHUT: impossible } },
        open: { on: { SHUT: 'shut' } },
        walled: { on: { OPEN: 'open' } },
      },
    });
  test('names the hole, what never occurred, and what is called impossible and did', () => {
    const occurred = new Set(['shut OPEN', 'open SHUT', 'shut SHUT']);
    expect(unjustified(door({ actions: 'impossible' }), occurred)).toEqual([
      'shut SHUT is called impossible, and occurred.',
      'open does not name OPEN.',
      'walled OPEN never occurred.',
      'walled does not name SHUT.',
    ]);
  });
  test('is empty for a machine in which every cell is accounted for', async () => {
    const explored = await explore(lines(3));
    const all = occurredCells(explored, 'a0', 'a1', 'a2');
    expect(unjustified(lineMachine(true), all)).toEqual([]);
    expect(occurredCells(explored)).toEqual(all);
    expect(unjustified(lineMachine(true), new Set([...all].slice(1)))).toHaveLength(1);
  });
  test('asks about machines that are there', async () => {
    const explored = await explore(lines(2));
    expect(() => occurredCells(explored, 'a9')).toThrow('no machine "a9"; there are a0, a1');
  });
});
