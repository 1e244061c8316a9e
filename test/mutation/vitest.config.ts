/** The tests that judge mutants of the orchestrator, `perform` and `score`. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { Alias } from 'vite';
import base from '../../vitest.config.ts';

const given = (base.resolve?.alias ?? []) as Alias[];
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export default defineConfig({
  root: here('../..'),
  resolve: {
    alias: [
      ...given,
      { find: /^vitest$/, replacement: here('collect.ts') },
      { find: /^fast-check$/, replacement: here('fast-check.ts') },
    ],
  },
  test: {
    include: ['test/mutation/warm.test.ts'],
    // Every mutant meets the same scenarios.
    env: { TUTTI_SEED: '1967', TUTTI_GUARD_MS: '3000' },
  },
});
