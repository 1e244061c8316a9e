/** Claims about a step that is tried again, times out, or repeats: when its tries start, and how it ends. */
import { VirtualClock } from '../../actors/bus/clock.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { Claim } from '../../specs/harness/claim.ts';
import type { Random } from '../../specs/harness/random.ts';
import { agent } from '../score/agent.ts';
import { perform, type Report } from '../score/perform.ts';
import { scoreOf } from '../score/score.ts';
import { apiClaim, must, text } from './sample.ts';

interface RetryCase {
  readonly failures: number;
  /** Whether a failing try hangs until its timeout. */
  readonly hangs: boolean;
  readonly latency: number;
  readonly timeoutMs: number;
  readonly policy: Record<'attempts' | 'delayMs' | 'factor' | 'maxDelayMs', number>;
  readonly external: boolean;
  readonly repeatsEffect: boolean;
  readonly fallback: boolean;
  /** Whether the policy and the timeout are given to the performance, not to the step. */
  readonly forAll: boolean;
}
function drawRetry(random: Random): RetryCase {
  const [external, repeatsEffect, attempts] = [
    random.below(3) === 0,
    random.below(2) === 0,
    random.whole(1, 4),
  ];
  // A step refuses a retry of its own that would never be made.
  const refused = external && !repeatsEffect && attempts > 1;
  return {
    ...{ external, repeatsEffect },
    failures: random.below(5),
    hangs: random.below(2) === 0,
    latency: random.whole(0, 20),
    timeoutMs: random.whole(30, 50),
    policy: {
      attempts,
      delayMs: random.whole(0, 40),
      factor: random.whole(1, 3),
      maxDelayMs: random.whole(20, 200),
    },
    fallback: random.below(2) === 0,
    forAll: refused || random.below(2) === 0,
  };
}

async function triesAsPlanned(given: RetryCase): Promise<undefined> {
  const { failures, hangs, latency, timeoutMs, fallback, forAll } = given;
  const policy = { ...given.policy, repeatsEffect: given.repeatsEffect };
  const starts: number[] = [];
  const worker = agent({
    name: 'worker',
    run: async (_: object, { attempt, now, sleep }: AgentContext) => {
      starts.push(now());
      const fails = attempt <= failures;
      await sleep(fails && hangs ? 10_000 : latency);
      if (fails) throw new Error('not yet');
      return 'answer';
    },
  });
  const step = {
    id: 's',
    agent: worker.plan,
    effects: given.external ? ('external' as const) : ('none' as const),
    ...(forAll ? {} : { retry: policy, timeoutMs }),
    ...(fallback ? { fallback: { value: 'default' } } : {}),
  };
  const options = forAll ? { retry: policy, timeout: { stepMs: timeoutMs } } : {};
  const clock = new VirtualClock();
  const report = await perform(scoreOf('tries', [step]), { ...options, clock }).report;

  const tries = given.external && !given.repeatsEffect ? 1 : policy.attempts;
  const due: number[] = [];
  for (let at = 0, k = 1; k <= Math.min(tries, failures + 1); k++) {
    due.push(at);
    at += hangs ? timeoutMs : latency;
    at += Math.min(policy.maxDelayMs, policy.delayMs * policy.factor ** (k - 1));
  }
  must(
    text(starts) === text(due),
    () => `Tries start at ${text(starts)}, and have to start at ${text(due)}.`,
  );
  expectEnd(report, failures < tries ? 'answer' : undefined, fallback ? 'default' : undefined);
  const { calls, retries } = report.usage;
  must(
    calls === due.length && retries === due.length - 1,
    () => `The report counts ${calls} calls and ${retries} retries of ${due.length} tries.`,
  );
}

/** @param value what the step returns; undefined: it fails */
function expectEnd({ timeline, outputs }: Report, value: unknown, fallback: unknown): void {
  const status = value !== undefined ? 'done' : fallback !== undefined ? 'defaulted' : 'failed';
  const found = timeline[0]!.status;
  must(found === status, () => `The step is ${found}, and has to be ${status}.`);
  const [output, due] = [text(outputs['s']), text(value ?? fallback)];
  must(output === due, () => `The output is ${output}, and has to be ${due}.`);
}

interface VampCase {
  /** The round that is good enough. */
  readonly good: number;
  readonly max: number;
  readonly onCap: 'fail' | 'accept';
  readonly fallback: boolean;
  readonly isAsync: boolean;
}
async function repeatsUntilGood({ good, max, onCap, fallback, isAsync }: VampCase): Promise<undefined> {
  const seen: unknown[] = [];
  const worker = agent({
    name: 'worker',
    run: async ({ previous }: { previous?: unknown }, { sleep }: AgentContext) => {
      seen.push(previous);
      await sleep(5);
      return seen.length;
    },
  });
  const until = (result: unknown, round: number) => {
    const verdict = result === round && round >= good;
    return isAsync ? Promise.resolve(verdict) : verdict;
  };
  const step = {
    id: 's',
    agent: worker.plan,
    vamp: { max, onCap, until },
    ...(fallback ? { fallback: { value: 'default' } } : {}),
  };
  const report = await perform(scoreOf('vamp', [step]), { clock: new VirtualClock() }).report;
  const rounds = Math.min(good, max);
  const due = Array.from({ length: rounds }, (_, i) => (i === 0 ? undefined : i));
  must(
    text(seen) === text(due),
    () => `Rounds find ${text(seen)} of the last one, and have to find ${text(due)}.`,
  );
  expectEnd(report, good <= max || onCap === 'accept' ? rounds : undefined, fallback ? 'default' : undefined);
}

export const triesClaims: readonly Claim[] = [
  apiClaim('tomasulo', 'failure modes', {
    property:
      'A step that fails or times out is tried again exactly when its policy says, never after an external effect that may not be repeated, and then its default stands in or it fails.',
    source: 'docs/decisions/0024; paper, Definition 6 (recovery)',
    bound: 'up to 4 failures, which throw or hang; policies of up to 4 tries, of a step or of a performance',
    share: 0.15,
    draw: drawRetry,
    judge: triesAsPlanned,
    shown: (given) => [text(given)],
  }),
  apiClaim('tomasulo', 'failure modes', {
    property:
      'A vamp repeats its step until a result is good enough or its cap is reached, and hands each round the last result.',
    source: 'HCT (vamp); docs/decisions/0042',
    bound: 'up to 5 rounds, `until` synchronous or not',
    share: 0.05,
    draw: (random): VampCase => ({
      good: random.whole(1, 5),
      max: random.whole(1, 4),
      onCap: random.pick(['fail', 'accept'] as const),
      fallback: random.below(2) === 0,
      isAsync: random.below(2) === 0,
    }),
    judge: repeatsUntilGood,
    shown: (given) => [text(given)],
  }),
];
