import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tutti$/, replacement: source('./src/index.ts') },
      {
        find: /^tutti\/(node|coherence|models|routing|testing)$/,
        replacement: source('./src/') + '$1/index.ts',
      },
      { find: /^tutti\/(machines|actors|specs)$/, replacement: source('.') + '$1/index.ts' },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', '**/node_modules/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
