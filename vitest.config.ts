import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BROWSER_TESTS, chromiumPath, HOW_TO_GET_IT } from './test/chromium.ts';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// A machine with Node and nothing else can test all but the page; the continuous integration has a browser.
const browser = chromiumPath() !== undefined || process.env['CI'] !== undefined;
if (!browser) console.warn(`No Chromium here: ${BROWSER_TESTS.join(', ')} are left out (${HOW_TO_GET_IT}).`);

export default defineConfig({
  resolve: {
    alias: [
      { find: /^tutti$/, replacement: source('./src/index.ts') },
      {
        find: /^tutti\/(node|coherence|models|routing|testing|trace|otel|protocols|durable)$/,
        replacement: source('./src/') + '$1/index.ts',
      },
      { find: /^tutti\/sqlite$/, replacement: source('./src/engines/sqlite/index.ts') },
      { find: /^tutti\/(machines|actors|specs)$/, replacement: source('.') + '$1/index.ts' },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'test/mutation/**', '**/node_modules/**', ...(browser ? [] : BROWSER_TESTS)],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A page on a busy machine takes its time; the default is one second.
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default'],
  },
});
