/** Claims about mutants: every small mistake is made, under a unique name; each in a station, a unit or the conductor
 *  is detected, unless the mutant is equivalent; and the check for equivalence can also fail. */
import { createMachine, type AnyStateMachine, type EventObject } from 'xstate';
import { beforeAll, describe, expect, test } from 'vitest';
import { cacheLine, functionalUnit, tempoGovernor } from '../../machines/index.ts';
import { grantable } from '../../machines/tomasulo/functional-unit.ts';
import { mutant, mutants, type Mistake, type Mutant } from '../../specs/harness/mutants.ts';
import { equivalentTo, type ProductOptions } from '../../specs/harness/product.ts';
import { EXPLORED, isEquivalent, kills } from '../../specs/tomasulo/explored.ts';
import { unitAgrees } from '../../specs/tomasulo/around-units.ts';
import { stepOf, withReads } from '../../specs/harness/with-reads.ts';
import { walk } from '../../specs/harness/walk.ts';

const act = () => {};
const small = createMachine(
  {
    id: 'small',
    initial: 'a',
    states: {
      a: { on: { GO: [{ guard: 'may', target: 'b', actions: ['one', 'two', 'two'] }, {}], STAY: {}, NO: { actions: 'impossible' } } },
      b: { on: { GO: 'a' } },
    },
  },
  { guards: { may: () => true }, actions: { one: act, two: act, impossible: act } },
) as unknown as AnyStateMachine; // prettier-ignore

describe('the mutants of a small machine', () => {
  const all = mutants(small);
  test('are every mistake, once, each under a unique name', () => {
    expect(all.map(({ name, mistake }) => `${name}: ${mistake}`)).toEqual([
      'a GO[0] without its guard: unguarded',
      'a GO[0] left out: left out',
      'a GO[0] without one: action dropped',
      'a GO[0] without two: action dropped',
      'a GO[0] without two#2: action dropped',
      'a GO[0] with two before one: actions swapped',
      'a GO[0] with two#2 before two: actions swapped',
      'a GO[0] to a: retargeted',
      'a GO[1] to b: retargeted',
      'a STAY[0] to b: retargeted',
      'b GO[0] left out: left out',
      'b GO[0] to b: retargeted',
    ]);
  });
  test('differ from it in the one cell that they name', () => {
    for (const { state, event, machine } of all)
      for (const [name, node] of Object.entries(small.states))
        for (const cell of ['GO', 'STAY', 'NO']) {
          const here = JSON.stringify(machine.states[name]!.config.on?.[cell as never]);
          const there = JSON.stringify(node.config.on?.[cell as never]);
          expect(here !== there, `${name} ${cell}`).toBe(name === state && cell === event);
        }
  });
  test('make the mistake that their name states', () => {
    const said = (name: string) => {
      const { machine } = mutant(small, name);
      const [next, words] = stepOf(machine, undefined)(machine.resolveState({ value: 'a', context: {} }), {
        type: 'GO',
      });
      return [next.value, ...words.map(({ type }) => type)];
    };
    expect(said('a GO[0] left out')).toEqual(['a']);
    expect(said('a GO[0] with two before one')).toEqual(['b', 'two', 'one', 'two']);
    expect(said('a GO[0] without one')).toEqual(['b', 'two', 'two']);
    expect(said('a GO[0] to a')).toEqual(['a', 'one', 'two', 'two']);
  });
  test('are found by name, and an unknown name is an error', () => {
    expect(mutant(small, 'b GO[0] left out').machine.states['b']!.config.on).toEqual({});
    expect(() => mutant(small, 'b GO[7] left out')).toThrow("'small' has no mutant 'b GO[7] left out'");
  });
});

test('every machine has at least a hundred, of every kind that its table has room for, and no two of one name', () => {
  const machines = [...Object.values(EXPLORED).map(({ machine }) => machine), cacheLine, tempoGovernor];
  for (const machine of machines as AnyStateMachine[]) {
    const all = mutants(machine);
    expect(all.length, machine.id).toBeGreaterThan(100);
    expect(new Set(all.map(({ name }) => name)).size, machine.id).toBe(all.length);
    const kinds = new Set(all.map(({ mistake }) => mistake));
    const guarded: Mistake[] = ['conductor', 'hedge'].includes(machine.id) ? [] : ['unguarded'];
    const swapped: Mistake[] = machine.id === 'join' ? [] : ['actions swapped'];
    for (const kind of [...guarded, 'left out', 'action dropped', ...swapped, 'retargeted'] as const)
      expect(kinds, `${machine.id}: ${kind}`).toContain(kind);
  }
});

/** Two actions in another order, of which the second is an assignment that the code that performs the first does not
 *  read. */
const EQUIVALENT: Readonly<Record<string, readonly string[]>> = {
  'reservation-station': [
    'free ISSUE[1] with requestUnit before latch',
    'waiting OPERAND[0] with requestUnit before capture',
    'waiting FAULT[0] with requestUnit before capture',
    'ready HOLD[0] with withdraw before hold',
    'held RESUME[0] with requestUnit before lift',
    'executing DONE[0] with requestUnit before repeat',
    'executing FAILED[0] with backOff before rest',
  ],
  'functional-unit': [
    'idle ACQUIRE[0] with grant before take',
    'idle ACQUIRE[1] with grant before take',
    'idle TRY[0] with lend before take',
    'idle TRY[1] with lend before take',
    'busy ACQUIRE[0] with grant before take',
    'busy ACQUIRE[1] with grant before take',
    'busy TRY[0] with lend before take',
    'busy TRY[1] with lend before take',
    'saturated RELEASE[0] with grant before dequeue',
  ],
  conductor: [],
  hedge: [],
  join: [],
};

