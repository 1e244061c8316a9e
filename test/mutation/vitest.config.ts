/** The tests that judge mutants of the orchestrator, `perform` and `score`. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: base.resolve ?? {},
  test: {
    include: ['test/tomasulo/*.test.ts', 'test/score/*.test.ts'],
    testTimeout: 60_000,
  },
});
