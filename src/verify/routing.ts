/** What is claimed of governors, routers, budgets and prices, judged through what a user calls. */
import { CAPACITY, GOVERNORS, type GovernorName } from '../../machines/governor/governor.ts';
import { DYNAMICS_LEVELS } from '../../machines/hct/dynamics.ts';
import { DEFAULT_LADDER, type OperatingPoint } from '../../machines/governor/operating-point.ts';
import { MODES, type Mode } from '../../machines/hct/performance.ts';
import { TEMPI } from '../../machines/hct/tempo.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { VirtualClock } from '../../actors/bus/clock.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { Claim } from '../../specs/harness/claim.ts';
import { DEPARTURES } from '../../specs/governor/mapping.ts';
import { KernelPolicy } from '../../specs/governor/model.ts';
import {
  answersWithin,
  kernelNames,
  PoolModel,
  UNTUNED,
  type GovernorInput,
} from '../../specs/governor/pool/model.ts';
import { ManualClock } from '../../specs/harness/lagging.ts';
import type { Random } from '../../specs/harness/random.ts';
import { agent } from '../score/agent.ts';
import { governed } from '../models/choose.ts';
import { perform } from '../score/perform.ts';
import { builtInEstimator, createRouter, loadPrices, type RouteRow } from '../routing/index.ts';
import { Ledger } from '../budget/budget.ts';
import { scoreOf } from '../score/score.ts';
import { scriptedModel } from '../testing/index.ts';
import { budgetClaim } from './budget.ts';
import { apiClaim, must, text, without } from './sample.ts';

// ── the governor of a pool
type Command =
  | { readonly do: 'observe'; readonly pool: number; readonly inUse: number; readonly queued: number; readonly capacity: number; readonly resumed: boolean; readonly after: number }
  | { readonly do: 'verdict'; readonly accepted: boolean }
  | { readonly do: 'budget'; readonly by: number; readonly allowance: number | null }
  | { readonly do: 'deadline'; readonly by: number; readonly remainingMs: number | null }
  | { readonly do: 'policy'; readonly policy: GovernorName }
  | { readonly do: 'mode'; readonly mode: Mode | null }; // prettier-ignore

function drawCommand(random: Random): Command {
  const kind = random.below(10);
  const by = random.below(2);
  const isEmpty = random.below(4) === 0;
  if (kind < 5)
    return {
      ...{ do: 'observe', pool: random.below(2), capacity: random.whole(1, 8) },
      ...{
        inUse: isEmpty ? 0 : random.below(5),
        queued: isEmpty ? 0 : random.below(5),
        resumed: random.below(6) === 0,
      },
      after: random.pick([0, 100, 1_000, 3_000, 10_000]),
    };
  if (kind === 5) return { do: 'verdict', accepted: random.below(2) === 0 };
  if (kind === 6) return { do: 'budget', by, allowance: random.pick([null, 0, 0.05, 0.3, 1.2, 3, 8]) };
  if (kind === 7)
    return { do: 'deadline', by, remainingMs: random.pick([null, 500, 3_000, 5_000, 20_000, 40_000]) };
  if (kind === 8) return { do: 'policy', policy: random.pick(GOVERNORS) };
  return { do: 'mode', mode: random.pick([null, ...(Object.keys(MODES) as Mode[])]) };
}

/** What a pool's samples, verdicts and limits mean to the kernel, worked out from their definitions. */
class Expected {
  readonly model = new PoolModel(
    DEFAULT_LADDER,
    UNTUNED,
    new KernelPolicy('schedutil', DEFAULT_LADDER.map(({ frequency }) => frequency), kernelNames(UNTUNED), DEPARTURES), // prettier-ignore
  );
  readonly #pools = new Map<number, { load: (failures: number) => number; busy: boolean }>();
  readonly #allowances = new Map<number, number>();
  readonly #deadlines = new Map<number, number>();
  #verdicts: boolean[] = [];
  #idleCalls = 0;
  #wasBusy = true;

