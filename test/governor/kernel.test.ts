/** Claim: each governor equals the kernel's formula, and the pool's rules, after every event. Oracles:
 *  specs/governor/model.ts and specs/governor/pool/model.ts. */
import { expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { GOVERNORS } from '../../machines/governor/governor.ts';
import { tempoGovernor } from '../../machines/governor/tempo-governor.ts';
import { promisedByModel } from '../../specs/governor/compare.ts';
import { governorRun } from '../../specs/governor/lockstep.ts';
import { DEPARTURES, GOVERNING, KERNEL_CALL } from '../../specs/governor/mapping.ts';
import { DEPTH, everySequence } from '../../specs/governor/scope.ts';
import { drawTrace } from '../../specs/governor/traces.ts';
import { alphabet } from '../../specs/harness/cells.ts';
import { Random } from '../../specs/harness/random.ts';

const machine = tempoGovernor as unknown as AnyStateMachine;
const FIRST_SEED = 20_261_121;

test.each(GOVERNORS)('governor %s equals its model after every event of 1,000 random traces', (policy) => {
  let samples = 0;
  const visited = new Set<number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 1_000; seed++) {
    const run = governorRun(machine, policy, seed);
    expect(run.counterexample).toBeUndefined();
    samples += run.samples;
    for (const frequency of run.visited) visited.add(frequency);
  }
  expect(samples).toBeGreaterThan(20_000);
  expect(visited.size).toBeGreaterThan(100); // the traces do move it
});

test('the traces give every event under every policy and in every mode, and points change and do not', () => {
  const met = new Set<string>();
  for (const policy of GOVERNORS) {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + 300; seed++) {
      const trace = drawTrace(policy, new Random(seed));
      const seen = promisedByModel(trace, DEPARTURES);
      for (const [i, event] of trace.events.entries()) {
        const before = seen[i - 1];
        if (before === undefined) continue;
        met.add(`${before.policy} ${event.type}`).add(`${before.mode} ${event.type}`);
        met.add(`${before.policy} to ${seen[i]!.policy}`);
        met.add(`${event.type} ${seen[i]!.said === '' ? 'quiet' : 'said'}`);
        if (event.type === 'BUDGET' || event.type === 'DEADLINE')
          met.add(`${event.type} ${Object.values(event).includes(null) ? 'lifted' : 'set'}`);
      }
    }
  }
  const heard = Object.keys(KERNEL_CALL);
  const wanted = [
    ...[...GOVERNORS, null, 'sprint', 'conservation', 'crisis'].flatMap((at) =>
      heard.map((event) => `${at} ${event}`),
    ),
    ...GOVERNORS.flatMap((from) => GOVERNORS.map((to) => `${from} to ${to}`)),
    ...heard.flatMap((event) => [`${event} quiet`, `${event} said`]),
    ...['BUDGET', 'DEADLINE'].flatMap((event) => [`${event} lifted`, `${event} set`]),
  ];
  expect(wanted.filter((one) => !met.has(one))).toEqual([]);
});

test('every short sequence of commands under every policy is answered as promised', () => {
  const last = [...everySequence(machine, DEPTH)].at(-1)!;
  expect(last.found).toBeUndefined();
  expect(last.part).toBe(1);
  const commands = 29; // each may follow each
  expect([DEPTH, last.steps]).toEqual([3, GOVERNORS.length * (1 + commands + commands ** 2 + commands ** 3)]);
});

test('the mapping names the machine’s policies and events, all of them', () => {
  expect(Object.keys(GOVERNING).sort()).toEqual(Object.keys(machine.states).sort());
  expect(Object.keys(KERNEL_CALL).sort()).toEqual(alphabet(machine).sort());
});
