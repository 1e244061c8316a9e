/** The tests that judge mutants of the orchestrator, `perform` and `score`. */
import { fileURLToPath } from 'node:url';
import type { Alias } from 'vite';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import base from '../../vitest.config.ts';

/** Of the specification and its own tools, which mutants do not change, and of sizes that take seconds. */
const NO_JUDGES = [
  ...['breaks', 'claims', 'failures', 'lockstep', 'orchestrated', 'shrink', 'table'],
  ...['perform.bus-faults', 'perform.sizes'],
];
/** Slow, so they judge only what the others let pass. */
const LAST = [
  'perform.ends',
  'fuzz.perform',
  'perform.programs',
  'graphs.station',
  'scopes',
  'durable/perform',
];

/** Quick files first: the first test that fails ends the judgement of a mutant. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      LAST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
    return files.toSorted((a, b) => place(a) - place(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

const given = (base.resolve?.alias ?? []) as Alias[];

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: {
    alias: [
      ...given,
      { find: /^fast-check$/, replacement: fileURLToPath(new URL('fast-check.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ['test/tomasulo/*.test.ts', 'test/score/*.test.ts'],
    exclude: NO_JUDGES.map((name) => `test/tomasulo/${name}.test.ts`),
    sequence: { sequencer: QuickFirst },
    // Every mutant meets the same scenarios.
    env: { TUTTI_SEED: '1967', TUTTI_GUARD_MS: '3000' },
    isolate: false,
    testTimeout: 5_000,
  },
});
