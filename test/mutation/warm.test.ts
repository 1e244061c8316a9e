/** Runs the tests that judge mutants, as often as `runner.js` asks for it. */
import { performance } from 'node:perf_hooks';
import { BroadcastChannel } from 'node:worker_threads';
import { test } from '../../node_modules/vitest/dist/index.js';
import { collected, inFile, type CollectedTest } from './collect.ts';
import { judges } from './judges.ts';

/** How long one test may wait with nothing to do, in milliseconds. Not how long it takes: machines are slow. */
const IDLE_MS = 2_000;

interface Stryker {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: unknown;
}
interface Request {
  readonly end?: boolean;
  readonly mutant?: string;
  readonly testFilter?: readonly string[];
  readonly hitLimit?: number;
}
const stryker = ((globalThis as { __stryker__?: Stryker }).__stryker__ ??= {});

/** @returns why the test has failed; that it waits for nothing, if it does not end */
async function failureOf({ run }: CollectedTest): Promise<string | undefined> {
  let look: ReturnType<typeof setInterval> | undefined;
  const before = performance.eventLoopUtilization();
  const limit = new Promise<string>((resolve) => {
    look = setInterval(() => {
      if (performance.eventLoopUtilization(before).idle > IDLE_MS) resolve('waits for nothing');
    }, 100);
  });
  try {
    return await Promise.race([limit, Promise.resolve(run()).then(() => undefined)]);
  } catch (error) {
    return error instanceof Error ? error.message : 'thrown';
  } finally {
    clearInterval(look);
  }
}

async function dryRun(): Promise<object> {
  const tests: object[] = [];
  for (const one of collected) {
    stryker.currentTestId = one.id;
    const from = performance.now();
    const failure = await failureOf(one);
    const timeSpentMs = performance.now() - from;
    tests.push({ id: one.id, name: one.id, timeSpentMs, status: failure === undefined ? 0 : 1, failureMessage: failure }); // prettier-ignore
    stryker.currentTestId = undefined;
  }
  return { tests, mutantCoverage: stryker.mutantCoverage };
}

async function judge({ mutant, testFilter, hitLimit }: Request, begins: () => void): Promise<object> {
  const chosen = new Set(testFilter ?? collected.map(({ id }) => id));
  stryker.hitCount = 0;
  stryker.hitLimit = hitLimit;
  let ran = 0;
  for (const one of collected) {
    if (!chosen.has(one.id)) continue;
    ran++;
    begins();
    stryker.activeMutant = mutant;
    const failure = await failureOf(one);
    stryker.activeMutant = undefined;
    if (failure === undefined) continue;
    const hits = stryker.hitCount;
    begins();
    return { killedBy: one.id, failure, ran, hits, tainted: (await failureOf(one)) !== undefined };
  }
  return { ran, hits: stryker.hitCount };
}

test('the tests that judge mutants', { timeout: 2 ** 31 - 1 }, async () => {
  for (const [name, path] of judges()) {
    inFile(name);
    await import(/* @vite-ignore */ path);
  }
  const channel = new BroadcastChannel(process.env['TUTTI_MUTATION_CHANNEL'] ?? '');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  const send = (message: object): void => channel.postMessage(message);
  const begins = (): void => send({ begins: true });
  await new Promise<void>((resolve) => {
    channel.onmessage = (message) => {
      const { data } = message as unknown as { data: Request };
      if (data.end === true) return resolve();
      void (data.mutant === undefined ? dryRun() : judge(data, begins)).then(send);
    };
    send({});
  });
  channel.close();
});
