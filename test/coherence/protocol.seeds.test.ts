/** Claim: every mistake that the paper's manager makes, and those next to it, is found; and what is found is a shortest
 *  way to it, as a transcript that a reader can follow. The transcripts are in protocol.seeds.txt; `TUTTI_REWRITE=1`
 *  rewrites it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seeded } from '../../specs/coherence/judged.ts';
import { searchWorlds } from '../../specs/coherence/search.ts';
import { SEEDS, type Seed } from '../../specs/coherence/seeds.ts';

const FILE = join(import.meta.dirname, 'protocol.seeds.txt');
const told = (seed: Seed): string => {
  const { counterexample } = seeded(seed);
  const lines = counterexample!.transcript.map(({ from, to, text }) =>
    to === undefined ? `  ${from}: ${text}` : `  ${from} → ${to}: ${text}`,
  );
  return [`# ${seed.name}: ${seed.follows}`, `  (${seed.source})`, ...lines].join('\n');
};
if (process.env.TUTTI_REWRITE !== undefined) writeFileSync(FILE, `${SEEDS.map(told).join('\n\n')}\n`);
const kept = readFileSync(FILE, 'utf8').trimEnd().split('\n\n');

describe('mesi: seeded', () => {
  it.each(SEEDS.map((seed, i) => [seed.name, seed, i] as const))('%s is found', (_, seed, i) => {
    expect(seeded(seed).verdict).toBe('holds');
    expect(told(seed)).toBe(kept[i]);
  });

  it('without the mistake nothing is found', () => {
    const looked = new Map<string, unknown>();
    for (const { setting } of SEEDS) {
      const { machine: _machine, faults: _faults, deaf: _deaf, ...repaired } = setting;
      const name = JSON.stringify(repaired);
      if (!looked.has(name)) looked.set(name, searchWorlds(repaired).violation);
      expect(looked.get(name), name).toBeUndefined();
    }
    expect(looked.size).toBeGreaterThan(3);
  });

  it('keeps one way for each, and bus and memory take part in it', () => {
    expect(kept.length).toBe(SEEDS.length);
    for (const way of kept) expect(way).toMatch(/→ bus: /);
    expect(kept.filter((way) => way.includes('bus → memory: ')).length).toBe(SEEDS.length - 1);
  });
});
