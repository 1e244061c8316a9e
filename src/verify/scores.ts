/** What is claimed of performances, judged through `perform`: what a user calls, in virtual time. */
import { VirtualClock } from '../../actors/bus/clock.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { Claim } from '../../specs/harness/claim.ts';
import type { Random } from '../../specs/harness/random.ts';
import { agent } from '../score/agent.ts';
import { perform } from '../score/perform.ts';
import { score, scoreOf } from '../score/score.ts';
import { busClaim } from './failing-bus.ts';
import { growingClaims } from './growing.ts';
import {
  drawProgram,
  interpret,
  performProgram,
  shownProgram,
  smallerPrograms,
  type PerformedProgram,
  type ProgramCase,
} from './programs.ts';
import { apiClaim, must, text, without } from './sample.ts';
import { signalClaims } from './signals.ts';
import { triesClaims } from './tries.ts';

const BOOK = 'Tomasulo 1967; Hennessy & Patterson, ch. 3';
const PROGRAMS =
  'programs of up to 14 steps on 4 names, with failures, retries, defaults, downbeats, agents of capacity 1 and 2, ' +
  'windows and every way of dispatch';
const programs = { draw: drawProgram, shown: shownProgram, smaller: smallerPrograms } as const;

const sorted = (record: Readonly<Record<string, unknown>>): string =>
  text(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Outputs, statuses and tries are those of the same steps, one after the other. */
async function endsAsSequential(given: ProgramCase): Promise<undefined> {
  const { steps, report, observed } = await performProgram(given);
  const expected = interpret(steps, given.shapes);
  const [outputs, right] = [sorted(report.outputs), sorted(expected.outputs)];
  must(outputs === right, () => `The outputs are ${outputs}, and in sequence ${right}.`);
  report.timeline.forEach(({ id, status }, i) =>
    must(
      status === expected.statuses[i],
      () => `${id} is ${status}, and in sequence ${expected.statuses[i]}.`,
    ),
  );
  for (const { id } of steps) {
    const [fired, due] = [observed.fired.get(id) ?? 0, expected.fired.get(id) ?? 0];
    must(fired === due, () => `${id} was started ${fired} times, and has to start ${due} times.`);
  }
  must(observed.running === 0, () => `${observed.running} agents still run after the end.`);
}

/** By step: when what it reads had ended. */
function readyAt(given: ProgramCase, { steps, report }: PerformedProgram): number[] {
  const { producers } = interpret(steps, given.shapes);
  return producers.map((reads) => Math.max(0, ...[...reads].map((i) => report.timeline[i]!.end!)));
}
async function waitsForWhatItReads(given: ProgramCase): Promise<undefined> {
  const done = await performProgram(given);
  const ready = readyAt(given, done);
  for (const [i, { id, start }] of done.report.timeline.entries())
    must(
      start === undefined || start >= ready[i]!,
      () => `${id} starts at ${start}, and its operands exist from ${ready[i]} on.`,
    );
  const free: ProgramCase = {
    shapes: given.shapes.map((one) => ({ ...one, agent: 0, downbeat: false, failures: 0 })),
    options: { dispatch: 'reactive' },
  };
  const unlimited = await performProgram(free);
  const at = readyAt(free, unlimited);
  for (const [i, { id, start }] of unlimited.report.timeline.entries())
    must(
      start === at[i],
      () => `With nothing limited ${id} starts at ${start}, and its operands exist from ${at[i]} on.`,
    );
}

async function keepsLimits(given: ProgramCase): Promise<undefined> {
  const { observed, events, report, clock } = await performProgram(given);
  const { window = 1_024, maxConcurrency, dispatch } = given.options;
  must(observed.exceeded === undefined, () => `${observed.exceeded}.`);
  const most = dispatch === 'sequential' ? 1 : maxConcurrency;
  must(
    most === undefined || observed.most <= most,
    () => `${observed.most} agents run at once, not ${most}.`,
  );
  let inFlight = 0;
  for (const event of events) {
    if (event.type === 'step.issued') inFlight++;
    if (event.type === 'step.ended') inFlight--;
    must(inFlight <= window, () => `${inFlight} steps are in flight, with a window of ${window}.`);
  }
  must(
    dispatch !== 'batch' || observed.runningAtReady === 0,
    () => `A batch begins while ${observed.runningAtReady} agents of the last one still run.`,
  );
  given.shapes.forEach(({ downbeat }, i) => {
    if (!downbeat) return;
    const above = Math.max(0, ...report.timeline.slice(0, i).map(({ end }) => end!));
    for (const { id, issued } of report.timeline.slice(i))
      must(
        issued! >= above,
        () => `${id} is issued at ${issued}, and what is above its downbeat ends at ${above}.`,
      );
  });
  const end = clock.now();
  await new Promise((resolve) => setTimeout(resolve));
  must(clock.now() === end, () => 'A timer is left after the end.');
}

/** Each fault names a step that failed by itself, and the way from there follows reads; what is read decides which
 *  failures the report names. */
async function blamesRoots(given: ProgramCase): Promise<undefined> {
  const { steps, report, events } = await performProgram(given);
  const { producers, statuses } = interpret(steps, given.shapes);
  const place = new Map(steps.map(({ id }, i) => [id, i]));
  const outputs = new Map(steps.map(({ writes }, i) => [writes, i]));
  const blamed = new Set<string>();
  for (const event of events) {
    if (event.type !== 'step.ended' || (event.status !== 'failed' && event.status !== 'skipped')) continue;
    const { stepId, error } = event;
    must(error !== undefined, () => `${stepId} is ${event.status} without an error.`);
    must(
      statuses[place.get(error.stepId)!] === 'failed',
      () => `${stepId} blames ${error.stepId}, which has not failed.`,
    );
    const way = error.path.map((id) => place.get(id)!);
    must(
      way[0] === place.get(error.stepId) && way.at(-1) === place.get(stepId),
      () => `${stepId} names the way ${error.path.join(' → ')}.`,
    );
    for (const [k, to] of way.slice(1).entries())
      must(producers[to]!.has(way[k]!), () => `${steps[to]!.id} does not read ${steps[way[k]!]!.id}.`);
    const own = place.get(stepId)!;
    const read = producers.some((reads) => reads.has(own));
    if (!read || outputs.get(steps[own]!.writes) === own) blamed.add(error.stepId);
  }
  const named = report.errors.map((error) => (error as { stepId?: string }).stepId).toSorted();
  const due = [...blamed].toSorted();
  must(text(named) === text(due), () => `The report blames ${text(named)}, and has to blame ${text(due)}.`);
  must((report.status === 'completed') === (due.length === 0), () => `The performance is ${report.status}.`);
}

interface Rank {
  readonly cost: number;
  readonly urgency: number;
  readonly attacca: boolean;
}
interface OrderCase {
  readonly steps: readonly Rank[];
  readonly priority: 'path' | 'fifo';
  readonly patience: number;
  readonly limit: 'capacity' | 'maxConcurrency';
}
const drawOrder = (random: Random): OrderCase => ({
  steps: Array.from({ length: random.whole(2, 8) }, () => ({
    cost: random.whole(1, 3),
    urgency: random.whole(4, 6),
    attacca: random.below(8) === 0,
  })),
  priority: random.pick(['path', 'fifo'] as const),
  patience: random.pick([1, 2, 4, 1_024]),
  limit: random.pick(['capacity', 'maxConcurrency'] as const),
});
/** One at a time: the oldest when it was passed over `patience` times, else the best. */
async function startsBestFirst({ steps, priority, patience, limit }: OrderCase): Promise<undefined> {
  const waiting = steps.map((rank, i) => ({ ...rank, i }));
  const better = (a: (typeof waiting)[number], b: (typeof waiting)[number]): number =>
    Number(b.attacca) - Number(a.attacca) ||
    (priority === 'path' ? b.cost - a.cost || b.urgency - a.urgency : 0) ||
    a.i - b.i;
  const due: string[] = [];
  for (let grants = 0; waiting.length > 0; grants++) {
    const next = grants >= patience ? waiting[0]! : waiting.toSorted(better)[0]!;
    due.push(`s${next.i}`);
    waiting.splice(waiting.indexOf(next), 1);
  }
  const order: string[] = [];
  const worker = agent({
    name: 'worker',
    ...(limit === 'capacity' ? { capacity: 1 } : {}),
    run: (_: object, { stepId, sleep }: AgentContext) => (order.push(stepId), sleep(1)),
  });
  const plans = steps.map((rank, i) => ({ id: `s${i}`, agent: worker.plan, ...rank }));
  await perform(scoreOf('order', plans), {
    ...{ priority, patience, clock: new VirtualClock() },
    ...(limit === 'capacity' ? {} : { maxConcurrency: 1 }),
  }).result;
  must(text(order) === text(due), () => `The steps start as ${order.join(' ')}, not as ${due.join(' ')}.`);
}

interface ValueCase {
  readonly value: unknown;
  /** Whether the outer object is frozen already. */
  readonly frozen: boolean;
}
function drawValue(random: Random, depth = 3): unknown {
  const kind = depth === 0 ? 0 : random.below(3);
  if (kind === 0) return random.below(10);
  const inner = () => drawValue(random, depth - 1);
  if (kind === 1) return Array.from({ length: random.whole(1, 3) }, inner);
  return Object.fromEntries(Array.from({ length: random.whole(1, 3) }, (_, i) => [`k${i}`, inner()]));
}
/** Changes whatever can be changed. */
function vandalise(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const child of Object.values(value)) vandalise(child);
  for (const key of [...Object.keys(value), 'new']) Reflect.set(value, key, 'changed');
  Reflect.deleteProperty(value, Object.keys(value)[0] ?? 'new');
}
async function keepsValues({ value, frozen }: ValueCase): Promise<undefined> {
  const right = text({ value });
  const made = { value: structuredClone(value) };
  const input = { value: structuredClone(value) };
  if (frozen) Object.freeze(made);
  const vandal = ({ given }: { given: unknown }) => vandalise(given);
  const reader = ({ given }: { given: unknown }) => text(given);
  const steps = score('values')
    .input<{ readonly '~standard': never }>(accepting as never)
    .step('made', { agent: () => made })
    .step('spoil', { agent: vandal, reads: { given: 'made' } })
    .step('spoilInput', { agent: vandal, reads: { given: 'input' } as never })
    .downbeat()
    .step('late', { agent: () => vandalise(made) })
    .downbeat()
    .step('read', { agent: reader, reads: { given: 'made' } })
    .step('readInput', { agent: reader, reads: { given: 'input' } as never });
  const { outputs } = await perform(steps, { input: input as never, clock: new VirtualClock() }).result;
  must(outputs.read === right, () => `A reader finds ${outputs.read}, and the result was ${right}.`);
  must(outputs.readInput === right, () => `A reader finds ${outputs.readInput}, and the input was ${right}.`);
  must(text(input) === right, () => `The caller’s input is ${text(input)}, and it was ${right}.`);
  vandalise(outputs.made);
  must(text(outputs.made) === right, () => `The caller changed a result to ${text(outputs.made)}.`);
}
const accepting = { '~standard': { version: 1, vendor: 'tutti', validate: (value: unknown) => ({ value }) } };

