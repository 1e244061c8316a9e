/** Claim: a mistake of one line in the code that users call makes `tutti verify` end with exit code 1. Each runs in a
 *  process of its own, in which the text is replaced as the file is loaded. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { BREAKS, type Break } from './breaks.ts';

const DEEP = process.env.TUTTI_DEEP !== undefined;
const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const ARGUMENTS = ['verify', '--only', 'api', '--runs', '100', '--seed', '1'];

/** Runs `tutti verify` with a break, or without one. */
async function verify(broken?: Break) {
  const hook = broken === undefined ? [] : ['--import', path('test/verify/break-hook.ts')];
  const child = spawn(process.execPath, [...hook, path('src/cli/main.ts'), ...ARGUMENTS], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TUTTI_BREAK: JSON.stringify(broken) },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, failed: stderr.split('\n').filter((line) => line.startsWith('✘')) };
}

test('each break names a text that its file has once', () => {
  for (const { file, find } of BREAKS)
    expect(readFileSync(path(file), 'utf8').split(find), `${file}: ${find}`).toHaveLength(2);
  expect(BREAKS.length).toBeGreaterThanOrEqual(30);
});

test('without a break no claim fails', { timeout: 600_000 }, async () => {
  expect(await verify()).toEqual({ code: 0, failed: [] });
});

const chosen = DEEP ? BREAKS : BREAKS.filter((_, i) => i % 3 === 0);
describe(`breaks of one line: ${chosen.length} of ${BREAKS.length}${DEEP ? '' : ' (all with TUTTI_DEEP=1)'}`, () => {
  test(`a claim fails, and the exit code is 1, for each`, { timeout: 3_600_000 }, async () => {
    const waiting = [...chosen];
    const missed: string[] = [];
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { code, failed } = await verify(next);
        if (code !== 1 || failed.length === 0) missed.push(`${next.file}: ${next.what} (exit code ${code})`);
      }
    };
    await Promise.all([worker(), worker()]);
    expect(missed).toEqual([]);
  });
});
