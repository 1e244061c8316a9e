/** A program on the real orchestrator in virtual time: a millisecond is a cycle.
 *
 *  An instruction is three steps: it issues (one a cycle, in order), executes on its class of units, and writes on a
 *  common data bus, which is an agent with a capacity. Renaming, capture, and who waits for which unit are the
 *  orchestrator's own. What it does not have: stations for each class (its window is one, and ample here), and "oldest
 *  first"; that order is written as costs, powers of two, which is exact up to some fifty instructions. */
import { Orchestrator, rename, VirtualClock, type AgentPlan, type StepPlan } from '../../actors/index.ts';
import { initialValue, never, resultOf, type Case, type Registers, type Timing } from './model.ts';

/** @returns when each instruction did what, and what the registers hold at the end. */
export async function orchestrated({
  program,
  hardware,
}: Case): Promise<{ times: Timing[]; registers: Registers }> {
  const times = program.map(never);
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
      const { op, reads } = program[index]!;
      times[index]!.start = context.now() + 1;
      await context.sleep(hardware.ops[op]!.latency);
      times[index]!.complete = context.now();
      return resultOf(
        index,
        reads.map((_, i) => operands[`r${i}`] as number),
      );
    },
  });
  const units = new Map(Object.entries(hardware.classes).map(([name, c]) => [name, unitsOf(name, c.units)]));
  const input: Registers = {};
  const written = new Set<string>();
  const steps = program.flatMap(({ op, writes, reads }, i): StepPlan[] => {
    const operands = reads.map((name, k) => {
      if (!written.has(name)) input[name] = initialValue(name);
      return [`r${k}`, written.has(name) ? name : `input.${name}`];
    });
    written.add(writes);
    const after = i === 0 ? [] : [`i${i - 1}`];
    const unit = units.get(hardware.ops[op]!.class)!;
    return [
      { id: `i${i}`, agent: front, cost: 0, after },
      { id: `e${i}`, agent: unit, cost: 0, reads: Object.fromEntries(operands), after: [`i${i}`] },
      { id: `w${i}`, agent: bus, cost: 2 ** (program.length - i), reads: { value: `e${i}` }, writes },
    ];
  });
  const patience = Number.MAX_SAFE_INTEGER; // the hardware has no ageing
  const options = { runId: 'program', input, clock: new VirtualClock(), window: 4_096, patience };
  const orchestrator = new Orchestrator(rename(steps), options);
  orchestrator.start();
  const { outputs } = await orchestrator.outcome;
  return {
    times,
    registers: Object.fromEntries([...written].map((name) => [name, outputs[name] as number])),
  };
}
