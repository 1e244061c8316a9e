/** Claim: whichever append of a performance its bus fails at, and however it fails, the performance ends with a typed
 *  error and leaves nothing behind. Every append of a score of 20 steps is tried with every way to fail. */
import { expect, test } from 'vitest';
import { InvariantError } from '../../actors/tomasulo/errors.ts';
import { BusClosedError, UnavailableError } from '../../actors/bus/bus.ts';
import type { BusPlan } from './fuzz.parts.ts';
import { faultsOf, play, type Scenario } from './fuzz.perform.ts';
import type { Behaviour, FuzzStep } from './fuzz.reference.ts';

const STEPS = 20;

/** A diamond after a diamond: each step reads the two before it. */
const step = (i: number, kind: Behaviour['kind']): FuzzStep => ({
  id: `s${i}`,
  agent: i % 2 === 0 ? 'a' : 'b',
  writes: undefined,
  reads: i < 2 ? ['input'] : [`s${i - 1}`, `s${i - 2}`],
  list: false,
  after: [],
  tolerant: false,
  tries: undefined,
  fallback: i % 3 === 0,
  timeoutMs: undefined,
  external: false,
  tacet: i === 7,
  downbeat: i === 12,
  fermata: undefined,
  vamp: undefined,
  quality: undefined,
  behaviours: [{ kind, ms: 1, thrown: 0 }],
});
const scenario = (bus: BusPlan, kind: Behaviour['kind'], clock: Scenario['clock']): Scenario => ({
  clock,
  bus,
  steps: Array.from({ length: STEPS }, (_, i) => step(i, kind)),
  capacities: {},
  input: 'none',
  acts: [],
  window: undefined,
  maxConcurrency: undefined,
  dispatch: 'reactive',
  priority: 'path',
  patience: undefined,
  tries: undefined,
  stepMs: undefined,
  totalMs: undefined,
  calls: undefined,
  aborted: false,
  listens: true,
  inspects: true,
});

const WAYS = ['throws', 'rejects', 'loses', 'closes', 'breaks'] as const;
const AGENTS = [
  ['virtual', 'return'],
  ['virtual', 'sleep'],
  ['real', 'async'],
] as const;

test.each(WAYS)('a bus that %s an append ends the performance typed, at each append', async (way) => {
  for (const [clock, kind] of AGENTS)
    for (let k = 1; k <= STEPS; k++) {
      const given = scenario({ kind: way, k }, kind, clock);
      const played = await play(given);
      const where = `append ${k}, ${kind} agents, ${clock} time`;
      expect(faultsOf(given, played), where).toEqual([]);
      expect(played.busFailed, where).toBe(true);
      const { report } = played;
      if (report === 'hangs' || !('status' in report)) throw new Error(`no report: ${where}`);
      expect(report.status, where).toBe('failed');
      const [error, ...more] = report.errors;
      expect(error instanceof BusClosedError || error instanceof UnavailableError, where).toBe(true);
      expect(
        [...more].filter((other) => other instanceof InvariantError),
        where,
      ).toEqual([]);
      // The result that the bus did not deliver is no output.
      expect(Object.keys(report.outputs).length, where).toBeLessThan(STEPS);
    }
});

test('the same score completes on a bus that only lags', async () => {
  for (const [clock, kind] of AGENTS) {
    const given = scenario({ kind: 'lags', k: 1 }, kind, clock);
    expect(faultsOf(given, await play(given))).toEqual([]);
  }
});
