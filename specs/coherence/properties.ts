/** What Table 3 claims of MESI and shared state, judged by exploring every world of a few agents and one or two keys. */
import { tableCells } from '../harness/cells.ts';
import { CHECKER, type Bounds, type Claim } from '../harness/claim.ts';
import { turns } from '../harness/turn.ts';
import { cacheLine } from '../../machines/index.ts';
import { realBesideModel } from './differs.ts';
import { arbitration, recovery, storm } from './failures.ts';
import { mustOccur, requestsEnd, seeded } from './judged.ts';
import { exploreLag } from './lag.ts';
import type { MemoryRule } from './rules.ts';
import { allKeys, bothPolicies, explored, findingOf, oneKey, repeated, twoKeys } from './scopes.ts';
import type { SearchSetting } from './search.ts';
import { SEEDS } from './seeds.ts';
import { simulatesBook } from './simulates.ts';

const invariant = (
  property: string,
  source: string,
  rules: readonly MemoryRule[],
  settings: (bounds: Bounds) => SearchSetting[] = allKeys,
): Claim => ({
  mapping: 'mesi',
  criterion: 'invariant guarantees',
  property,
  source,
  expected: 'holds',
  instrument: 'explore',
  check: async (bounds) => findingOf(await explored(bounds, settings(bounds)), rules),
});

// ── failure modes
const failure = (property: string, source: string, check: Claim['check']): Claim => ({
  mapping: 'mesi',
  criterion: 'failure modes',
  property,
  source,
  expected: 'holds',
  instrument: 'explore',
  check,
});
/** At two bounds, the smaller ones: these spaces are kept whole. */
const queued = ({ agents }: Bounds, ...events: string[]): SearchSetting[] =>
  [2, 3]
    .filter((some) => some <= agents)
    .flatMap((some) => bothPolicies({ agents: some, bus: 'queued', events }));