  /** @returns the points that have to be announced. */
  take(command: Command, now: number): OperatingPoint[] {
    const heard = this.#meaning(command, now);
    return heard === undefined ? [] : (this.model.hear(heard) as OperatingPoint[]);
  }
  #meaning(command: Command, now: number): GovernorInput | undefined {
    if (command.do === 'policy') return { type: 'SET', policy: command.policy };
    if (command.do === 'mode') return { type: 'SET', mode: command.mode };
    if (command.do === 'verdict') {
      this.#verdicts.push(command.accepted);
      return command.accepted ? undefined : { type: 'BOOST' };
    }
    if (command.do === 'budget') {
      const allowance = strictest(this.#allowances, command.by, command.allowance);
      return allowance === this.model.allowance ? undefined : { type: 'BUDGET', allowance };
    }
    if (command.do === 'deadline') {
      const remainingMs = strictest(this.#deadlines, command.by, command.remainingMs);
      // A deadline that changes nothing is no new limit.
      const same = this.model.mode === null && slowest(remainingMs) === slowest(this.model.remainingMs);
      return same ? undefined : { type: 'DEADLINE', remainingMs };
    }
    return this.#sample(command, now);
  }
  /** The fullest pool counts; a pool without work counts no more. */
  #sample(
    { pool, inUse, queued, capacity, resumed }: Command & { do: 'observe' },
    now: number,
  ): GovernorInput {
    const pressure = Math.min(1, (inUse + queued) / capacity);
    const load = (failures: number) => pressure + failures - pressure * failures;
    const seen = { load, busy: inUse > 0 };
    if (inUse + queued > 0) this.#pools.set(pool, seen);
    else this.#pools.delete(pool);
    const rejected = this.#verdicts.filter((accepted) => !accepted).length;
    const failures = rejected === 0 ? 0 : rejected / this.#verdicts.length;
    this.#verdicts = [];
    const all = [seen, ...this.#pools.values()];
    const fullest = Math.max(...all.map((one) => one.load(failures)));
    const busy = all.some((one) => one.busy);
    if (!busy && this.#wasBusy) this.#idleCalls++;
    this.#wasBusy = busy;
    return {
      ...{ type: 'LOAD', at: now, idleCalls: this.#idleCalls, ioWait: resumed },
      load: Math.round(fullest * 100),
      util: Math.round(fullest * CAPACITY),
    };
  }
}
function strictest(limits: Map<number, number>, by: number, limit: number | null): number | null {
  if (limit === null) limits.delete(by);
  else limits.set(by, limit);
  return limits.size === 0 ? null : Math.min(...limits.values());
}
/** The slowest point of the ladder that is in time. */
const slowest = (remainingMs: number | null): number => {
  if (remainingMs === null) return 0;
  const found = DEFAULT_LADDER.findIndex((point) => answersWithin(point) <= remainingMs);
  return found < 0 ? DEFAULT_LADDER.length - 1 : found;
};
const named = ({ tempo, dynamics }: { tempo: string; dynamics: string }): string => `${tempo}/${dynamics}`;

async function obeysTheKernel(commands: readonly Command[]): Promise<undefined> {
  const clock = new ManualClock();
  const bus = createBus();
  const [announced, cued]: [string[], string[]] = [[], []];
  bus.signals.subscribe(({ signal }) => {
    const { type, targets, intent, performance } = signal as unknown as { type: string; targets: string[]; intent: string; performance: OperatingPoint }; // prettier-ignore
    cued.push(type === 'cue' && intent === 'update' && targets[0] === 'unit' ? named(performance) : type);
  });
  const onPoint = (point: OperatingPoint) => void announced.push(named(point));
  const governor = new UnitGovernor({ unit: 'unit', clock, bus, onPoint });
  const expected = new Expected();
  const pools = [{}, {}];
  const due: string[] = [];
  for (const [i, command] of commands.entries()) {
    if (command.do === 'observe') {
      clock.advance(command.after);
      governor.observe({ ...command, pool: pools[command.pool]! });
    } else if (command.do === 'verdict') governor.verdict(command.accepted);
    else if (command.do === 'budget') governor.budget(command.allowance, command.by);
    else if (command.do === 'deadline') governor.deadline(command.remainingMs, command.by);
    else if (command.do === 'policy') governor.setPolicy(command.policy);
    else governor.setMode(command.mode);
    due.push(...expected.take(command, clock.now()).map(named));
    const after = `After command ${i + 1} (${text(command)})`;
    const right = named(expected.model.point);
    must(
      named(governor.point) === right,
      () => `${after} the pool is at ${named(governor.point)}, and has to be at ${right}.`,
    );
    const { kernel } = expected.model;
    must(
      governor.policy === kernel.governor,
      () => `${after} the policy is ${governor.policy}, not ${kernel.governor}.`,
    );
    must(
      governor.ceiling.frequency === kernel.max,
      () => `${after} the ceiling is ${named(governor.ceiling)}.`,
    );
    expectOwnPoints(governor, expected.model, after);
  }
  must(text(announced) === text(due), () => `Points announced: ${text(announced)}; due: ${text(due)}.`);
  must(text(cued) === text(due), () => `Cues on the bus: ${text(cued)}; due: ${text(due)}.`);
  governor.stop();
  await bus.close();
}
/** A task's own point: the kernel's formula for its difficulty, within the limits; under a fixed policy the pool's. */
function expectOwnPoints(governor: UnitGovernor, { kernel, mode, point }: PoolModel, after: string): void {
  const fixed = mode !== null || ['performance', 'powersave', 'userspace'].includes(kernel.governor);
  const top = DEFAULT_LADDER.at(-1)!.frequency;
  let before = -1;
  for (const difficulty of [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
    const wanted = Math.min(Math.max(1.25 * top * difficulty, kernel.min), kernel.max);
    const rung = DEFAULT_LADDER.findIndex(({ frequency }) => frequency >= wanted);
    const right = named(fixed ? point : DEFAULT_LADDER[rung]!);
    const found = named(governor.pointFor(difficulty));
    must(
      found === right,
      () => `${after} a task of difficulty ${difficulty} gets ${found}, and has to get ${right}.`,
    );
    if (fixed) continue;
    must(rung >= before, () => `${after} a harder task gets a lower point.`);
    before = rung;
    const next = DEFAULT_LADDER[rung + 1];
    const above = governor.above(DEFAULT_LADDER[rung]!);
    const higher = next !== undefined && next.frequency <= kernel.max ? named(next) : 'none';
    must((above === undefined ? 'none' : named(above)) === higher, () => `${after} the point above ${right} is ${above === undefined ? 'none' : named(above)}, and has to be ${higher}.`); // prettier-ignore
  }
}

// ── the router
const GRID: readonly OperatingPoint[] = TEMPI.flatMap((tempo) =>
  DYNAMICS_LEVELS.map((dynamics) => ({ tempo, dynamics })),
);
interface TableCase {
  readonly points: readonly OperatingPoint[];
  readonly weights: { readonly tempo: number; readonly dynamics: number };
}
const drawTable = (random: Random): TableCase => ({
  points: GRID.filter(() => random.below(8) === 0).concat(random.pick(GRID)).filter((point, i, all) => all.indexOf(point) === i), // prettier-ignore
  weights: { tempo: random.pick([0.5, 1, 2]), dynamics: random.pick([0.5, 1, 2]) },
});
function routesToTheNearest({ points, weights }: TableCase): undefined {
  const table = points.map((point): RouteRow => ({ ...point, model: `own:${named(point)}` }));
  const router = createRouter({ table, nearest: true, weights });
  const rank = ({ tempo, dynamics }: OperatingPoint) =>
    [TEMPI.indexOf(tempo), DYNAMICS_LEVELS.indexOf(dynamics)] as const;
  for (const point of GRID) {
    const off = (other: OperatingPoint) =>
      weights.tempo * Math.abs(rank(point)[0] - rank(other)[0]) +
      weights.dynamics * Math.abs(rank(point)[1] - rank(other)[1]);
    // The nearest row; of equal ones the one of higher quality, then the faster one.
    const right = points.toSorted(
      (a, b) => off(a) - off(b) || rank(b)[1] - rank(a)[1] || rank(b)[0] - rank(a)[0],
    )[0]!;
    for (let again = 0; again < 2; again++) {
      const { model } = router.route(point);
      must(
        model === `own:${named(right)}`,
        () => `${named(point)} is routed to ${model}, and the nearest row is ${named(right)}.`,
      );
    }
  }
}

// ── choosing a model
interface ChoiceCase {
  /** By point of the ladder: the price of its model, US dollars per million tokens. */
  readonly prices: readonly number[];
  readonly tasks: readonly number[];
  readonly usd: number;
  readonly stepsLeft: number;
  readonly remainingMs: number | undefined;
}
const drawChoice = (random: Random): ChoiceCase => ({
  prices: DEFAULT_LADDER.map((_, i) => (random.below(4) === 0 ? random.whole(1, 100) : 10 * (i + 1))),
  tasks: Array.from({ length: random.whole(1, 5) }, () => random.below(11) / 10),
  usd: random.pick([0, 0.0005, 0.01, 0.02, 0.05, 0.2, 5]),
  stepsLeft: random.whole(1, 4),
  remainingMs: random.pick([undefined, 2_000, 10_000, 60_000]),
});
const TOKENS = { input: 500, output: 500 };
/** Within a budget: the cheapest model that is good enough, and a ceiling that leaves every step its share. */
async function choosesWithinBudget(given: ChoiceCase): Promise<undefined> {
  const name = (point: OperatingPoint) => `own:${named(point)}`;
  const overrides = Object.fromEntries(
    DEFAULT_LADDER.map((point, i) => [name(point), { input: given.prices[i]!, output: given.prices[i]! }]),
  );
  const prices = await loadPrices({ lookUp: false, overrides });
  const governor = new UnitGovernor({ unit: 'unit', policy: 'schedutil' });
  const table = DEFAULT_LADDER.map(({ tempo, dynamics }): RouteRow => ({ tempo, dynamics, model: name({ tempo, dynamics }), maxOutputTokens: TOKENS.output })); // prettier-ignore
  const models = Object.fromEntries(table.map(({ model }) => [model, scriptedModel({ provider: 'own', modelId: model.slice(4), script: () => 'x' })])); // prettier-ignore
  const estimator = { estimate: (task: string) => Number(task) };
  const choose = governed({ governor, router: createRouter({ table, nearest: true }), models, estimator });
  const cost = (i: number) => ((TOKENS.input + TOKENS.output) * given.prices[i]!) / 1e6;
  const demanded = (difficulty: number): number => {
    const { frequency: highest } = DEFAULT_LADDER.at(-1)!;
    return DEFAULT_LADDER.findIndex(({ frequency }) => frequency >= Math.min(1.25 * difficulty, 1) * highest);
  };
  for (const difficulty of given.tasks) {
    const [found, right] = [choose(String(difficulty)), DEFAULT_LADDER[demanded(difficulty)]!];
    must(
      found.route!.model === name(right),
      () =>
        `Without limits a task of difficulty ${difficulty} gets ${found.route!.model}, not ${name(right)}.`,
    );
  }
  const terms = {
    ...{ ledgers: [new Ledger({ usd: given.usd })], prices, inputTokens: TOKENS.input },
    ...{ maxOutputTokens: TOKENS.output, spareCall: () => true },
    ...{ stepsLeft: () => given.stepsLeft, remainingMs: () => given.remainingMs },
  };
  const points = choose.within(terms);
  const kept = [...DEFAULT_LADDER.keys()].filter((i) =>
    [...DEFAULT_LADDER.keys()].every((j) => j <= i || cost(j) >= cost(i)),
  );
  const lifted = (i: number) => kept.find((j) => j >= i)!;
  const tooMuch = [...DEFAULT_LADDER.keys()].findIndex(
    (i) => cost(lifted(i)) > given.usd / given.stepsLeft + 1e-12,
  );
  const top = tooMuch < 0 ? DEFAULT_LADDER.length - 1 : Math.max(0, tooMuch - 1);
  const bottom = Math.min(given.remainingMs === undefined ? 0 : slowest(given.remainingMs), top);
  for (const difficulty of given.tasks) {
    const free = demanded(difficulty);
    const due = lifted(Math.min(Math.max(free, bottom), top));
    const found = points.pointFor(difficulty);
    must(named(found) === named(DEFAULT_LADDER[due]!), () => `With $${given.usd} for ${given.stepsLeft} steps, a task of difficulty ${difficulty} gets ${named(found)}, and has to get ${named(DEFAULT_LADDER[due]!)}.`); // prettier-ignore
    must(
      choose.at(found).route!.model === name(found),
      () => `${named(found)} is routed to ${choose.at(found).route!.model}.`,
    );
  }
  governor.stop();
}

/** More text in a task never makes it look easier, and the estimate is a share. */
function estimates(words: readonly string[]): undefined {
  let before = 0;
  for (let length = 0; length <= words.length; length++) {
    const task = words.slice(0, length).join(' ');
    const level = builtInEstimator.estimate(task);
    must(level >= 0 && level <= 1, () => `'${task}' is estimated as ${level}.`);
    must(level >= before, () => `'${task}' is estimated as ${level}, and a part of it as ${before}.`);
    must(level === builtInEstimator.estimate(task), () => `'${task}' is estimated in two ways.`);
    before = level;
  }
}
const WORDS = [
  'prove',
  'list',
  'the',
  'if',
  'x > 3',
  'why?',
  'step by step',
  '12',
  'not',
  'design',
  '{code}',
  'compare',
];

interface PriceCase {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number | undefined;
  readonly used: {
    readonly noCache: number;
    readonly read: number;
    readonly write: number;
    readonly output: number;
  };
}
async function pricesAddUp({ used, ...given }: PriceCase): Promise<undefined> {
  const prices = await loadPrices({ lookUp: false, overrides: { 'own:*': given } });
  const { noCache, read, write, output } = used;
  const total = noCache + read + write;
  const usage = {
    inputTokens: { total, noCache, cacheRead: read, cacheWrite: write },
    outputTokens: { total: output, text: output, reasoning: undefined },
  };
  const { cacheRead = given.input, cacheWrite = given.input } = given;
  const right = (noCache * given.input + read * cacheRead + write * cacheWrite + output * given.output) / 1e6;
  const cost = prices.cost('own:any', usage);
  must(Math.abs(cost - right) < 1e-9, () => `The cost is $${cost}, and has to be $${right}.`);
  const bound = prices.bound('own:any', total, output);
  must(cost <= bound + 1e-12, () => `The cost is $${cost}, and its bound was $${bound}.`);
}

interface CallsCase {
  readonly calls: number;
  readonly steps: number;
  readonly failures: number;
  readonly attempts: number;
  readonly maxConcurrency: number;
}
/** The budget of calls bounds starts of agents, and what it does not allow fails. */
async function boundsCalls({
  calls,
  steps,
  failures,
  attempts,
  maxConcurrency,
}: CallsCase): Promise<undefined> {
  let starts = 0;
  const worker = agent({
    name: 'worker',
    run: async (_: object, { attempt, sleep }: AgentContext) => {
      starts++;
      await sleep(5);
      if (attempt <= failures) throw new Error('not yet');
    },
  });
  const retry = attempts > 1 ? { retry: { attempts, delayMs: 1 } } : {};
  const plans = Array.from({ length: steps }, (_, i) => ({ id: `s${i}`, agent: worker.plan, ...retry }));
  const options = { budget: { calls }, maxConcurrency, clock: new VirtualClock() };
  const report = await perform(scoreOf('calls', plans), options).report;
  const wanted = steps * Math.min(attempts, failures + 1);
  must(starts <= calls, () => `${starts} agents were started, with a budget of ${calls} calls.`);
  must(
    starts === Math.min(calls, wanted),
    () => `${starts} of ${wanted} starts were made, with a budget of ${calls}.`,
  );
  must(
    report.usage.calls === starts,
    () => `${starts} agents were started, and the report says ${report.usage.calls}.`,
  );
  const enough = wanted <= calls && failures < attempts;
  must((report.status === 'completed') === enough, () => `The performance is ${report.status}.`);
}

const KERNEL = 'cpufreq_schedutil.c and the other governors of Linux; docs/decisions/0021';
const budgetSource = 'docs/decisions/0023';
export const routingClaims: readonly Claim[] = [
  apiClaim('dvfs', 'operational semantics', {
    property:
      'A pool’s load, its verifiers’ verdicts, several ceilings and deadlines, policies and modes become the kernel’s own commands: after each, the point, the ceiling and every task’s own point are what the formulas say, and a change is announced once.',
    source: KERNEL,
    bound: 'up to 20 commands of 2 pools and 2 limiters',
    share: 0.4,
    draw: (random): readonly Command[] =>
      Array.from({ length: random.whole(1, 20) }, () => drawCommand(random)),
    judge: obeysTheKernel,
    shown: (given: readonly Command[]) => given.map(text),
    smaller: without,
  }),
  apiClaim('dvfs', 'operational semantics', {
    property:
      'Every operating point is routed to the nearest row of the table, and to the same one each time.',
    source: 'paper 5.3; docs/decisions/0022',
    bound: `tables of 1–20 rows, all ${GRID.length} points`,
    share: 0.05,
    draw: drawTable,
    judge: routesToTheNearest,
    shown: (given) => [text(given)],
    smaller: function* (given) {
      if (given.points.length > 1) for (const points of without(given.points)) yield { ...given, points };
    },
  }),
  apiClaim('dvfs', 'operational semantics', {
    property:
      'A task gets the model that its estimated difficulty demands: never a lower point for a harder task, never one that costs more than a higher one, and never one above what budget and time leave.',
    source: 'paper 4.5; docs/decisions/0021, 0023',
    bound: '5 models with random prices, up to 5 tasks, budgets of $0–5, with and without a deadline',
    share: 0.1,
    draw: drawChoice,
    judge: choosesWithinBudget,
    shown: (given) => [text(given)],
  }),
  apiClaim('dvfs', 'invariant guarantees', {
    property:
      'The built-in estimate is a share from 0 to 1, the same each time, and never lower for more text.',
    source: 'docs/guides/models.md',
    bound: 'tasks of up to 12 words',
    share: 0.05,
    draw: (random): readonly string[] =>
      Array.from({ length: random.whole(1, 12) }, () => random.pick(WORDS)),
    judge: estimates,
    shown: (given) => [given.join(' ')],
  }),
  apiClaim('dvfs', 'invariant guarantees', {
    property:
      'What a call costs is the sum of its tokens at their prices, and never more than the bound that was set aside for it.',
    source: budgetSource,
    bound: 'random prices and uses, with and without prices for cached tokens',
    share: 0.1,
    draw: (random): PriceCase => {
      const cached = () => (random.below(2) === 0 ? undefined : random.whole(0, 40));
      const tokens = () => random.below(100_000);
      return {
        ...{
          input: random.whole(0, 20),
          output: random.whole(0, 80),
          cacheRead: cached(),
          cacheWrite: cached(),
        },
        used: { noCache: tokens(), read: tokens(), write: tokens(), output: tokens() },
      };
    },
    judge: pricesAddUp,
    shown: (given) => [text(given)],
  }),
  budgetClaim,
  apiClaim('dvfs', 'failure modes', {
    property:
      'Starts of agents never exceed the budget of calls, retries included; all that it allows are made, and the rest fails.',
    source: budgetSource,
    bound: 'up to 6 steps of up to 3 tries, budgets of 0–12 calls',
    share: 0.1,
    draw: (random): CallsCase => ({
      ...{ calls: random.below(13), steps: random.whole(1, 6) },
      ...{ failures: random.below(3), attempts: random.whole(1, 3), maxConcurrency: random.whole(1, 3) },
    }),
    judge: boundsCalls,
    shown: (given) => [text(given)],
  }),
];
