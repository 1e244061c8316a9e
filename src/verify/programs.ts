/** Random programs for the orchestrator, what they have to compute, and a run of one. */
import { VirtualClock } from '../../actors/bus/clock.ts';
import type { AgentContext, StepPlan } from '../../actors/tomasulo/program.ts';
import type { RunEvent } from '../../actors/tomasulo/run-events.ts';
import type { Random } from '../../specs/harness/random.ts';
import { agent } from '../score/agent.ts';
import { perform, type PerformOptions, type Report, type Run } from '../score/perform.ts';
import { scoreOf } from '../score/score.ts';

/** One step of a random program. */
export interface StepShape {
  /** Which of {@link NAMES} it writes. */
  readonly writes: number;
  /** Which of the names that are written above it reads, counted modulo their number. */
  readonly reads: readonly number[];
  /** Whether it reads them as one list. */
  readonly list: boolean;
  /** Whether it accepts faulty operands. */
  readonly tolerant: boolean;
  readonly fallback: boolean;
  /** Milliseconds of one try. */
  readonly latency: number;
  /** How often the agent fails before it succeeds. */
  readonly failures: number;
  readonly attempts: number;
  /** Which of {@link CAPACITIES} its agent has. */
  readonly agent: number;
  readonly downbeat: boolean;
  readonly urgency: number;
}

export type ProgramOptions = Pick<
  PerformOptions,
  'window' | 'maxConcurrency' | 'dispatch' | 'priority' | 'patience'
>;
export interface ProgramCase {
  readonly shapes: readonly StepShape[];
  readonly options: ProgramOptions;
}

export const NAMES = ['a', 'b', 'c', 'd'];
/** How many steps of each agent may run at once. */
export const CAPACITIES = [undefined, 1, 2] as const;

/** What running agents have noted. */
export interface Observed {
  /** Agents that run now. */
  running: number;
  /** The most that ran at once. */
  most: number;
  /** Starts by step. */
  readonly fired: Map<string, number>;
  /** Agents that run now, by kind. */
  readonly busy: number[];
  /** The most agents that ran when a step became ready. */
  runningAtReady: number;
  /** The first limit that was exceeded, in words. */
  exceeded: string | undefined;
}
export const nothingObserved = (): Observed => ({
  ...{ running: 0, most: 0, fired: new Map<string, number>(), busy: CAPACITIES.map(() => 0) },
  runningAtReady: 0,
  exceeded: undefined,
});

/** The steps of a program; its agents write into `observed`. */
export function buildProgram(shapes: readonly StepShape[], observed: Observed): StepPlan[] {
  const written: string[] = ['input.x'];
  const agents = CAPACITIES.map((capacity, kind) =>
    agent({
      name: `agent-${kind}`,
      capacity,
      run: async (operands: Record<string, unknown>, context: AgentContext) => {
        const shape = shapes[Number(context.stepId.slice(1))]!;
        observed.fired.set(context.stepId, (observed.fired.get(context.stepId) ?? 0) + 1);
        observed.most = Math.max(observed.most, ++observed.running);
        observed.busy[kind]!++;
        if (capacity !== undefined && observed.busy[kind]! > capacity)
          observed.exceeded ??= `agent-${kind} runs ${observed.busy[kind]} times at once, with a capacity of ${capacity}`;
        try {
          if (shape.latency > 0) await context.sleep(shape.latency);
          if (context.attempt <= shape.failures) throw new Error(`${context.stepId} failed`);
          return resultOf(context.stepId, plain(Object.values(operands)));
        } finally {
          observed.running--;
          observed.busy[kind]!--;
        }
      },
    }),
  );
  return shapes.map((shape, i) => {
    const names = shape.reads.map((pick) => written[pick % written.length]!);
    const reads: Record<string, string | string[]> = shape.list
      ? { all: names }
      : Object.fromEntries(names.map((name, k) => [`r${k}`, name]));
    const name = NAMES[shape.writes]!;
    if (!written.includes(name)) written.push(name);
    return {
      id: `s${i}`,
      agent: agents[shape.agent]!.plan,
      reads,
      writes: name,
      join: shape.tolerant ? 'allSettled' : 'all',
      fallback: shape.fallback ? { value: `default-${i}` } : undefined,
      retry: shape.attempts > 1 ? { attempts: shape.attempts, delayMs: 5 } : undefined,
      downbeat: shape.downbeat,
      urgency: shape.urgency,
    };
  });
}

/** An operand as the agents write it into their results. */
const plain = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(plain).join(',');
  if (typeof value === 'object' && value !== null && 'status' in value) {
    const settled = value as { status: string; value?: unknown };
    return settled.status === 'fulfilled' ? plain(settled.value) : 'fault';
  }
  return String(value);
};
const resultOf = (id: string, operands: string): string =>
  `${id}(${operands.length > 40 ? operands.length : operands})`;

