import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as d from '../../machines/hct/dynamics.ts';
import { DEFAULT_PARAMETERS, MODES, modeOf, withMode, type Mode } from '../../machines/hct/performance.ts';
import * as t from '../../machines/hct/tempo.ts';

const tempo = fc.constantFrom(...t.TEMPI);
const dynamics = fc.constantFrom(...d.DYNAMICS_LEVELS);

describe.each([
  { scale: 'tempo', value: tempo, compare: t.compareTempo as (a: string, b: string) => number },
  { scale: 'dynamics', value: dynamics, compare: d.compareDynamics as (a: string, b: string) => number },
])('vocabulary: $scale: the order is total', ({ value, compare }) => {
  it('connects, is antisymmetric and transitive', () => {
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        expect(compare(a, b) === 0).toBe(a === b);
        expect(Math.sign(compare(a, b))).toBe(0 - Math.sign(compare(b, a)));
        if (compare(a, b) <= 0 && compare(b, c) <= 0) expect(compare(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('vocabulary: tempo', () => {
  it('has the published latency and priority, and the beats per minute of the paper', () => {
    const published = t.PUBLISHED_TEMPI.map((name) => [
      name,
      t.TEMPO[name].latencyMs,
      t.TEMPO[name].priority,
    ]);
    expect(published).toEqual([
      ['largo', 60_000, 'batch'],
      ['andante', 30_000, 'low'],
      ['moderato', 15_000, 'normal'],
      ['allegro', 5_000, 'high'],
      ['presto', 1_000, 'realtime'],
    ]);
    expect(t.TEMPI.map((name) => t.TEMPO[name].bpm)).toEqual([25, 40, 60, 80, 100, 120, 140, 180]);
  });

  it('is faster in beats and in latency when it is later in the order', () => {
    for (const [slow, fast] of t.TEMPI.slice(1).map((name, i) => [t.TEMPI[i]!, name] as const)) {
      expect(t.TEMPO[fast].bpm).toBeGreaterThan(t.TEMPO[slow].bpm);
      expect(t.TEMPO[fast].latencyMs).toBeLessThan(t.TEMPO[slow].latencyMs);
    }
  });

  it('projects monotonically, to the nearest, keeping the priority class, and reports when it lost something', () => {
    fc.assert(
      fc.property(tempo, tempo, (a, b) => {
        const [pa, pb] = [t.projectTempo(a), t.projectTempo(b)];
        if (t.compareTempo(a, b) <= 0) expect(t.compareTempo(pa.value, pb.value)).toBeLessThanOrEqual(0);
        expect(pa.lossy).toBe(!(t.PUBLISHED_TEMPI as readonly string[]).includes(a));
        expect(t.TEMPO[pa.value].priority).toBe(t.TEMPO[a].priority);
        const distance = (name: t.Tempo) => Math.abs(t.TEMPO[name].bpm - t.TEMPO[a].bpm);
        expect(distance(pa.value)).toBe(Math.min(...t.PUBLISHED_TEMPI.map(distance)));
      }),
    );
  });
});

describe('vocabulary: dynamics', () => {
  it('has the published multipliers, and rises with the order', () => {
    expect(d.PUBLISHED_DYNAMICS.map((name) => d.DYNAMICS[name].budget)).toEqual([0.25, 0.5, 1, 1.5, 2]);
    const budgets = d.DYNAMICS_LEVELS.map((name) => d.DYNAMICS[name].budget);
    expect(budgets).toEqual([...new Set(budgets)].sort((a, b) => a - b));
  });

  it('projects ppp to pp, mp to mf, fff to ff, and nothing else', () => {
    const moved = d.DYNAMICS_LEVELS.filter((name) => d.projectDynamics(name).lossy);
    expect(moved.map((name) => [name, d.projectDynamics(name).value])).toEqual([
      ['ppp', 'pp'],
      ['mp', 'mf'],
      ['fff', 'ff'],
    ]);
    for (const name of d.PUBLISHED_DYNAMICS) expect(d.projectDynamics(name).value).toBe(name);
  });

  it('projects monotonically', () => {
    fc.assert(
      fc.property(dynamics, dynamics, (a, b) => {
        if (d.compareDynamics(a, b) > 0) return;
        const [pa, pb] = [d.projectDynamics(a).value, d.projectDynamics(b).value];
        expect(d.compareDynamics(pa, pb)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('vocabulary: modes', () => {
  it('are those of the paper, with crisis as ours, and change tempo and dynamics only', () => {
    expect(MODES).toEqual({
      sprint: { tempo: 'presto', dynamics: 'ff' },
      conservation: { tempo: 'andante', dynamics: 'pp' },
      crisis: { tempo: 'grave', dynamics: 'fff' },
    });
    const before = { ...DEFAULT_PARAMETERS, articulation: 'staccato', phrasing: 'motif' } as const;
    for (const mode of Object.keys(MODES) as Mode[]) {
      expect(withMode(before, mode)).toEqual({ ...before, ...MODES[mode] });
      expect(modeOf(withMode(before, mode))).toBe(mode);
    }
    expect(modeOf(before)).toBeUndefined();
  });
});
