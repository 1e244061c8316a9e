/** How far to look for so many agents and keys, and what was found there: explored once for all claims of a run. */
import type { Bounds, Finding } from '../harness/claim.ts';
import { turns } from '../harness/turn.ts';
import type { MemoryRule } from './rules.ts';
import { WorldSearch, type SearchSetting, type SpaceViolation } from './search.ts';

export const bothPolicies = (setting: Omit<SearchSetting, 'readers'>): SearchSetting[] =>
  (['wait', 'committed'] as const).map((readers) => ({ ...setting, readers }));

/** One key. On a queued bus anything may happen between a request and its order, so that there are many more worlds
 *  than on an atomic one. */
export function oneKey({ agents }: Bounds): SearchSetting[] {
  const race = ['LOAD', 'STORE', 'CAS', 'RECLAIM'];
  const settings: Omit<SearchSetting, 'readers'>[] = [{ agents: 2, bus: 'queued', client: 'any' }];
  if (agents >= 3) settings.push({ agents: 3, bus: 'queued' });
  for (let more = 4; more <= agents; more++)
    settings.push({ agents: more, bus: 'atomic' }, { agents: more, bus: 'queued', events: race });
  return settings.flatMap(bothPolicies);
}

/** Two keys, at every bound: a read set needs two. */
export function twoKeys({ agents, lines }: Bounds): SearchSetting[] {
  const sessions = ['LOAD', 'STORE', 'BOTH', 'OFF'];
  const settings = bothPolicies({ agents: 2, keys: 2, bus: 'queued', events: sessions });
  const three = { agents: 3, keys: 2, bus: 'atomic', readers: 'wait' } as const;
  if (agents >= 3) settings.push({ ...three, events: ['LOAD', 'STORE', 'OFF'] });
  if (lines >= 2) settings.push(...bothPolicies({ agents: 2, keys: 2, bus: 'atomic' }));
  if (lines >= 2 && agents >= 3) settings.push({ ...three, events: sessions });
  return settings;
}
/** One key, and a bus that may fail after it took a word: the sender sends it again. */
export function repeated({ agents }: Bounds): SearchSetting[] {
  const some = { bus: 'queued', repeats: true, events: ['LOAD', 'STORE', 'RECLAIM'] } as const;
  return [2, 3]
    .filter((count) => count <= agents)
    .flatMap((count) => bothPolicies({ agents: count, ...some }));
}
/** Every space that a claim may use. */
export const allKeys = (bounds: Bounds): SearchSetting[] => [
  ...oneKey(bounds),
  ...(bounds.lines < 2 ? [] : twoKeys(bounds)),
];

export const inWords = (setting: SearchSetting): string => `${scope(setting)}, readers ${setting.readers}`;
const scope = ({ agents, keys = 1, bus, events, repeats }: SearchSetting): string => {
  const only = events === undefined ? '' : ` (${events.join(', ')})`;
  return `${agents} agents × ${keys} ${keys === 1 ? 'key' : 'keys'}, ${bus} bus${repeats ? ' that repeats' : ''}${only}`;
};
/** What was counted, by scope: first for readers that wait, then for those that go on with what is committed. */
export function summary(seen: readonly { setting: SearchSetting; count: string }[], what: string): string {
  const counts = new Map<string, string[]>();
  for (const { setting, count } of seen) {
    const name = scope(setting);
    counts.set(name, [...(counts.get(name) ?? []), count]);
  }
  const parts = [...counts].map(([name, [waiting, committed]]) => {
    const both = committed === undefined ? `${waiting} ${what}` : `${waiting} ${what}, or ${committed}`;
    return `${name}: ${both}`;
  });
  return parts.join('; ');
}

interface Seen {
  readonly states: number;
  readonly transitions: number;
  readonly cells: ReadonlySet<string>;
  readonly violation?: SpaceViolation;
}
export interface ExploredSettings extends Seen {
  readonly bound: string;
}

/** What was explored in this run already. */
const known = new WeakMap<Bounds, Map<string, Seen>>();

/** Explores settings one after the other, up to the first violation. Yields to the event loop meanwhile. */
export async function explored(
  bounds: Bounds,
  settings: readonly SearchSetting[],
): Promise<ExploredSettings> {
  const { signal, progress } = bounds;
  const before = known.get(bounds) ?? new Map<string, Seen>();
  known.set(bounds, before);
  const turn = turns(signal);
  const cells = new Set<string>();
  const seen: { setting: SearchSetting; count: string }[] = [];
  let [states, transitions] = [0, 0];
  for (const [i, setting] of settings.entries()) {
    const name = JSON.stringify(setting);
    let found = before.get(name);
    if (found === undefined) {
      const running = new WorldSearch(setting);
      while (running.go(500)) {
        await turn();
        progress?.(i / settings.length);
      }
      const { states, edges, cells, violation } = running.space;
      found = { states, transitions: edges, cells, ...(violation && { violation }) };
      before.set(name, found);
    }
    states += found.states;
    transitions += found.transitions;
    seen.push({ setting, count: `${found.states}` });
    for (const cell of found.cells) cells.add(cell);
    const { violation } = found;
    if (violation !== undefined) return { bound: inWords(setting), states, transitions, cells, violation };
  }
  return { bound: summary(seen, 'states'), states, transitions, cells };
}

/** @param rules which a violation has to break to be this claim's own. */
export function findingOf(
  { bound, states, transitions, violation }: ExploredSettings,
  rules: readonly MemoryRule[],
): Finding {
  if (violation === undefined) return { verdict: 'holds', bound, states, transitions };
  const { rule, what, transcript } = violation;
  const other = rules.includes(rule) ? '' : 'not looked at to the end, since another rule is broken: ';
  const counterexample = { what: `${other}${what}.`, transcript };
  return { verdict: 'fails', bound, states, transitions, counterexample };
}
