/** What Table 3 claims of MESI and shared state, judged by exploring every state of a few lines of one key. */
import type { ReaderPolicy } from '../../machines/index.ts';
import type { Faults } from '../../actors/index.ts';
import type { Bounds, Claim, Finding, Message } from '../claim.ts';
import { cells } from '../cells.ts';
import { cacheLine } from '../../machines/index.ts';
import { agentName, explore, MesiViolation, type Graph, type Scope, type Step } from './explore.ts';

/** What is explored for so many agents; the queued bus has many more states than the atomic one. */
function scopesOf(
  agents: number,
): readonly (readonly [agents: number, readers: ReaderPolicy, scope: Scope])[] {
  const both = (count: number, scope: Scope) =>
    (['wait', 'committed'] as const).map((readers) => [count, readers, scope] as const);
  return [
    ...both(2, { bus: 'queued' }),
    ...(agents >= 3 ? both(3, { bus: 'atomic' }) : []),
    ...(agents >= 4 ? [[4, 'wait', { bus: 'atomic' }] as const] : []),
  ];
}

interface Explored {
  readonly finding: Finding;
  readonly graphs: readonly Graph[];
}
function explored({ agents, signal, progress }: Bounds, faults: Faults = {}): Explored {
  const scopes = scopesOf(agents);
  const graphs: Graph[] = [];
  const said = scopes.map(
    ([count, readers, { bus }]) => `${count} agents × 1 key, ${bus} bus, readers ${readers}`,
  );
  for (const [i, [count, readers, scope]] of scopes.entries()) {
    signal?.throwIfAborted();
    progress?.(i / scopes.length);
    try {
      graphs.push(explore(count, readers, { ...scope, faults }));
    } catch (error) {
      if (!(error instanceof MesiViolation)) throw error;
      const counterexample = { what: error.message, transcript: error.steps.map(messageOf) };
      return { graphs, finding: { verdict: 'fails', bound: said[i]!, counterexample } };
    }
  }
  const sum = (of: (graph: Graph) => number) => graphs.reduce((total, graph) => total + of(graph), 0);
  const [states, transitions] = [sum((graph) => graph.states), sum((graph) => graph.edges)];
  return { graphs, finding: { verdict: 'holds', bound: said.join('; '), states, transitions } };
}

function messageOf({ by, event }: Step): Message {
  const from = agentName(by);
  if (event === 'APPEND') return { from, to: 'memory', text: 'its oldest word is ordered' };
  if (event === 'RECLAIM') return { from: 'manager', to: 'memory', text: 'reclaims the line' };
  return { from, text: event };
}

/** Cells that only a client's mistake, or an entry that is not explored here, reaches; see the test of the graph. */
const UNEXPLORED = new Set(['E SNOOP_PUT', 'M ACCEPTED', 'IS RECLAIMED', 'IM RECLAIMED']);
const CLIENT = new Set(['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT']);

export const mesiClaims: readonly Claim[] = [
  {
    mapping: 'mesi',
    criterion: 'operational semantics',
    property: 'Every step of the protocol’s table occurs, and none that the bus cannot cause.',
    source: 'Papamarcos & Patel 1984, figure 2; Hennessy & Patterson, ch. 5; paper 4.4',
    // The line has more states than the textbook’s (IS, IM, SM, MP and a hold), so its steps are not the book’s one by
    // one: what the book’s line does, it does; the other direction does not hold.
    expected: 'simulation',
    instrument: 'explore',
    check: (bounds) => {
      const { finding, graphs } = explored(bounds);
      if (finding.verdict === 'fails') return finding;
      const visited = new Set(graphs.flatMap((graph) => [...graph.cells]));
      const missing = cells(cacheLine as never)
        .filter(({ kind }) => kind === 'live')
        .map(({ state, event }) => `${state} ${event}`)
        .filter((cell) => !visited.has(cell) && !UNEXPLORED.has(cell) && !CLIENT.has(cell.split(' ')[1]!));
      if (missing.length === 0 || bounds.agents < 3) return { ...finding, verdict: 'simulation' };
      const what = `never visited: ${missing.join(', ')}.`;
      return { ...finding, verdict: 'fails', counterexample: { what, transcript: [] } };
    },
  },
  {
    mapping: 'mesi',
    criterion: 'invariant guarantees',
    property: 'One writer or any number of readers, and no reader has a stale copy.',
    source: 'Sorin, Hill & Wood, A Primer on Memory Consistency, 2.3 (SWMR, data value); paper 4.4',
    expected: 'holds',
    instrument: 'explore',
    check: (bounds) => explored(bounds).finding,
  },
  ...(
    [
      ['ownership without a hold', { noHold: true }, 'two writers steal a line from each other'],
      [
        'a write without its epoch and version',
        { ignoreEpoch: true, ignoreVersion: true },
        'a late writer buries a newer one',
      ],
    ] as const
  ).map(([fault, faults, mode]): Claim => ({
    mapping: 'mesi',
    criterion: 'failure modes',
    property: `With ${fault}, ${mode}: the rule is what prevents it, and its absence is seen.`,
    source: 'docs/decisions/0010, 0011; paper 4.4 (write conflict, invalidation)',
    expected: 'holds',
    instrument: 'explore',
    check: (bounds) => {
      const { finding } = explored({ ...bounds, agents: 2 }, faults);
      if (finding.verdict === 'fails')
        return { verdict: 'holds', bound: `${finding.bound}: ${finding.counterexample!.what}` };
      return {
        ...finding,
        verdict: 'fails',
        counterexample: { what: `${fault} goes unnoticed.`, transcript: [] },
      };
    },
  })),
];