describe.each(Object.entries(EXPLORED))('%s', (name, explored) => {
  let escaped: Mutant[] = [];
  beforeAll(() => {
    escaped = mutants(explored.machine).filter(({ machine }) => !kills(explored, machine));
  }, 300_000);

  test('with any one mistake is detected, unless the mutant is equivalent', () => {
    expect(escaped.map((one) => one.name)).toEqual(EQUIVALENT[name]);
    for (const one of escaped) expect(isEquivalent(explored, one.machine), one.name).toBe(true);
  });
  test('is not equivalent to mutants that are killed', { timeout: 300_000 }, () => {
    const all = mutants(explored.machine);
    const killed = all.filter(
      (one, i) => (all.length < 300 || i % 7 === 0) && !escaped.some(({ name: other }) => other === one.name),
    );
    const equivalent = killed.filter(({ machine }) => isEquivalent(explored, machine));
    expect(equivalent.map((one) => one.name)).toEqual([]);
  });
  test('differs from the mutants that escape for code that reads the whole context', () => {
    const { machine, settings } = explored;
    for (const one of escaped) {
      const found = settings.map((setting) => equivalentTo(machine, one.machine, setting));
      const difference = found.find(({ equivalent }) => !equivalent)?.difference;
      expect(difference?.where, one.name).toBe('said');
    }
  });
});

describe('two machines side by side', () => {
  const unit = functionalUnit as unknown as AnyStateMachine;
  const { settings, machine: tells } = EXPLORED['functional-unit']!;
  const setting = settings[0]! as ProductOptions<any>;

  test('are compared in every pair of situations, and a machine is equivalent to itself', () => {
    const { equivalent, pairs, steps } = equivalentTo(tells, tells, setting);
    expect([equivalent, pairs, steps]).toEqual([true, 34, 177]);
  });

  test.each<[string, string, string[]]>([
    ['idle ACQUIRE[1] without grant', 'said', ['ACQUIRE']],
    ['idle ACQUIRE[1] to saturated', 'seen', ['ACQUIRE']],
    ['busy TACET[0] left out', 'seen', ['ACQUIRE', 'TACET']],
    ['saturated ACQUIRE[0] without enqueue', 'seen', ['ACQUIRE', 'ACQUIRE', 'ACQUIRE', 'ACQUIRE']],
    ['busy RELEASE[0] without its guard', 'seen', ['ACQUIRE', 'ACQUIRE', 'RELEASE']],
  ])('%s shows in what is %s, by a shortest path', (name, where, path) => {
    const { equivalent, difference } = equivalentTo(unit, mutant(unit, name).machine, setting);
    expect([equivalent, difference!.where]).toEqual([false, where]);
    expect(difference!.path.map(({ type }) => type)).toEqual(path);
  });

  test('may look the same at first, and still do something else later', () => {
    const blind = { ...setting, sees: () => null };
    const { machine } = mutant(unit, 'saturated ACQUIRE[0] without enqueue');
    expect(equivalentTo(unit, machine, blind).difference).toMatchObject({ where: 'said' });
  });

  test('differ in what an action reads where it and an assignment change places', () => {
    const { machine } = mutant(unit, 'tacet WAKE[1] with takeQueued before grantQueued');
    const counts = { ...setting, hears: (_: string, context: never) => grantable(context) };
    expect(equivalentTo(unit, machine, counts).difference).toMatchObject({
      where: 'said',
      original: [{ type: 'grantQueued', hears: 3 }],
      mutant: [{ type: 'grantQueued', hears: 0 }],
    });
    expect(equivalentTo(unit, machine, { ...setting, hears: () => null }).difference?.where).not.toBe('said');
  });

  test('are the same where the surroundings never go', () => {
    const never = { ...setting.surroundings, may: () => [{ type: 'TACET' }] as EventObject[] };
    const { machine } = mutant(unit, 'idle ACQUIRE[1] without grant');
    expect(equivalentTo(unit, machine, { ...setting, surroundings: never }).equivalent).toBe(true);
  });

  test('differ where only one of them throws', () => {
    const broken = unit.provide({
      guards: {
        someoneWaits: () => {
          throw new Error('out of order');
        },
      },
    } as never) as AnyStateMachine;
    expect(equivalentTo(unit, broken, setting).difference?.where).toBe('throws');
  });

  test('with more pairs than the limit are an error of the caller', () => {
    expect(() => equivalentTo(unit, unit, { ...setting, limit: 10 })).toThrow('more than 10 pairs; bound');
  });
});

test('a unit that does not tell how many it grants is not what its surroundings expect', () => {
  const [setting] = EXPLORED['functional-unit']!.settings;
  const silent = functionalUnit as unknown as AnyStateMachine;
  expect(walk(silent, { ...setting!, invariant: unitAgrees as never }).violation).toBeDefined();
  const two = withReads(silent, { grantQueued: () => 2 });
  expect(walk(two, setting!).violation).toMatchObject({ what: 'invariant' });
});
