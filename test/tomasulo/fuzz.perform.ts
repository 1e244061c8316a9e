/** Random performances: scores, signals, agents, buses and clocks (`scenarios`), how one is played (`play`), and what must
 *  hold of each (`faultsOf`). What a score returns is judged by `fuzz.reference.ts`. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { SchemaError, scoreOf, StepError, type AgentContext, type Report, type StepPlan } from 'tutti';
import {
  behave,
  behaviour,
  hangs,
  HEALTHY_BUSES,
  INPUT,
  LIMITS,
  ofEveryone,
  playOn,
  rarely,
  schemaOf,
  setups,
  Stage,
  troubles,
  type Kind,
  type Played,
  type Setup,
} from './fuzz.parts.ts';
import {
  fallbackOf,
  Reference,
  resultOf,
  valueOf,
  type Expected,
  type FuzzStep,
  type FuzzVamp,
} from './fuzz.reference.ts';

// ── scenarios

export interface Scenario extends Setup {
  readonly steps: readonly FuzzStep[];
}

const AGENTS = ['a', 'b', 's1'] as const; // one is called as a step
const stepShape = fc.record({
  agent: fc.constantFrom(...AGENTS),
  sharedName: rarely(fc.constant('x'), 5),
  reads: fc.array(
    fc.record({
      from: fc.nat({ max: 9 }),
      path: fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom('', '', '.v') },
        { weight: 1, arbitrary: fc.constant('.missing') },
      ),
    }),
    {
      maxLength: 3,
    },
  ),
  list: fc.boolean(),
  after: fc.array(fc.nat({ max: 9 }), { maxLength: 1 }),
  tolerant: fc.boolean(),
  tries: rarely(fc.integer({ min: 1, max: 3 }), 2),
  fallback: fc.boolean(),
  timeoutMs: rarely(fc.constantFrom(...LIMITS)),
  external: rarely(fc.constant(true), 6).map((given) => given === true),
  tacet: rarely(fc.constant(true), 14).map((given) => given === true),
  downbeat: rarely(fc.constant(true), 14).map((given) => given === true),
  fermata: rarely(
    fc.record({
      timeoutMs: fc.integer({ min: 1, max: 6 }),
      onTimeout: fc.constantFrom('fail' as const, 'resume' as const),
    }),
    5,
  ),
  vamp: rarely(
    fc.record<FuzzVamp>({
      max: fc.integer({ min: 1, max: 4 }),
      enough: fc.integer({ min: 1, max: 5 }),
      until: fc.constantFrom('sync', 'sync', 'async', 'async', 'throws', 'rejects'),
      onCap: fc.constantFrom('fail', 'accept'),
    }),
    5,
  ),
  quality: rarely(fc.constantFrom(0.5, 1), 5),
  behaviours: fc.array(behaviour, { minLength: 1, maxLength: 3 }),
});
type StepShape = typeof stepShape extends fc.Arbitrary<infer T> ? T : never;

/** Numbers become names that are written above. */
function stepsOf(shapes: readonly StepShape[], stepMs: number | undefined): FuzzStep[] {
  const names = ['input'];
  return shapes.map(({ sharedName, reads, after, ...shape }, i) => {
    const id = `s${i}`;
    const nameAt = (from: number) => names[from % names.length]!;
    const step: FuzzStep = {
      ...shape,
      id,
      writes: sharedName,
      reads: reads.map(({ from, path }) => nameAt(from) + path),
      after: after.map(nameAt),
      timeoutMs:
        shape.timeoutMs ?? (shape.behaviours.some(hangs) && stepMs === undefined ? LIMITS[0] : undefined),
    };
    const name = sharedName ?? id;
    if (!names.includes(name)) names.push(name);
    return step;
  });
}

export const scenarios = (kind: Kind): fc.Arbitrary<Scenario> =>
  setups(kind, fc.array(stepShape, { minLength: 1, maxLength: 7 })).map(({ shape, calm, ...setup }) => ({
    ...setup,
    steps: stepsOf(calm ? shape.map(calmed) : shape, setup.stepMs),
  }));

/** A step that no limit of time can change, so that its outcome is determined in real time, too. */
const calmed = (shape: StepShape): StepShape => ({
  ...shape,
  timeoutMs: undefined,
  behaviours: shape.behaviours.map((one) => (hangs(one) ? { ...one, kind: 'sleep' } : one)),
});
function plansOf(scenario: Scenario, stage: Stage): StepPlan[] {
  return scenario.steps.map((step, i) => {
    const { id, agent, writes, reads, list, after, tries, fallback, timeoutMs, fermata, vamp } = step;
    return {
      id,
      agent: {
        name: agent,
        capacity: scenario.capacities[agent],
        run: (operands: Record<string, unknown>, context: AgentContext) => {
          const behaviour = step.behaviours[Math.min(context.attempt, step.behaviours.length) - 1]!;
          return behave(behaviour, agent, stage, context, () =>
            resultOf(step, valueOf(i, context.attempt, operands)),
          );
        },
      },
      reads: list ? { all: reads } : Object.fromEntries(reads.map((read, k) => [`r${k}`, read])),
      after,
      writes,
      join: step.tolerant ? 'allSettled' : 'all',
      retry: tries === undefined ? undefined : { attempts: tries, delayMs: 1.25, repeatsEffect: true },
      timeoutMs,
      fermata,
      ...(fallback ? { fallback: { value: fallbackOf(i) } } : {}),
      effects: step.external ? 'external' : 'none',
      tacet: step.tacet,
      downbeat: step.downbeat,
      vamp: vamp && {
        max: vamp.max,
        onCap: vamp.onCap,
        until: (_: unknown, round: number) => {
          if (vamp.until === 'throws') throw new Error('cannot judge');
          if (vamp.until === 'rejects') return Promise.reject(new Error('cannot judge'));
          return vamp.until === 'async' ? Promise.resolve(round >= vamp.enough) : round >= vamp.enough;
        },
      },
    };
  });
}

