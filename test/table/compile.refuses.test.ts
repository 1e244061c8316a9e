/** Claim: what has no meaning in a flat table is refused, with the state and the feature named. */
import {
  and,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromPromise,
  log,
  not,
  or,
  raise,
} from 'xstate';
import { sendParent, sendTo, spawnChild, stateIn, stopChild, type AnyStateMachine } from 'xstate';
import { expect, test } from 'vitest';
import { compile, NotFlatError } from '../../machines/table/compile.ts';

/** A machine with something in its state `b`. */
const inB = (b: object): AnyStateMachine =>
  createMachine({ id: 'm', initial: 'a', states: { a: { on: { GO: 'b' } }, b } } as never) as never;
const atRoot = (root: object): AnyStateMachine =>
  createMachine({ id: 'm', initial: 'a', states: { a: {}, b: {} }, ...root } as never) as never;

const builtIns = {
  raise: raise({ type: 'X' }),
  sendTo: sendTo('child', { type: 'X' }),
  sendParent: sendParent({ type: 'X' }),
  forwardTo: forwardTo('child'),
  enqueueActions: enqueueActions(() => {}),
  emit: emit({ type: 'X' }),
  log: log('x'),
  cancel: cancel('x'),
  stopChild: stopChild('child'),
  spawnChild: spawnChild(fromPromise(async () => 1)),
};
const type = (action: unknown): string => (action as { type: string }).type;

const refused: readonly (readonly [name: string, machine: AnyStateMachine, where: string, what: string])[] = [
  ['a nested state', inB({ initial: 'c', states: { c: {} } }), 'b', 'a compound state'],
  ['a parallel state', inB({ type: 'parallel', states: { c: {}, d: {} } }), 'b', 'a parallel state'],
  ['a final state', inB({ type: 'final' }), 'b', 'a final state'],
  ['a history state', inB({ type: 'history', target: 'a' }), 'b', 'a history state'],
  ['always', inB({ always: { target: 'a', guard: () => false } }), 'b', '`always`'],
  ['after', inB({ after: { 10: 'a' } }), 'b', '`after`'],
  ['invoke', inB({ invoke: { src: fromPromise(async () => 1) } }), 'b', '`invoke`'],
  ['a partial wildcard', inB({ on: { 'x.*': 'a' } }), 'b', "the partial wildcard 'x.*'"],
  ['a transition to the root', inB({ on: { X: { target: '#m' } } }), 'b', "the target 'm' outside"],
  ['not', inB({ on: { X: { guard: not(() => true) } } }), 'b', "the higher-order guard 'not'"],
  ['and', inB({ on: { X: { guard: and([() => true]) } } }), 'b', "the higher-order guard 'and'"],
  ['or', inB({ on: { X: { guard: or([() => true]) } } }), 'b', "the higher-order guard 'or'"],
  ['stateIn', inB({ on: { X: { guard: stateIn('a') } } }), 'b', "the higher-order guard 'stateIn'"],
  ...Object.entries(builtIns).flatMap(([name, action]) => [
    [
      `${name} in a transition`,
      inB({ on: { X: { actions: action } } }),
      'b',
      `the built-in action '${type(action)}'`,
    ] as const,
    [`${name} on entry`, inB({ entry: action }), 'b', `the built-in action '${type(action)}'`] as const,
    [
      `${name} on exit`,
      inB({ exit: action, on: { X: 'a' } }),
      'b',
      `the built-in action '${type(action)}'`,
    ] as const,
  ]),
  ['a parallel machine', atRoot({ type: 'parallel', initial: undefined }), '(root)', "type 'parallel'"],
  ['always on the root', atRoot({ always: { actions: 'x', guard: () => false } }), '(root)', '`always`'],
  ['after on the root', atRoot({ after: { 10: '.b' } }), '(root)', '`after`'],
  ['invoke on the root', atRoot({ invoke: { src: fromPromise(async () => 1) } }), '(root)', '`invoke`'],
  ['entry on the root', atRoot({ entry: 'x' }), '(root)', 'entry or exit actions'],
  ['exit on the root', atRoot({ exit: 'x' }), '(root)', 'entry or exit actions'],
  [
    'raise with the initial state',
    atRoot({ initial: { target: 'a', actions: raise({ type: 'X' }) } }),
    '(root)',
    "the built-in action 'xstate.raise'",
  ],
  ['a machine without states', createMachine({ id: 'm' }) as never, '(root)', "type 'atomic'"],
];

test.each(refused)('%s is refused', (_, machine, where, what) => {
  expect(() => compile(machine)).toThrow(NotFlatError);
  expect(() => compile(machine)).toThrow(`compile(m): ${where} uses ${what}`);
});

test('a root of the same name as a state is not mistaken for it', () => {
  const machine = createMachine({
    id: 'a',
    initial: 'a',
    states: { a: {}, b: { on: { X: { target: '#a' } } } },
  } as never);
  expect(() => compile(machine)).toThrow("compile(a): b uses the target 'a' outside the flat states");
});

test('an actor spawned in the context is refused when the actor is made', () => {
  const machine = createMachine({
    id: 'm',
    context: ({ spawn }) => ({ child: spawn(fromPromise(async () => 1)) }),
    initial: 'a',
    states: { a: {} },
  });
  const logic = compile(machine as never);
  expect(() =>
    logic.getInitialSnapshot({ self: {}, actionExecutor() {} } as never, undefined as never),
  ).toThrow('compile(m): context uses `spawn`');
});

test('a guard without an implementation is named, with its state', () => {
  expect(() => compile(inB({ on: { X: { guard: 'unheard' } } }))).toThrow(
    "the guard 'unheard' in b is not provided",
  );
});

test('an action that the machine does not use cannot be provided', () => {
  expect(() => compile(inB({})).provide({ actions: { unheard: () => {} } })).toThrow(
    "no action is named 'unheard'",
  );
});

test('a state that the machine does not have cannot be restored', () => {
  const persisted = { status: 'active', value: 'gone', context: {} } as never;
  expect(() => compile(inB({})).restoreSnapshot!(persisted, {} as never)).toThrow(
    "no state 'gone' to restore",
  );
});