type Cell = { ok: true; value: string; from: number } | { ok: false; from: number };

/** What a program has to compute: the same steps, one after the other. */
export interface Interpreted {
  readonly outputs: Readonly<Record<string, string>>;
  readonly statuses: readonly string[];
  readonly fired: ReadonlyMap<string, number>;
  /** By step: the steps whose results it reads. */
  readonly producers: readonly ReadonlySet<number>[];
}
export function interpret(steps: readonly StepPlan[], shapes: readonly StepShape[]): Interpreted {
  const cells = new Map<string, Cell>([['input.x', { ok: true, value: '7', from: -1 }]]);
  const statuses: string[] = [];
  const fired = new Map<string, number>();
  const producers: Set<number>[] = [];
  steps.forEach((step, i) => {
    const shape = shapes[i]!;
    const operands = Object.values(step.reads ?? {})
      .flat()
      .map((name) => cells.get(name)!);
    producers.push(new Set(operands.map(({ from }) => from).filter((from) => from >= 0)));
    const blocked = operands.some(({ ok }) => !ok) && step.join !== 'allSettled';
    if (!blocked) fired.set(step.id, Math.min(shape.failures + 1, shape.attempts));
    const succeeds = !blocked && shape.failures < shape.attempts;
    const value = succeeds
      ? resultOf(step.id, operands.map((cell) => (cell.ok ? cell.value : 'fault')).join(','))
      : (step.fallback?.value as string | undefined);
    statuses.push(succeeds ? 'done' : value !== undefined ? 'defaulted' : blocked ? 'skipped' : 'failed');
    cells.set(step.writes!, value === undefined ? { ok: false, from: i } : { ok: true, value, from: i });
  });
  cells.delete('input.x');
  const outputs = Object.fromEntries(
    [...cells].flatMap(([name, cell]) => (cell.ok ? [[name, cell.value]] : [])),
  );
  return { outputs, statuses, fired, producers };
}

export interface PerformedProgram {
  readonly steps: readonly StepPlan[];
  readonly report: Report;
  readonly observed: Observed;
  readonly events: readonly RunEvent[];
  readonly clock: VirtualClock;
}
/** Performs a program in virtual time.
 *  @param meanwhile is given the performance as soon as it exists */
export async function performProgram(
  { shapes, options }: ProgramCase,
  meanwhile?: (run: Run, clock: VirtualClock) => void,
): Promise<PerformedProgram> {
  const observed = nothingObserved();
  const steps = buildProgram(shapes, observed);
  const clock = new VirtualClock();
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent) => {
    events.push(event);
    if (event.type === 'step.ready')
      observed.runningAtReady = Math.max(observed.runningAtReady, observed.running);
  };
  const run = perform(scoreOf('random', steps), { ...options, clock, input: { x: 7 }, onEvent });
  meanwhile?.(run as Run, clock);
  return { steps, report: await run.report, observed, events, clock };
}

/** Draws a program of up to 14 steps. */
export function drawProgram(random: Random): ProgramCase {
  const shapes = Array.from({ length: random.whole(1, 14) }, () => drawStep(random));
  const options: ProgramOptions = {
    window: random.below(2) === 0 ? random.whole(1, 4) : 1_024,
    maxConcurrency: random.below(2) === 0 ? random.whole(1, 4) : undefined,
    dispatch: random.pick(['reactive', 'reactive', 'batch', 'sequential'] as const),
    priority: random.pick(['path', 'fifo'] as const),
    patience: random.pick([1, 3, 1_024]),
  };
  return { shapes, options };
}
const drawStep = (random: Random): StepShape => ({
  writes: random.below(NAMES.length),
  reads: Array.from({ length: random.below(4) }, () => random.below(100)),
  list: random.below(2) === 0,
  tolerant: random.below(2) === 0,
  fallback: random.below(5) === 0,
  latency: random.whole(0, 20),
  failures: random.below(6) === 0 ? random.whole(1, 3) : 0,
  attempts: random.whole(1, 3),
  agent: random.below(CAPACITIES.length),
  downbeat: random.below(7) === 0,
  urgency: random.whole(1, 10),
});

/** A program in lines. */
export const shownProgram = ({ shapes, options }: ProgramCase): string[] => [
  `options ${JSON.stringify(options)}`,
  ...shapes.map((shape, i) => `s${i} ${JSON.stringify({ ...shape, writes: NAMES[shape.writes] })}`),
];

/** Programs with one step fewer. */
export function* smallerPrograms({ shapes, options }: ProgramCase): Generator<ProgramCase> {
  for (let i = shapes.length - 1; i >= 0; i--) yield { shapes: shapes.toSpliced(i, 1), options };
}
