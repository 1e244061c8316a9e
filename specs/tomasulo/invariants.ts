/** What is promised of every run of every program: no more units and buses are used than there are, and no operand is
 *  used early. */
import { runMachines, type MachineResult } from './machine.ts';
import type { Case } from './model.ts';
import { cycle, numbered, picture } from './picture.ts';
import type { Objection } from './search.ts';

/** No more run or write at once than there are units and buses, and nothing starts before its operands are written.
 *  @param ran a run of the program; default: the machines'. */
export function brokenInvariant(given: Case, ran: MachineResult = runMachines(given)): Objection | undefined {
  const what = broken(given, ran);
  return what === undefined ? undefined : { what, transcript: picture(given, ran.times) };
}

function broken({ program, hardware }: Case, { times, impossible }: MachineResult): string | undefined {
  if (impossible.length > 0) return `${impossible[0]} came where the machine calls it impossible`;
  const kindOf = (i: number) => hardware.ops[program[i]!.op]!.class;
  for (const [i, { start, write }] of times.entries()) {
    if (start === Infinity) continue; // an instruction that never starts breaks nothing
    const kind = kindOf(i);
    const running = times.filter(
      (time, k) => kindOf(k) === kind && time.start <= start && start <= time.complete,
    );
    if (running.length > hardware.classes[kind]!.units) return `too many run in ${kind} in cycle ${start}`;
    if (write !== Infinity && times.filter((time) => time.write === write).length > hardware.buses)
      return `too many write in cycle ${write}`;
    for (const name of program[i]!.reads) {
      const producer = program.findLastIndex(({ writes }, k) => k < i && writes === name);
      if (producer >= 0 && times[producer]!.write >= start)
        return `${numbered({ program, hardware }, i)} starts in cycle ${start}; its ${name} is written ${cycle(times[producer]!.write)}`;
    }
  }
  return undefined;
}

/** The same hardware with one more of something; what it runs may break the promises of the smaller one. */
export const oneMore = (given: Case, what: 'unit' | 'bus'): Case => {
  const { ops, classes, buses } = given.hardware;
  if (what === 'bus') return { ...given, hardware: { ops, classes, buses: buses + 1 } };
  const more = Object.entries(classes).map(([name, kind]) => [name, { ...kind, units: kind.units + 1 }]);
  return { ...given, hardware: { ops, classes: Object.fromEntries(more), buses } };
};