/** Plays a scenario to its end. */
export function play(scenario: Scenario): Promise<Played> {
  const { input } = scenario;
  const options = input === 'none' ? {} : { input: schemaOf(input) };
  return playOn(new Stage(scenario, (stage) => scoreOf('fuzz', plansOf(scenario, stage), options)));
}

// ── judge

/** What the reference says of a scenario, where the outcome is determined. */
export function expectedOf(scenario: Scenario): Expected | undefined {
  const { steps, acts, bus, clock, dispatch, window = Infinity } = scenario;
  const early = acts.filter(({ moment }) => moment.at !== 'end');
  if (early.some(({ moment, act }) => moment.at !== 'start' && act.do !== 'stray')) return undefined;
  if (scenario.totalMs !== undefined || !HEALTHY_BUSES.has(bus.kind)) return undefined;
  const orders = early.flatMap(({ act }) => (act.do === 'signal' ? [ofEveryone(act.order)] : []));
  if (bus.kind === 'lags' && orders.length > 0) return undefined;
  if (orders.some(({ type, timeoutMs }) => type === 'vamp' && timeoutMs !== undefined)) return undefined;
  const timed = scenario.stepMs !== undefined || steps.some(({ timeoutMs }) => timeoutMs !== undefined);
  if (clock === 'real' && timed) return undefined;
  const inputFits = scenario.input !== 'unfit' && scenario.input !== 'asyncUnfit';
  const cancelled = scenario.aborted || early.some(({ act }) => act.do === 'cancel' || act.do === 'abort');
  const { tries, stepMs, calls } = scenario;
  const reference = new Reference({
    steps,
    input: INPUT,
    inputFits,
    cancelled,
    tries,
    stepMs,
    calls,
    orders,
  });
  if (reference.holds) {
    if (clock === 'real' || window < steps.length || dispatch !== 'reactive') return undefined;
    if (steps.some(({ downbeat }) => downbeat)) return undefined;
  }
  const expected = reference.play();
  if (expected.overBudget && window > 1) return undefined;
  if (!inputFits && expected.status === 'cancelled') return undefined; // whichever comes first
  return expected;
}

/** The most tries that a step may have. */
function mostTries({ steps, acts, tries }: Scenario, i: number): number {
  const step = steps[i]!;
  const failures = (step.tries ?? tries ?? 1) - 1;
  const rounds = (step.vamp?.max ?? 1) - 1;
  const ordered = acts.reduce((sum, { act }) => sum + (act.do === 'signal' ? (act.order.rounds ?? 0) : 0), 0);
  return 1 + failures + rounds + ordered;
}

/** What is wrong with a performance; empty when nothing is. */
export function faultsOf(scenario: Scenario, played: Played): string[] {
  const { report, starts } = played;
  const faults = troubles(scenario, played);
  for (const [id, count] of starts)
    if (count > mostTries(scenario, Number(id.slice(1)))) faults.push(`'${id}' was started ${count} times`);
  if (typeof report === 'string' || 'rejectedWith' in report) return faults;
  const expected = expectedOf(scenario);
  if (expected !== undefined) faults.push(...differences(scenario, report, expected));
  return faults;
}
function differences({ steps }: Scenario, report: Report, expected: Expected): string[] {
  const differ: string[] = [];
  const compare = (what: string, found: unknown, wanted: unknown) => {
    if (!isDeepStrictEqual(found, wanted))
      differ.push(`${what}: ${shown(found)} instead of ${shown(wanted)}`);
  };
  compare('status', report.status, expected.status);
  compare('outputs', report.outputs, expected.outputs);
  compare('calls', report.usage.calls, expected.calls);
  compare('retries', report.usage.retries, expected.retries);
  report.timeline.forEach(({ status, attempts }, i) => {
    const { id } = steps[i]!;
    if (!expected.statuses[i]!.has(status))
      differ.push(`'${id}' is ${status} instead of ${[...expected.statuses[i]!].join(' or ')}`);
    compare(`tries of '${id}'`, attempts, expected.attempts[i]);
  });
  if (expected.status === 'cancelled') return differ;
  const blamed = report.errors.flatMap((error) => (error instanceof StepError ? [error.stepId] : []));
  if (new Set(blamed).size < blamed.length) differ.push(`blamed twice: ${blamed.join(', ')}`);
  for (const roots of expected.roots)
    if (!blamed.some((id) => roots.has(id))) differ.push(`none of ${[...roots].join(', ')} is blamed`);
  for (const id of blamed)
    if (!expected.roots.some((roots) => roots.has(id))) differ.push(`'${id}' is blamed`);
  const others = report.errors.filter((error) => !(error instanceof StepError));
  const allowed = expected.deadlock
    ? ['DeadlockError']
    : report.errors[0] instanceof SchemaError
      ? ['SchemaError']
      : [];
  compare(
    'other errors',
    others.map(({ name }) => name),
    allowed,
  );
  return differ;
}
const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);
