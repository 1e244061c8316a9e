/** Claim: in every history, with any lag, crashes, late and repeated messages: one writer; what is read is what
 *  was last written; versions only grow; no update is lost; every request ends. And each fault is caught. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Faults } from '../../actors/coherence/faults.ts';
import type { Slot } from '../../src/coherence/slot.ts';
import {
  BrokenHistory,
  runHistory,
  type HistoryPlan,
  type HistorySpace,
} from '../../src/verify/histories.ts';

const RUNS = process.env.TUTTI_DEEP === undefined ? 300 : 10_000;

const plans = fc.record({
  seed: fc.nat(),
  agents: fc.integer({ min: 2, max: 8 }),
  keys: fc.integer({ min: 1, max: 8 }),
  replicas: fc.integer({ min: 1, max: 3 }),
  readers: fc.constantFrom('wait' as const, 'committed' as const),
  crash: fc.boolean(),
});

/** Histories in which something was wrong once. */
const FOUND: [HistoryPlan][] = [
  // a session was published after its replica had left, and no replica answered
  [{ seed: 19, agents: 4, keys: 3, replicas: 2, readers: 'wait', crash: true }],
];

describe('coherence: histories', () => {
  it('hold the invariants', async () => {
    const total = { writes: 0, reads: 0, conflicts: 0, reclaims: 0, entries: 0 };
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const figures = await runHistory({ ...plan, check: (space) => checkReplica(space, plan.readers) });
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += figures[name];
      }),
      { numRuns: RUNS, endOnFailure: true, examples: FOUND },
    );
    console.log(`histories: ${RUNS}; ${JSON.stringify(total)}`);
    // Nothing passes for want of happening.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(RUNS / 4);
  });

  it.each([
    ['a PUT accepted from any epoch and on any version', { ignoreEpoch: true, ignoreVersion: true }],
    ['duplicates applied again', { applyDuplicates: true }],
    ['a CAS that ignores a hold', { ignoreHoldInCas: true }],
    ['ownership without a hold', { noHold: true }],
  ] as [string, Faults][])('catch %s', async (_, faults) => {
    const crowd: Omit<HistoryPlan, 'seed'> = {
      agents: 6,
      keys: 1,
      replicas: 2,
      readers: 'wait',
      crash: true,
      faults,
    };
    let caught = 0;
    for (let seed = 0; seed < 60 && caught === 0; seed++) {
      await runHistory({ ...crowd, seed, check: (space) => checkReplica(space, 'wait') }).catch(
        (error: unknown) => {
          if (error instanceof BrokenHistory) caught++;
          else throw error;
        },
      );
    }
    expect(caught).toBe(1);
  });
});

const versions = new WeakMap<object, number>();
const answered = new WeakMap<object, number>();

/** Single writer, data value, versions only grow: at one replica, between two entries. */
function checkReplica({ replica }: HistorySpace, readers: 'wait' | 'committed'): void {
  if (replica.impossible > 0)
    throw new BrokenHistory('a line received an event that its table calls impossible');
  for (const cell of replica.memory.cells.values()) {
    if (cell.version < (versions.get(cell) ?? 0)) throw new BrokenHistory(`the version of ${cell.key} fell`);
    versions.set(cell, cell.version);
  }
  const owners = new Map<string, string>();
  for (const line of replica.lines.values()) {
    const { value, context } = line.actor.getSnapshot();
    const hits = ['S', 'E', 'M', 'SM'].includes(value) || (value === 'MP' && context.copy);
    if (value !== line.state || hits !== line.readable)
      throw new BrokenHistory(
        `the actor of ${line.agent}/${line.cell.key} is in ${value}, not in ${line.state}`,
      );
    // A hit looks only at the answer: it must be there for readable copies alone.
    const answer = (line.client as Slot).agent.answers[line.cell.index];
    if (answer !== undefined) {
      const version = answered.get(answer) ?? line.version;
      answered.set(answer, version);
      if (!line.readable || version !== line.version)
        throw new BrokenHistory(
          `${line.agent} would answer ${line.cell.key} from a copy that it may not read`,
        );
    }
    for (const snoop of ['SNOOP_GETS', 'SNOOP_GETM', 'SNOOP_PUT'] as const)
      if (
        line.actor.getSnapshot().can({ type: snoop }) &&
        !(snoop === 'SNOOP_GETS' ? line.cell.owner === line.agent : line.cell.sharers.has(line.agent))
      )
        throw new BrokenHistory(
          `${line.agent}'s line of ${line.cell.key} does not receive ${snoop} in ${value}`,
        );
    if (!line.readable) continue;
    const { cell } = line;
    if (line.version !== cell.version)
      throw new BrokenHistory(`${line.agent} reads ${cell.key} v${line.version}, not v${cell.version}`);
    if (line.value !== cell.value)
      throw new BrokenHistory(`${line.agent} reads another value of ${cell.key}`);
    if (line.state === 'M' || line.state === 'E') {
      if (owners.has(cell.key)) throw new BrokenHistory(`${cell.key} has two owners`);
      owners.set(cell.key, line.agent);
    }
  }
  for (const { agent, cell, state, readable } of replica.lines.values()) {
    const owner = owners.get(cell.key);
    if (owner === undefined || owner === agent || !readable || state === 'MP') continue;
    const held = cell.held && readers === 'committed';
    if (!held) throw new BrokenHistory(`${agent} has a copy of ${cell.key} while ${owner} owns it`);
  }
}
