/** Claim: each governor equals the kernel's formula at every sample. Oracle: specs/governor/model.ts. */
import { expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { GOVERNORS } from '../machines/governor.ts';
import { tempoGovernor } from '../machines/tempo-governor.ts';
import { governorRun } from '../specs/governor/lockstep.ts';

const machine = tempoGovernor as unknown as AnyStateMachine;

test.each(GOVERNORS)('governor %s equals the kernel at every sample of 1,000 random traces', (policy) => {
  let samples = 0;
  const visited = new Set<number>();
  for (let seed = 20_261_121; seed < 20_262_121; seed++) {
    const run = governorRun(machine, policy, seed);
    expect(run.counterexample).toBeUndefined();
    samples += run.samples;
    for (const frequency of run.visited) visited.add(frequency);
  }
  expect(samples).toBeGreaterThan(20_000);
  expect(visited.size).toBeGreaterThan(100); // the traces do move it
});
