/** Claim: every flat machine behaves the same after it is compiled. Checked on random machines in lock-step. */
import fc from 'fast-check';
import { createActor, setup, type Actor, type AnyActorLogic } from 'xstate';
import { expect, test } from 'vitest';
import { compile } from '../../machines/table/compile.ts';
import { build, CONSTANT, EVENTS, machinePlan, type MachinePlan } from './flat-machines.ts';

const DEEP = process.env['TUTTI_DEEP'] === '1';

/** All that can be seen of a machine while it is sent these events. */
function observe(plan: MachinePlan, compiled: boolean, input: number, events: readonly string[]): unknown[] {
  const log: unknown[] = [];
  const machine = build(plan, log);
  const actor: Actor<AnyActorLogic> = createActor((compiled ? compile(machine) : machine) as AnyActorLogic, {
    input,
  });
  const seen: unknown[] = [];
  const look = (): void => {
    const snapshot = actor.getSnapshot();
    seen.push({
      value: snapshot.value,
      context: snapshot.context,
      status: snapshot.status,
      tags: [...snapshot.tags].sort(),
      meta: snapshot.getMeta(),
      // `can` of an ended actor is not compared.
      can: snapshot.status === 'active' ? EVENTS.map((type) => snapshot.can({ type })) : [],
      matches: snapshot.matches('s0'),
      said: log.splice(0),
    });
  };
  look(); // before the start no action has run
  actor.start();
  look();
  for (const type of events) {
    actor.send({ type });
    look();
  }
  const logic = actor.logic;
  const restored = (persisted: unknown): void => {
    const again = createActor(logic, { snapshot: JSON.parse(JSON.stringify(persisted)), input });
    again.start();
    const { value, context, status } = again.getSnapshot();
    seen.push({ restored: { value, context, status }, said: log.splice(0) });
  };
  restored(actor.getPersistedSnapshot());
  actor.stop();
  look();
  restored(actor.getPersistedSnapshot());
  return seen;
}

test('a random flat machine has the same snapshots and actions, compiled and interpreted', () => {
  let steps = 0;
  fc.assert(
    fc.property(
      machinePlan,
      fc.nat(6),
      fc.array(fc.constantFrom(...EVENTS, 'UNKNOWN'), { maxLength: 25 }),
      (plan, input, events) => {
        steps += events.length;
        expect(observe(plan, true, input, events)).toEqual(observe(plan, false, input, events));
      },
    ),
    { numRuns: DEEP ? 20_000 : 1_000 },
  );
  expect(steps).toBeGreaterThan(1_000);
});

test('actors with the same frozen context share their snapshots, and others do not', () => {
  const logic = compile(
    setup({ types: { context: {} as { n: number } } }).createMachine({
      id: 'shared',
      initial: 's0',
      context: ({ input }) => (input === undefined ? CONSTANT : { n: 0 }),
      states: { s0: { on: { E0: 's1' } }, s1: { on: { E0: 's0' } } },
    }),
  );
  const [a, b, own] = [undefined, undefined, 1].map((input) =>
    createActor(logic, { input } as never).start(),
  );
  for (let round = 0; round < 3; round++) {
    expect(a!.getSnapshot()).toBe(b!.getSnapshot());
    expect(own!.getSnapshot()).not.toBe(a!.getSnapshot());
    for (const actor of [a, b, own]) actor!.send({ type: 'E0' } as never);
  }
});