const crashing = (bounds: Bounds): SearchSetting[] => [
  ...bothPolicies({ agents: 2, bus: 'queued' }),
  ...queued(bounds, 'LOAD', 'STORE', 'EVICT', 'RECLAIM').filter(({ agents }) => agents > 2),
];

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
    check: async (bounds) => {
      const found = await explored(bounds, oneKey(bounds));
      const finding = findingOf(found, ['table', 'silence']);
      if (finding.verdict === 'fails') return finding;
      const missing = tableCells(cacheLine as never)
        .filter(({ kind }) => kind !== 'impossible')
        .map(({ state, event }) => `${state} ${event}`)
        .filter((cell) => !found.cells.has(cell));
      if (missing.length === 0) return { ...finding, verdict: 'simulation' };
      const what = `never visited: ${missing.join(', ')}.`;
      return { ...finding, verdict: 'fails', counterexample: { what, transcript: [] } };
    },
  },
  {
    mapping: 'mesi',
    criterion: 'operational semantics',
    property:
      'After every read, write and eviction on an atomic bus, each copy is where the textbook has it.',
    source: 'Papamarcos & Patel 1984, figure 2; Hennessy & Patterson, 5.2',
    // What the book calls modified is exclusive here, since memory is written through; and ours has more steps.
    expected: 'simulation',
    instrument: 'lockstep',
    check: ({ agents }) => {
      const counts = Array.from({ length: agents - 1 }, (_, i) => i + 2);
      let [states, transitions] = [0, 0];
      for (const count of counts) {
        const found = simulatesBook(count);
        states += found.states;
        transitions += found.transitions;
        const bound = `${count} agents × 1 key, atomic bus, beside the textbook’s caches`;
        if (found.difference !== undefined)
          return { verdict: 'fails', bound, states, transitions, counterexample: found.difference };
      }
      const bound = `${counts.join(', ')} agents × 1 key, atomic bus, beside the textbook’s caches`;
      return { verdict: 'simulation', bound, states, transitions };
    },
  },
  {
    mapping: 'mesi',
    criterion: 'operational semantics',
    property:
      'A line answers every event as a holder of a copy has to, and permits exactly the accesses that such a holder has.',
    source: 'Papamarcos & Patel 1984; Sorin, Hill & Wood, ch. 7 and 8; docs/decisions/0010',
    expected: 'holds',
    instrument: 'lockstep',
    check: () => {
      const { states, steps, difference } = realBesideModel();
      const bound = 'one line and a model of permissions and requests, every event that they may receive';
      const found = { bound, states, transitions: steps };
      if (difference === undefined) return { verdict: 'holds', ...found };
      const transcript = difference.path.map((text) => ({ from: 'surroundings', to: 'line', text }));
      return { verdict: 'fails', ...found, counterexample: { what: `${difference.what}.`, transcript } };
    },
  },
  invariant(
    'One writer or any number of readers, and memory lists every agent that has a copy.',
    'Sorin, Hill & Wood, A Primer on Memory Consistency, 2.3 (single writer, many readers); paper 4.4',
    ['single writer', 'directory'],
  ),
  invariant(
    'A read returns the last write of the prefix that its reader has applied: no reader has a stale copy.',
    'Sorin, Hill & Wood, 2.3 (data value); paper 4.4, 6 (stale reads)',
    ['data value'],
  ),
  invariant(
    'Versions and epochs only grow, and every write replaces the version from which it was computed: none is lost.',
    'docs/decisions/0011; agent-coherence (monotonic version)',
    ['versions', 'lost update'],
  ),
  invariant(
    'Holds are granted first come, first served, end by their owner or a reclaim that names them, and no other agent writes meanwhile.',
    'docs/decisions/0010; Hennessy & Patterson, ch. 5 (bus arbitration)',
    ['order of holds'],
  ),
  invariant(
    'A request invalidates the copies of others and never its sender’s.',
    'paper 5.4, Table 6 (two invalidations for each of nine requests)',
    ['invalidation'],
  ),
  invariant(
    'A publish of several keys is accepted only if nothing that it read has changed: no write skew.',
    'Berenson et al. 1995, A5B; Fekete et al. 2005',
    ['read set', 'lost update', 'order of holds'],
    twoKeys,
  ),
  invariant(
    'A sender’s latest entry that the bus brings twice is applied once: it changes nothing, and nothing above is broken.',
    'Lamport 1978 (replicated state machines); docs/decisions/0012',
    ['table', 'single writer', 'data value', 'versions', 'lost update', 'order of holds', 'directory'],
    repeated,
  ),
  {
    ...invariant('', '', []),
    property: 'However far each replica lags behind the log, its lines obey what it has applied.',
    source: 'Attiya & Welch 1994 (local reads); docs/decisions/0001',
    check: async ({ agents, signal }) => {
      const turn = turns(signal);
      const logs = [[2, 3], [2, 4], ...(agents < 5 ? [] : [[3, 3]])] as [agents: number, entries: number][];
      const said: string[] = [];
      let [states, transitions] = [0, 0];
      for (const readers of ['wait', 'committed'] as const) {
        for (const [count, entries] of logs) {
          await turn();
          const found = exploreLag({ agents: count, readers, entries });
          states += found.states;
          transitions += found.transitions;
          const bound = `${count} agents × 1 key, a replica each, ${entries} entries, readers ${readers}`;
          if (found.violation !== undefined)
            return { verdict: 'fails', bound, states, transitions, counterexample: found.violation };
          said.push(`${bound}: ${found.states} states`);
        }
      }
      return { verdict: 'holds', bound: said.join('; '), states, transitions };
    },
  },
  {
    ...invariant('', '', []),
    property:
      'Every request of a line is answered, in every run in which the bus takes all words and an owner at work, or its lease, ends the hold.',
    source: 'Lamport 1977 (liveness); weak fairness, looked for in the strongly connected parts of the space',
    check: (bounds) => requestsEnd(bounds, ['answer', 'read'], true),
  },
  {
    ...invariant('', '', []),
    property: 'Every write is done, in every such run in which no lease runs out.',
    source: 'as above; a lease that runs out again and again may refuse a write indefinitely',
    check: (bounds) => requestsEnd(bounds, ['write'], false),
  },
  failure(
    'A write conflict is settled by the order of the bus: whom it takes first, owns; the other waits for its turn.',
    'paper 4.4 (write conflict ↔ bus arbitration)',
    (bounds) => mustOccur(queued(bounds, 'LOAD', 'STORE', 'HOLD', 'RELEASE'), arbitration, bounds),
  ),
  failure(
    'A line thrashes as in hardware: two writers may take it from each other indefinitely. (That neither starves is claimed above.)',
    'Hennessy & Patterson, ch. 5 (ping-pong); paper 4.4 (thrashing ↔ invalidation storm)',
    (bounds) => mustOccur(queued(bounds, 'LOAD', 'STORE'), storm, bounds),
  ),
  failure(
    'An owner’s crash leaves, after the reclaim, a world that an eviction leaves, and the agents that live receive answers.',
    'paper 4.4; docs/decisions/0012 (crash ↔ reclaim)',
    (bounds) => mustOccur(crashing(bounds), recovery, bounds),
  ),
  ...SEEDS.map((seed): Claim => ({
    ...failure(`With ${seed.name}, ${seed.follows}: seeded, and found.`, seed.source, () => seeded(seed)),
    criterion: CHECKER,
  })),
];
