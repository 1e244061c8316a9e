/** A program on the real orchestrator in virtual time: a millisecond is a cycle.
 *
 *  An instruction is three steps: it issues (one a cycle, in order), executes on its class of units, and writes on a
 *  common data bus, which is an agent with a capacity. Renaming, capture, and who waits for which unit are the
 *  orchestrator's own. What it does not have: stations for each class (its window is one, and ample here), and "oldest
 *  first"; that order is written as costs, powers of two, which is exact up to some fifty instructions. */
import { VirtualClock, type RunOutcome, type RunEvent, type StepPlan } from '../../actors/index.ts';
import { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { rename, type AgentPlan } from '../../actors/tomasulo/program.ts';
import { tacet } from '../../machines/hct/factories.ts';
import { initialValue, never, resultOf, type Case, type Registers, type Timing } from './model.ts';
import type { Troubled } from './troubles.ts';

/** A try that does not answer is aborted after this many cycles; every latency that is drawn is shorter. */
export const TIME_OUT = 1_000;
/** Between two tries. */
const REST = 3;

export interface OrchestratedResult {
  /** When each instruction did what. */
  readonly times: Timing[];
  /** What the registers hold at the end; none whose last writer has no result. */
  readonly registers: Registers;
  readonly outcome: RunOutcome;
  /** The events that were reported while it ran. */
  readonly events: readonly RunEvent[];
}

/** @param given with what goes wrong; without that, nothing does.
 *  @param window how many steps may be under way; ample where cycles are compared. */
export async function orchestrated(given: Case | Troubled, window = 4_096): Promise<OrchestratedResult> {
  const { program, attempts = 1, silent }: Case & Partial<Troubled> = given;
  const times = program.map(never);
  const input: Registers = {};
  const steps = stepsOf(given, times, input);
  const options = {
    runId: 'program',
    clock: new VirtualClock(),
    window,
    patience: Number.MAX_SAFE_INTEGER, //   the hardware has no ageing
    retry: { attempts, delayMs: REST, factor: 1 },
  };
  const orchestrator = new Orchestrator(rename(steps), options);
  const events: RunEvent[] = [];
  orchestrator.listen((event) => void events.push(event));
  orchestrator.start(input);
  if (silent !== undefined) {
    const { runId } = orchestrator;
    void orchestrator.bus.publish(tacet({ source: 'trouble', targets: [silent] }), { runId });
  }
  const outcome = await orchestrator.outcome;
  const registers = program.flatMap(({ writes }) => {
    const value = outcome.outputs[writes] as number | undefined;
    return value === undefined ? [] : [[writes, value] as const];
  });
  return { times, registers: Object.fromEntries(registers), outcome, events };
}

/** Three steps for each instruction, by agents that note when they did what.
 *  @param input receives the value of every register that is read before it is written. */
function stepsOf({ program, hardware }: Case | Troubled, times: Timing[], input: Registers): StepPlan[] {
  const at = (stepId: string) => Number(stepId.slice(1));
  const front: AgentPlan = {
    name: 'issue',
    capacity: 1,
    async run(_, context) {
      await context.sleep(1);
      times[at(context.stepId)]!.issue = context.now();
    },
  };
  const bus: AgentPlan = {
    name: 'common data bus',
    capacity: hardware.buses,
    async run({ value }, context) {
      await context.sleep(1);
      times[at(context.stepId)]!.write = context.now();
      return value;
    },
  };
  const unitsOf = (name: string, capacity: number): AgentPlan => ({
    name,
    capacity,
    async run(operands, context) {
      const index = at(context.stepId);
      const { op, reads, fails = 0, hangs } = program[index] as Troubled['program'][number];
      const failing = context.attempt <= fails;
      times[index]!.start = context.now() + 1;
      await context.sleep(failing && hangs ? 2 * TIME_OUT : hardware.ops[op]!.latency);
      if (failing && hangs) return Number.NaN; // the result is dropped: the try has been aborted
      if (failing) throw new Error(`try ${context.attempt} fails`);
      times[index]!.complete = context.now();
      return resultOf(
        index,
        reads.map((_, i) => operands[`r${i}`] as number),
      );
    },
  });
  const units = new Map(Object.entries(hardware.classes).map(([name, c]) => [name, unitsOf(name, c.units)]));
  const written = new Set<string>();
  return program.flatMap((line, i): StepPlan[] => {
    const { op, writes, reads, hangs = false } = line as Troubled['program'][number];
    const operands = reads.map((name, k) => {
      if (!written.has(name)) input[name] = initialValue(name);
      return [`r${k}`, written.has(name) ? name : `input.${name}`];
    });
    written.add(writes);
    const after = i === 0 ? [] : [`i${i - 1}`];
    const agent = units.get(hardware.ops[op]!.class)!;
    const execute = { reads: Object.fromEntries(operands), after: [`i${i}`] };
    return [
      { id: `i${i}`, agent: front, cost: 0, after },
      { id: `e${i}`, agent, cost: 0, ...execute, timeoutMs: hangs ? TIME_OUT : undefined },
      { id: `w${i}`, agent: bus, cost: 2 ** (program.length - i), reads: { value: `e${i}` }, writes },
    ];
  });
}
