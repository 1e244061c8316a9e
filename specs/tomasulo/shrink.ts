/** The smallest program, on the smallest hardware, that still shows what was found. */
import type { Case, Hardware } from './model.ts';

/** Takes steps towards less as long as what is left still fails.
 *  @param further what else could be smaller, apart from the program and the hardware.
 *  @returns a case of which no single part can be left out or made smaller. */
export async function shrinkCase<C extends Case>(
  given: C,
  fails: (smaller: C) => unknown,
  further: (given: C) => Iterable<C> = () => [],
): Promise<C> {
  let smallest = given;
  for (let found: C | undefined = given; found !== undefined;) {
    smallest = found;
    found = undefined;
    for (const smaller of [...smallerThan(smallest), ...further(smallest)])
      if (await fails(smaller)) {
        found = smaller;
        break;
      }
  }
  return smallest;
}

/** Every case that is smaller in one thing: without an instruction, without an operand, with one operation less, of a shorter latency, with fewer
 *  units, stations or buses, without a class that nothing uses. */
export function* smallerThan<C extends Case>(given: C): Generator<C> {
  const { program, hardware } = given;
  const count = program.length;
  for (let size = count; size >= 1; size = Math.floor(size / 2))
    for (let from = 0; from < count; from += size)
      yield { ...given, program: program.filter((_, i) => i < from || i >= from + size) };
  for (const [i, { reads }] of program.entries())
    for (let k = 0; k < reads.length; k++)
      yield {
        ...given,
        program: program.map((line, j) =>
          i === j ? { ...line, reads: reads.filter((_, other) => other !== k) } : line,
        ),
      };
  for (const [i, { op }] of program.entries())
    if (op !== program[0]!.op)
      yield {
        ...given,
        program: program.map((line, j) => (i === j ? { ...line, op: program[0]!.op } : line)),
      };
  for (const smaller of lessHardware(hardware, new Set(program.map(({ op }) => op))))
    yield { ...given, hardware: smaller };
}

function* lessHardware(hardware: Hardware, used: ReadonlySet<string>): Generator<Hardware> {
  const { ops, classes, buses } = hardware;
  const kinds = new Set(Object.values(ops).map((op) => op.class));
  for (const name of Object.keys(ops)) if (!used.has(name)) yield { ...hardware, ops: without(ops, name) };
  for (const name of Object.keys(classes))
    if (!kinds.has(name)) yield { ...hardware, classes: without(classes, name) };
  for (const [name, op] of Object.entries(ops))
    for (const latency of less(op.latency))
      yield { ...hardware, ops: { ...ops, [name]: { ...op, latency } } };
  for (const [name, kind] of Object.entries(classes)) {
    for (const units of less(kind.units))
      yield { ...hardware, classes: { ...classes, [name]: { ...kind, units } } };
    for (const stations of less(kind.stations))
      yield { ...hardware, classes: { ...classes, [name]: { ...kind, stations } } };
  }
  for (const fewer of less(buses)) yield { ...hardware, buses: fewer };
}

/** From 1 up to one less: the largest reduction first. */
const less = (value: number): number[] =>
  [...new Set([1, Math.floor(value / 2), value - 1])].filter((other) => other >= 1 && other < value);

const without = <T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