type Stop = 'cancel' | 'caesura' | 'abort' | 'totalMs';
interface StopCase extends ProgramCase {
  readonly how: Stop;
  readonly at: number;
}
async function endsWhenStopped({ how, at, ...given }: StopCase): Promise<undefined> {
  const whole = (await performProgram(given)).report;
  const abort = new AbortController();
  const options = {
    ...given.options,
    ...(how === 'totalMs' ? { timeout: { totalMs: at } } : {}),
    ...(how === 'abort' ? { signal: abort.signal } : {}),
  };
  const { report, observed, events } = await performProgram({ ...given, options }, (run, clock) => {
    if (how === 'totalMs') return;
    clock.setTimeout(() => {
      if (how === 'cancel') run.cancel('enough');
      else if (how === 'abort') abort.abort('enough');
      else run.signal({ type: 'caesura', source: 'caller', targets: ['*'] } as never);
    }, at);
  });
  const [early, stopped] = [at < whole.makespan, how === 'totalMs' ? 'failed' : 'cancelled'];
  if (early)
    must(
      report.status === stopped,
      () => `Stopped at ${at} of ${whole.makespan}, the performance is ${report.status}.`,
    );
  if (early)
    must(report.makespan <= at, () => `Stopped at ${at}, the performance ends at ${report.makespan}.`);
  if (at > whole.makespan)
    must(
      report.status === whole.status,
      () => `It ends as ${report.status}, and as ${whole.status} without a stop.`,
    );
  must(observed.running === 0, () => `${observed.running} agents still run after the end.`);
  for (const { id, status } of report.timeline)
    must(!['waiting', 'running', 'pending'].includes(status), () => `${id} is ${status} after the end.`);
  const fired = [...observed.fired.values()].reduce((sum, count) => sum + count, 0);
  must(
    report.usage.calls === fired,
    () => `${fired} agents were started, and the report says ${report.usage.calls}.`,
  );
  for (const event of events)
    must(
      event.type !== 'step.started' || event.timestamp <= at || !early,
      () => `${(event as { stepId: string }).stepId} starts at ${event.timestamp}, after the stop at ${at}.`,
    );
}

