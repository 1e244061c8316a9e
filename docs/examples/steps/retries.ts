/** A step that fails, falls silent, and is tried again. */
import { NonRetryableError, perform, score, VirtualClock, type AgentContext } from 'tutti';

async function download(_: {}, { attempt, lastError, beat, sleep }: AgentContext) {
  if (attempt === 1) throw Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
  if (attempt === 2) await sleep(60_000); // says nothing for too long
  for (let part = 1; part <= 3; part++) {
    await sleep(4_000);
    beat(); // still working
  }
  return `3 parts in try ${attempt}; before it: ${(lastError as Error).message}`;
}

const copy = score('copy').step('download', {
  agent: download,
  idleMs: 5_000,
  retry: { attempts: 4, delayMs: 1_000, maxDelayMs: 30_000, jitter: 0.2, on: ['ECONNRESET', 'IdleError'] },
});
const report = await perform(copy, { clock: new VirtualClock(), seed: 1 }).result;
console.log(report.outputs.download);

// A predicate decides instead of a list; NonRetryableError ends it in any case.
const login = score('login').step('login', {
  agent: () => {
    throw new NonRetryableError('the key is not accepted');
  },
  retry: { attempts: 5, on: (error, attempt) => error instanceof Error && attempt < 3 },
});
const { timeline, errors } = await perform(login).report;
console.log(timeline[0]?.attempts, errors[0]?.message);
