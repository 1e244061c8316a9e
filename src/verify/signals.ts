/** Claims about signals: each reaches exactly the steps that it addresses. */
import { VirtualClock } from '../../actors/bus/clock.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import type { AgentContext, StepPlan } from '../../actors/tomasulo/program.ts';
import {
  attacca,
  caesura,
  cue,
  downbeat,
  fermata,
  tacet,
  vamp,
  type HctSignal,
} from '../../machines/hct/signal.ts';
import type { Claim } from '../../specs/harness/claim.ts';
import type { Random } from '../../specs/harness/random.ts';
import { agent } from '../score/agent.ts';
import { perform, type PerformOptions, type Report } from '../score/perform.ts';
import { scoreOf } from '../score/score.ts';
import { apiClaim, must, text } from './sample.ts';

const RUN = 'the-run';
const AGENTS = ['writer', 'critic'] as const;
const from = { source: 'caller' } as const;
/** How long one round of an agent takes, ms. */
const ROUND_MS = 10;

interface StepOfCase {
  readonly agent: (typeof AGENTS)[number];
  /** Whether it waits for the first step. */
  readonly late: boolean;
}
interface SignalCase {
  readonly kind: Kind;
  readonly steps: readonly StepOfCase[];
  readonly targets: readonly string[];
  /** The targets of the signal that releases. */
  readonly second: readonly string[];
  /** When the signal is sent: before the start, or while the first steps run. */
  readonly at: 0 | 5;
  /** A number that the kind uses: rounds, or milliseconds. */
  readonly amount: number;
  readonly window: number;
}

const KINDS = [
  'holdAndCue',
  'holdAndDownbeat',
  'holdExpires',
  'holdResumes',
  'scoreHold',
  'caesura',
  'tacet',
  'attacca',
  'vamp',
  'cueEndsVamp',
  'traffic',
] as const;
type Kind = (typeof KINDS)[number];

function drawSignal(random: Random): SignalCase {
  const steps = Array.from({ length: random.whole(2, 6) }, (_, i) => ({
    agent: random.pick(AGENTS),
    late: i > 0 && random.below(3) === 0,
  }));
  const targets = (): string[] => {
    const kind = random.below(8);
    if (kind === 0) return [];
    if (kind === 1) return ['*'];
    if (kind === 2) return [RUN];
    const names = [...steps.map((_, i) => `s${i}`), ...AGENTS, 'unknown'];
    return Array.from({ length: random.whole(1, 3) }, () => random.pick(names));
  };
  return {
    kind: random.pick(KINDS),
    steps,
    targets: targets(),
    second: targets(),
    at: random.pick([0, 5] as const),
    amount: random.whole(1, 5),
    window: random.below(2) === 0 ? 1_024 : random.whole(1, 3),
  };
}

/** Whether targets address a step, from their definition: all, its performance, its id, its agent. */
const addressed = (targets: readonly string[], step: StepOfCase, i: number): boolean =>
  targets.length === 0 || targets.some((name) => ['*', RUN, `s${i}`, step.agent].includes(name));
const isForAll = (targets: readonly string[]): boolean =>
  targets.length === 0 || targets.includes('*') || targets.includes(RUN);

interface Seen {
  readonly report: Report;
  /** When each step's rounds started. */
  readonly starts: readonly (readonly number[])[];
  /** Steps in the order in which they started. */
  readonly order: readonly number[];
}
interface Timed {
  readonly at: number;
  readonly signal: HctSignal;
}
async function play(
  { steps }: SignalCase,
  signals: readonly Timed[],
  options: PerformOptions = {},
  more: Partial<StepPlan> = {},
): Promise<Seen> {
  const clock = new VirtualClock();
  const starts: number[][] = steps.map(() => []);
  const order: number[] = [];
  const agents = new Map(
    AGENTS.map((name) => [
      name as string,
      agent({
        name,
        run: async (_: object, { stepId, now, sleep }: AgentContext) => {
          const step = Number(stepId.slice(1));
          starts[step]!.push(now());
          order.push(step);
          await sleep(ROUND_MS);
          return { quality: starts[step]!.length / 10 };
        },
      }).plan,
    ]),
  );
  const plans = steps.map((step, i) => ({
    ...{ id: `s${i}`, agent: agents.get(step.agent)! },
    ...(step.late ? { after: ['s0'] } : {}),
    ...more,
  }));
  const run = perform(scoreOf('signals', plans), { clock, runId: RUN, stallMs: 100_000, ...options });
  for (const { at, signal } of signals)
    if (at === 0) run.signal(signal);
    else clock.setTimeout(() => run.signal(signal), at);
  return { report: await run.report, starts, order };
}