export const scoreClaims: readonly Claim[] = [
  apiClaim('tomasulo', 'operational semantics', {
    property:
      'Performed in parallel, a score ends as its steps do one after the other: the same outputs, statuses and tries.',
    source: BOOK,
    ...{ ...programs, bound: PROGRAMS, share: 0.2, judge: endsAsSequential },
  }),
  apiClaim('tomasulo', 'operational semantics', {
    property:
      'A step waits for what it reads and for nothing else: with nothing limited it starts the instant that its last operand exists.',
    source: `${BOOK} (true dependences)`,
    ...{ ...programs, bound: PROGRAMS, share: 0.1, judge: waitsForWhatItReads },
  }),
  apiClaim('tomasulo', 'operational semantics', {
    property:
      'Of the steps that wait for one unit, the longest remaining path starts first, then the most urgent, then the oldest; attacca goes before all, and no step is passed over more often than `patience`.',
    source: 'docs/guides; actors/tomasulo/ready-queue.ts',
    bound: '2–8 independent steps and one unit',
    ...{ share: 0.1, draw: drawOrder, judge: startsBestFirst, shown: (given: OrderCase) => [text(given)] },
    smaller: function* (given: OrderCase) {
      for (const steps of without(given.steps)) yield { ...given, steps };
    },
  }),
  ...signalClaims,
  apiClaim('tomasulo', 'invariant guarantees', {
    property:
      'Capacities, `maxConcurrency` and `window` are never exceeded, a batch begins when the last one has ended, and nothing passes a downbeat.',
    source: `${BOOK} (structural hazards)`,
    ...{ ...programs, bound: PROGRAMS, share: 0.1, judge: keepsLimits },
  }),
  apiClaim('tomasulo', 'invariant guarantees', {
    property: 'No reader can change a result or the input, and no performance changes its caller’s objects.',
    source: 'paper 4.3 (workers see only their operands)',
    bound: 'values of up to 3 levels, with agents that change everything they receive',
    share: 0.05,
    draw: (random): ValueCase => ({ value: drawValue(random), frozen: random.below(2) === 0 }),
    judge: keepsValues,
    shown: (given) => [text(given)],
  }),
  apiClaim('tomasulo', 'failure modes', {
    property:
      'A failed step poisons exactly its dependents: each names a step that failed by itself and the way from there, and the report names the failures that reached an output.',
    source: `${BOOK}; docs/decisions/0006`,
    ...{ ...programs, bound: PROGRAMS, share: 0.1, judge: blamesRoots },
  }),
  ...growingClaims,
  ...triesClaims,
  apiClaim('tomasulo', 'failure modes', {
    property:
      'Cancelled, refused, aborted or out of time at any moment, a performance ends: nothing starts afterwards, no agent runs on, and every step has a status.',
    source: 'paper 4.3 (caesura ↔ flush); docs/decisions/0041',
    bound: PROGRAMS,
    share: 0.1,
    draw: (random): StopCase => ({
      ...drawProgram(random),
      how: random.pick(['cancel', 'caesura', 'abort', 'totalMs'] as const),
      at: random.whole(1, 60),
    }),
    judge: endsWhenStopped,
    shown: ({ how, at, ...given }) => [`${how} at ${at}`, ...shownProgram(given)],
    smaller: function* ({ how, at, ...given }) {
      for (const smaller of smallerPrograms(given)) yield { ...smaller, how, at };
    },
  }),
  busClaim,
];
