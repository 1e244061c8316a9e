/** The book's example: six instructions, two loads first.
 *  Source: Hennessy & Patterson, Computer Architecture, ch. 3, with latencies 2 (load, add), 10 and 40. */
import type { Case, Instruction } from './model.ts';

const line = (op: string, writes: string, ...reads: string[]): Instruction => ({ op, writes, reads });

export const TEXTBOOK: Case = {
  program: [
    line('LD', 'F6'),
    line('LD', 'F2'),
    line('MULTD', 'F0', 'F2', 'F4'),
    line('SUBD', 'F8', 'F6', 'F2'),
    line('DIVD', 'F10', 'F0', 'F6'),
    line('ADDD', 'F6', 'F8', 'F2'),
  ],
  hardware: {
    ops: {
      LD: { class: 'load', latency: 2 },
      ADDD: { class: 'add', latency: 2 },
      SUBD: { class: 'add', latency: 2 },
      MULTD: { class: 'mult', latency: 10 },
      DIVD: { class: 'mult', latency: 40 },
    },
    classes: {
      load: { stations: 2, units: 2 },
      add: { stations: 3, units: 1 },
      mult: { stations: 2, units: 1 },
    },
    buses: 1,
  },
};
