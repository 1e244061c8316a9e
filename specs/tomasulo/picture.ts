/** Two runs of a program as a sequence: what the machines did, from the program through stations and units to the bus,
 *  and where Tomasulo's algorithm does otherwise. */
import type { Message } from '../harness/claim.ts';
import type { Case, Instruction, Timing } from './model.ts';

const STEPS = ['issue', 'start', 'complete', 'write'] as const satisfies readonly (keyof Timing)[];
type Stage = (typeof STEPS)[number];

/** `MULTD F0 ← F2 F4`. */
export const lineText = ({ op, writes, reads }: Instruction): string => [op, writes, '←', ...reads].join(' ');
/** A program as text: its lines with semicolons. */
export const programText = ({ program }: Case): string => program.map(lineText).join('; ');

/** `2 (MULTD F0 ← F2 F4)`. */
export const numbered = ({ program }: Case, i: number): string => `${i} (${lineText(program[i]!)})`;

/** `1 unit`, `2 buses`, `ample stations`. */
export const amountOf = (count: number, what: string): string =>
  `${count === Infinity ? 'ample' : count} ${what}${count === 1 ? '' : what === 'bus' ? 'es' : 's'}`;

/** What runs what, how long and how many at once. */
export const hardwareText = ({ hardware: { ops, classes, buses } }: Case): string =>
  [
    ...Object.entries(classes).map(
      ([name, { stations, units }]) =>
        `${name}: ${amountOf(stations, 'station')}, ${amountOf(units, 'unit')}`,
    ),
    ...Object.entries(ops).map(
      ([name, op]) => `${name} takes ${amountOf(op.latency, 'cycle')} of ${op.class}`,
    ),
    amountOf(buses, 'bus'),
  ].join('; ');

/** The run as messages in the order of their cycles; at the end, in one line an instruction, the cycles of both.
 *  @param wanted what the algorithm does; default: nothing to compare with. */
export function picture(given: Case, found: readonly Timing[], wanted: readonly Timing[] = found): Message[] {
  const messages = given.program.flatMap((_, i) =>
    STEPS.map((step) => {
      const [here, there] = [found[i]![step], wanted[i]![step]];
      return { at: Math.min(here, there), message: arrow(given, i, step, here, there) };
    }).filter(({ at }) => at !== Infinity),
  );
  return [
    { from: 'hardware', text: hardwareText(given) },
    ...messages.toSorted((a, b) => a.at - b.at).map(({ message }) => message),
    ...given.program.map((_, i) => ({ from: 'cycles', text: rowText(given, i, found[i]!, wanted[i]!) })),
  ];
}

function arrow(given: Case, i: number, step: Stage, here: number, there: number): Message {
  const kind = given.hardware.ops[given.program[i]!.op]!.class;
  const way = {
    issue: ['program', `station of ${kind}`, 'issues'],
    start: [`station of ${kind}`, `unit of ${kind}`, 'starts'],
    complete: [`unit of ${kind}`, `station of ${kind}`, 'completes'],
    write: [`station of ${kind}`, 'common data bus', 'writes'],
  } as const;
  const [from, to, does] = way[step];
  const instead = here === there ? '' : `; Tomasulo: ${cycle(there)}`;
  const when = here === Infinity ? 'never' : `${cycle(here)}:`;
  return { from, to, text: `${when} ${does} ${numbered(given, i)}${instead}` };
}

function rowText(given: Case, i: number, found: Timing, wanted: Timing): string {
  const cells = STEPS.map((step) => {
    const [here, there] = [found[step], wanted[step]].map((at) => (at === Infinity ? 'never' : `${at}`));
    return `${step} ${here}${here === there ? '' : ` ≠ ${there}`}`;
  });
  return `${numbered(given, i)}: ${cells.join(', ')}`;
}

export const cycle = (at: number): string => (at === Infinity ? 'never' : `in cycle ${at}`);