/** What has to happen to a step: when its rounds start, and how it ends. */
interface Due {
  readonly start?: number | undefined;
  readonly rounds?: number;
  readonly status?: string;
}
function expectEach(given: SignalCase, { report, starts }: Seen, due: (step: StepOfCase, i: number) => Due) {
  given.steps.forEach((step, i) => {
    const { start, rounds, status = 'done' } = due(step, i);
    const found = report.timeline[i]!.status;
    must(found === status, () => `s${i} is ${found}, and has to be ${status}.`);
    if (start !== undefined)
      must(starts[i]![0] === start, () => `s${i} starts at ${starts[i]![0]}, and has to start at ${start}.`);
    if (rounds !== undefined)
      must(
        starts[i]!.length === rounds,
        () => `s${i} runs ${starts[i]!.length} times, and has to run ${rounds} times.`,
      );
  });
}

/** When steps start if those that a hold addresses start at a given time: late steps wait for the first one. */
function startsWith(given: SignalCase, held: (i: number) => number | undefined): (i: number) => number {
  const start = (i: number): number => {
    const ready = given.steps[i]!.late ? start(0) + ROUND_MS : 0;
    const until = held(i);
    // What has begun is not held.
    return until === undefined || ready < given.at ? ready : Math.max(ready, until);
  };
  return start;
}

const END = 1_000;
const cueAll: Timed = { at: END, signal: cue({ ...from, targets: ['*'], intent: 'resume' }) };
const hold = (given: SignalCase, more: object = {}): Timed => ({
  at: given.at,
  signal: fermata({ ...from, targets: given.targets, ...more }),
});

