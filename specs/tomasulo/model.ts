/** When each instruction of a program issues, executes and writes under Tomasulo's algorithm. It imports nothing, so
 *  that it cannot agree with the machines by accident.
 *
 *  Text: R. M. Tomasulo, "An Efficient Algorithm for Exploiting Multiple Arithmetic Units", IBM Journal, 1967;
 *  Hennessy & Patterson, Computer Architecture, ch. 3 (dynamic scheduling; the steps issue, execute, write result).
 *
 *  It is written as inequalities between cycles, not as stations that change state. An instruction's operand is the
 *  result of the last earlier writer of that name: what register renaming means. Where the texts leave a choice:
 *  - a station freed by a write can be issued to in the next cycle;
 *  - a unit runs one instruction from its start to its completion (no pipeline), then its station holds the result;
 *  - of several that could take a unit or a bus, the oldest does. */

export interface Instruction {
  readonly op: string;
  /** The register that it writes … */
  readonly writes: string;
  /** … and those that it reads. */
  readonly reads: readonly string[];
}
export interface Hardware {
  /** Which class of unit runs an operation, and in how many cycles: 1 …. */
  readonly ops: Readonly<Record<string, { readonly class: string; readonly latency: number }>>;
  readonly classes: Readonly<Record<string, { readonly stations: number; readonly units: number }>>;
  /** Common data buses: how many results may be written in one cycle. */
  readonly buses: number;
}
export interface Case {
  readonly program: readonly Instruction[];
  readonly hardware: Hardware;
}
/** Cycles, from 1; `Infinity` for what never happens. */
export interface Timing {
  issue: number;
  start: number;
  complete: number;
  write: number;
}
export type Registers = Record<string, number>;

/** The times of an instruction to which nothing has happened. */
export const never = (): Timing => ({
  issue: Infinity,
  start: Infinity,
  complete: Infinity,
  write: Infinity,
});

/** What a register holds before the program. */
export const initialValue = (register: string): number =>
  [...register].reduce((hash, letter) => mix(hash, letter.charCodeAt(0)), 17);

/** What an instruction computes. Each has its own function, so that any wrong operand shows in the result. */
export const resultOf = (index: number, operands: readonly number[]): number =>
  operands.reduce(mix, index + 1);

const mix = (hash: number, value: number): number =>
  (Math.imul(hash ^ value, 0x9e37_79b1) ^ (hash >>> 15)) | 0;

/** The program, one instruction after the other. */
export function sequential(program: readonly Instruction[]): Registers {
  const registers: Registers = {};
  const read = (name: string) => registers[name] ?? initialValue(name);
  program.forEach(({ writes, reads }, i) => (registers[writes] = resultOf(i, reads.map(read))));
  return registers;
}

/** The program under Tomasulo's algorithm.
 *  @param lost the instruction whose broadcast reaches no waiting station; the register file still gets it. */
export function tomasulo({ program, hardware }: Case, lost = -1): { times: Timing[]; registers: Registers } {
  const times = program.map(never);
  const producers = program.map(({ reads }, i) =>
    reads.map((name) => program.findLastIndex(({ writes }, k) => k < i && writes === name)),
  );
  const classOf = (i: number) => hardware.ops[program[i]!.op]!.class;
  const count = (kind: string, is: (time: Timing) => boolean) =>
    times.filter((time, i) => classOf(i) === kind && is(time)).length;

  for (let cycle = 1; ; cycle++) {
    const before = JSON.stringify(times);

    let written = 0;
    for (const time of times)
      if (time.complete < cycle && time.write === Infinity && written++ < hardware.buses) time.write = cycle;

    const next = times.findIndex(({ issue }) => issue === Infinity);
    if (next >= 0) {
      const busy = count(classOf(next), ({ issue, write }) => issue < cycle && write >= cycle);
      if (busy < hardware.classes[classOf(next)]!.stations) times[next]!.issue = cycle;
    }

    times.forEach((time, i) => {
      const has = (producer: number): boolean => {
        if (producer < 0) return true; // the register held it when the instruction issued
        const { write } = times[producer]!;
        return write < cycle && (producer !== lost || write < time.issue);
      };
      if (time.issue >= cycle || time.start !== Infinity || !producers[i]!.every(has)) return;
      const running = count(classOf(i), ({ start, complete }) => start <= cycle && complete >= cycle);
      if (running >= hardware.classes[classOf(i)]!.units) return;
      time.start = cycle;
      time.complete = cycle + hardware.ops[program[i]!.op]!.latency - 1;
    });

    const runs = times.some(({ complete, write }) => complete !== Infinity && write === Infinity);
    // With no broadcast on its way, what waits now waits indefinitely.
    if (!runs && before === JSON.stringify(times)) break;
  }

  const values: number[] = [];
  const registers: Registers = {};
  program.forEach(({ reads, writes }, i) => {
    const operands = reads.map((name, k) => values[producers[i]![k]!] ?? initialValue(name));
    values.push(resultOf(i, operands));
    if (times[i]!.write !== Infinity) registers[writes] = values[i]!;
  });
  return { times, registers };
}
