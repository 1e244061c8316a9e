/** Whether our lines do on an atomic bus what the textbook's do: both side by side, from the beginning, through every
 *  order of reads, writes and evictions. A book's operation may be several steps of ours; where it ends, each copy has to
 *  be where the book has it. Memory is written through, so that what the book calls modified is exclusive here. */
import type { AnyStateMachine } from 'xstate';
import type { Message } from '../harness/claim.ts';
import { Bench } from './bench.ts';
import { bookStep, OPERATIONS, type CacheState, type Operation } from './textbook.ts';
import { agentName, type WorldStep } from './world.ts';

export interface BookComparison {
  /** Pairs of the book's caches and our world. */
  readonly states: number;
  readonly transitions: number;
  readonly difference?: { readonly what: string; readonly transcript: readonly Message[] };
}

/** The book's states, by the line's at rest. */
const AS: Readonly<Record<string, readonly CacheState[]>> = { I: ['I'], S: ['S'], E: ['E', 'M'] };

/** @param machine the line; default the real one. */
export function simulatesBook(agents: number, machine?: AnyStateMachine): BookComparison {
  const setting = { agents, readers: 'wait', bus: 'atomic', alike: 'none' } as const;
  const bench = new Bench({ ...setting, ...(machine && { machine }) });
  const first = { caches: Array.from({ length: agents }, () => 'I' as CacheState), world: bench.save() };
  const seen = new Set([first.caches.join('') + first.world]);
  const pairs: { caches: readonly CacheState[]; world: string; way: readonly Message[] }[] = [
    { ...first, way: [] },
  ];
  let transitions = 0;
  for (const { caches, world, way } of pairs) {
    for (let by = 0; by < agents; by++) {
      for (const operation of OPERATIONS) {
        transitions++;
        bench.load(world);
        const wrong = operate(bench, by, operation);
        const next = bookStep(caches, by, operation);
        const then = [...way, { from: agentName(by), to: 'bus', text: `${operation}s x` }];
        const lines = next.map((_, i) => bench.stateOf(i, 0));
        const differs = next.some((state, i) => !(AS[lines[i] as string] ?? []).includes(state));
        if (wrong !== undefined || differs) {
          const what = wrong ?? `the book has ${next.join(' ')}, and the lines are ${lines.join(' ')}`;
          return { states: pairs.length, transitions, difference: { what, transcript: then } };
        }
        const after = bench.save();
        const key = next.join('') + after;
        if (seen.has(key)) continue;
        seen.add(key);
        pairs.push({ caches: next, world: after, way: then });
      }
    }
  }
  return { states: pairs.length, transitions };
}

/** What an agent does for one operation of the book: it reads a key of which it has no copy, and retries a write until
 *  it is done.
 *  @returns what went wrong. */
function operate(bench: Bench, by: number, operation: Operation): string | undefined {
  const event: WorldStep['event'] = ({ read: 'LOAD', write: 'STORE', evict: 'EVICT' } as const)[operation];
  if (operation !== 'write' && (bench.stateOf(by, 0) === 'I') !== (operation === 'read')) return undefined;
  for (let tries = 0; tries < 3; tries++) {
    bench.take({ by, event, key: 0 });
    if (bench.problem !== undefined) return bench.problem.what;
    // On an atomic bus a grant comes at once, and then the write itself.
    if (operation !== 'write' || bench.stateOf(by, 0) !== 'M') return undefined;
    bench.load(bench.save());
  }
  return `${agentName(by)} owns x, and never writes`;
}