const JUDGES: Readonly<Record<Kind, (given: SignalCase) => Promise<void>>> = {
  async holdAndCue(given) {
    const { steps, targets, second } = given;
    const release: Timed = { at: 100, signal: cue({ ...from, targets: second, intent: 'resume' }) };
    const seen = await play(given, [hold(given), release, cueAll]);
    const start = startsWith(given, (i) => {
      if (!addressed(targets, steps[i]!, i)) return undefined;
      return addressed(second, steps[i]!, i) ? 100 : END;
    });
    expectEach(given, seen, (_, i) => ({ start: start(i), rounds: 1 }));
  },
  async holdAndDownbeat(given) {
    const [right, other] = ['x', 'y'].map((syncPoint, i) => ({
      at: 200 - 100 * i,
      signal: downbeat({ ...from, targets: ['*'], syncPoint }),
    })) as [Timed, Timed];
    const seen = await play(given, [hold(given, { syncPoint: 'x' }), other, right, cueAll]);
    const start = startsWith(given, (i) => (addressed(given.targets, given.steps[i]!, i) ? 200 : undefined));
    expectEach(given, seen, (_, i) => ({ start: start(i), rounds: 1 }));
  },
  async holdExpires(given) {
    const { steps, targets, at } = given;
    const seen = await play(given, [hold(given, { timeoutMs: 50, onTimeout: 'fail' })]);
    const fails = (i: number): boolean => addressed(targets, steps[i]!, i) && (steps[i]!.late || at === 0);
    expectEach(given, seen, (step, i) => {
      if (step.late && fails(0))
        return fails(i)
          ? { rounds: 0, status: seen.report.timeline[i]!.status }
          : { rounds: 0, status: 'skipped' };
      return fails(i) ? { rounds: 0, status: 'failed' } : { rounds: 1 };
    });
  },
  async holdResumes(given) {
    const seen = await play(given, [hold(given, { timeoutMs: 50, onTimeout: 'resume' })]);
    const start = startsWith(given, (i) =>
      addressed(given.targets, given.steps[i]!, i) ? given.at + 50 : undefined,
    );
    expectEach(given, seen, (_, i) => ({ start: start(i), rounds: 1 }));
  },
  /** A hold that the score writes, and a cue that may come before its step is issued. */
  async scoreHold(given) {
    const { steps, second, at } = given;
    const release: Timed = { at, signal: cue({ ...from, targets: second, intent: 'resume' }) };
    const fermata = { timeoutMs: 10 * END };
    const seen = await play(given, [release, cueAll], {}, { fermata });
    const start = (i: number): number => {
      const ready = steps[i]!.late ? start(0) + ROUND_MS : 0;
      return Math.max(ready, addressed(second, steps[i]!, i) ? at : END);
    };
    expectEach(given, seen, (_, i) => ({ start: start(i), rounds: 1 }));
  },
  async caesura(given) {
    const { steps, targets, at, window } = given;
    const seen = await play(
      given,
      [{ at, signal: caesura({ ...from, targets }) }],
      at === 0 ? { window } : {},
    );
    if (isForAll(targets)) {
      must(seen.report.status === 'cancelled', () => `All was cancelled, and it is ${seen.report.status}.`);
      return;
    }
    must(seen.report.status !== 'cancelled', () => 'Single steps were refused, and all was cancelled.');
    const first = addressed(targets, steps[0]!, 0);
    expectEach(given, seen, (step, i) => {
      // A step that is refused, and whose operand has failed, may say either.
      const poisoned = step.late && first && seen.report.timeline[i]!.status === 'skipped';
      if (addressed(targets, step, i) && !poisoned)
        return { rounds: at === 0 || step.late ? 0 : 1, status: 'cancelled' };
      return step.late && first ? { rounds: 0, status: 'skipped' } : { rounds: 1 };
    });
  },
  async tacet(given) {
    const { steps, targets } = given;
    const seen = await play({ ...given }, [{ at: 0, signal: tacet({ ...from, targets, durationMs: 50 }) }]);
    const start = startsWith({ ...given, at: 0 }, (i) => (addressed(targets, steps[i]!, i) ? 50 : undefined));
    expectEach(given, seen, (_, i) => ({ start: start(i), rounds: 1 }));
  },
  /** One at a time, oldest first but for those that are hurried. */
  async attacca(given) {
    const early = { ...given, steps: given.steps.map((step) => ({ ...step, late: false })) };
    const signal = attacca({ ...from, targets: given.targets });
    const { order } = await play(early, [{ at: given.at, signal }], { maxConcurrency: 1, priority: 'fifo' });
    const all = early.steps.map((_, i) => i);
    const started = given.at === 0 ? [] : [0];
    const rest = all.filter((i) => !started.includes(i));
    const hurried = rest.filter((i) => addressed(given.targets, early.steps[i]!, i));
    const due = [...started, ...hurried, ...rest.filter((i) => !hurried.includes(i))];
    must(text(order) === text(due), () => `The steps start as ${text(order)}, not as ${text(due)}.`);
  },
  async vamp(given) {
    const { steps, targets, amount, window, at } = given;
    const signal = vamp({ ...from, targets, maxIterations: amount, qualityThreshold: 0.3 });
    const seen = await play(given, [{ at, signal }], { window });
    expectEach(given, seen, (_, i) => ({
      rounds: addressed(targets, steps[i]!, i)
        ? Math.min(amount, 3)
        : window > 3
          ? 1
          : seen.starts[i]!.length,
    }));
  },
  async cueEndsVamp(given) {
    const { steps, targets } = given;
    const early = { ...given, steps: steps.map((step) => ({ ...step, late: false })) };
    const seen = await play(
      early,
      [{ at: 25, signal: cue({ ...from, targets, intent: 'resume' }) }],
      {},
      { vamp: { max: 6, until: () => false, onCap: 'accept' } },
    );
    expectEach(early, seen, (step, i) => ({ rounds: addressed(targets, step, i) ? 3 : 6 }));
  },
  /** Signals of coherent state, and cues that announce something, neither hold nor release. */
  async traffic(given) {
    const { targets } = given;
    const seen = await play(given, [
      { at: 0, signal: fermata({ ...from, targets, intent: 'rfo', key: 'k' }) },
      { at: 5, signal: cue({ ...from, targets, intent: 'resume', key: 'k' }) },
      { at: 5, signal: cue({ ...from, targets, intent: 'update', key: 'k' }) },
    ]);
    const start = startsWith(given, () => undefined);
    expectEach(given, seen, (_, i) => ({ start: start(i), rounds: 1 }));
  },
};

/** Two performances on one bus: a signal that names one of them leaves the other alone. */
interface TwoRuns {
  readonly kind: 'caesura' | 'fermata';
  readonly steps: number;
}
async function reachesOneRun({ kind, steps }: TwoRuns): Promise<undefined> {
  const bus = createBus();
  const names = ['one', 'two'];
  const plans = Array.from({ length: steps }, (_, i) => ({
    id: `s${i}`,
    agent: agent({
      name: 'worker',
      run: (_: object, { runId, sleep }: AgentContext) => sleep(5).then(() => runId),
    }).plan,
  }));
  const clocks = names.map(() => new VirtualClock());
  const runs = names.map((runId, i) =>
    perform(scoreOf('s', plans), { bus, runId, clock: clocks[i]!, stallMs: 50 }),
  );
  const targets = ['one'];
  await bus.publish(kind === 'caesura' ? caesura({ ...from, targets }) : fermata({ ...from, targets }));
  const [one, two] = await Promise.all(runs.map(({ report }) => report));
  const due = kind === 'caesura' ? 'cancelled' : 'failed'; // held until the stall ends it
  must(one!.status === due, () => `A ${kind} that names 'one' leaves it ${one!.status}.`);
  must(two!.status === 'completed', () => `A ${kind} that names 'one' leaves 'two' ${two!.status}.`);
  for (const [id, value] of Object.entries(two!.outputs))
    must(value === 'two', () => `${id} of 'two' has the result of '${String(value)}'.`);
}

export const signalClaims: readonly Claim[] = [
  apiClaim('tomasulo', 'operational semantics', {
    property:
      'A fermata, a cue, a downbeat, a caesura, a tacet, an attacca and a vamp each reach exactly the steps that their targets name, whether issued or not, running or not.',
    source: 'HCT (signals); docs/decisions/0042',
    bound: `${KINDS.length} kinds of signals; 2–6 steps of ${AGENTS.length} agents; targets that name steps, agents, the performance, all, none and nothing known`,
    share: 0.6,
    draw: drawSignal,
    judge: async (given) => {
      await JUDGES[given.kind](given);
      return undefined;
    },
    shown: (given) => [text(given)],
    smaller: function* (given) {
      for (let i = given.steps.length - 1; i > 0; i--) yield { ...given, steps: given.steps.slice(0, i) };
      if (given.targets.length > 1) yield { ...given, targets: given.targets.slice(1) };
    },
  }),
  apiClaim('tomasulo', 'operational semantics', {
    property:
      'Of two performances on one bus, each has its own results, and a signal that names one leaves the other alone.',
    source: 'docs/decisions/0042',
    bound: '1–3 steps, a caesura or a fermata',
    share: 0.02,
    draw: (random): TwoRuns => ({
      kind: random.pick(['caesura', 'fermata'] as const),
      steps: random.whole(1, 3),
    }),
    judge: reachesOneRun,
    shown: (given) => [text(given)],
  }),
];
