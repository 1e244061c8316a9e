/** Judges the claims about runs, not only about worlds: whether requests end, how failures end, and whether a mistake
 *  that is made on purpose is found. */
import type { Bounds, Counterexample, Finding } from '../harness/claim.ts';
import { turns } from '../harness/turn.ts';
import type { Occurrence } from './failures.ts';
import { everyRequestEnds, type Request, type Starved } from './liveness.ts';
import { bothPolicies, inWords, summary } from './scopes.ts';
import { searchWorlds, type SearchSetting, type SearchedSpace } from './search.ts';
import type { Seed } from './seeds.ts';

/** Where requests are followed. Agents keep their places then, so these spaces are larger than the sorted ones. */
function followed({ agents, lines }: Bounds, reclaims: boolean): SearchSetting[] {
  const some = (...events: string[]) => ({ events: reclaims ? [...events, 'RECLAIM'] : events });
  const kept = { alike: 'none', keep: true } as const;
  const all = some('LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT', 'CAS');
  const settings: Omit<SearchSetting, 'readers'>[] = [{ ...kept, agents: 2, bus: 'queued', ...all }];
  if (agents >= 3) {
    settings.push({ ...kept, agents: 3, bus: 'atomic', ...all });
    settings.push({ ...kept, agents: 3, bus: 'queued', ...some('LOAD', 'STORE') });
  }
  if (agents >= 4) settings.push({ ...kept, agents: 4, bus: 'atomic', ...some('LOAD', 'STORE', 'EVICT') });
  if (agents >= 5) settings.push({ ...kept, agents: 5, bus: 'atomic', ...some('LOAD', 'STORE') });
  if (lines >= 2)
    settings.push({ ...kept, agents: 2, keys: 2, bus: 'atomic', ...some('LOAD', 'STORE', 'BOTH') });
  return settings.flatMap(bothPolicies);
}

/** Whether requests of these kinds end in every fair run. */
export async function requestsEnd(
  bounds: Bounds,
  requests: readonly Request[],
  reclaims: boolean,
): Promise<Finding> {
  const turn = turns(bounds.signal);
  const seen: { setting: SearchSetting; count: string }[] = [];
  let [states, transitions] = [0, 0];
  const fails = (bound: string, counterexample: Counterexample): Finding => ({
    ...{ verdict: 'fails', bound, states, transitions, counterexample },
  });
  for (const setting of followed(bounds, reclaims)) {
    await turn();
    const space = searchWorlds(setting);
    if (space.violation !== undefined) return fails(inWords(setting), space.violation);
    for (const request of requests) {
      const found = everyRequestEnds(space, setting, request);
      states += found.states;
      transitions += found.transitions;
      if (found.starved !== undefined)
        return fails(inWords(setting), starving(space, request, found.starved));
    }
    seen.push({ setting, count: `${space.states}` });
  }
  return { verdict: 'holds', bound: summary(seen, 'states'), states, transitions };
}

function starving(space: SearchedSpace, request: Request, { way, round }: Starved): Counterexample {
  const { transcript } = space.tell([...way, ...round]);
  const stuck = round.length === 0;
  const why = stuck ? 'nothing is left that would end it' : 'all is done that is due, again and again';
  const whose = request === 'answer' ? 'the request of a0' : `the ${request} of a0`;
  const end = { from: 'a0', text: stuck ? 'waits indefinitely' : 'still waits, and so on indefinitely' };
  return { what: `${whose} never ends: ${why}.`, transcript: [...transcript, end] };
}

/** Looks for something in the spaces of some settings; it has to occur, and to go well. */
export async function mustOccur(
  settings: readonly SearchSetting[],
  look: (setting: SearchSetting) => Occurrence & { readonly space: SearchedSpace },
  { signal }: Bounds,
): Promise<Finding> {
  const turn = turns(signal);
  const seen: { setting: SearchSetting; count: string }[] = [];
  let [states, transitions] = [0, 0];
  for (const setting of settings) {
    await turn();
    const { occurred, wrong, at, space } = look(setting);
    states += space.states;
    transitions += space.edges;
    seen.push({ setting, count: `${occurred}` });
    const what = space.violation?.what ?? wrong ?? (occurred === 0 ? 'it never occurred' : undefined);
    if (what === undefined) continue;
    const told = at === undefined ? [] : space.tell(space.wayTo(at)).transcript;
    const counterexample = space.violation ?? { what: `${what}.`, transcript: told };
    return { verdict: 'fails', bound: inWords(setting), states, transitions, counterexample };
  }
  return { verdict: 'holds', bound: summary(seen, 'occurrences'), states, transitions };
}

/** Seeds a mistake, and looks for what comes of it. The counter-example is what was looked for. */
export function seeded({ setting, breaks }: Seed): Finding {
  const space = searchWorlds(setting);
  const { states, edges: transitions, violation } = space;
  const found = { bound: inWords(setting), states, transitions };
  const missed = (what: string): Finding => ({
    ...found,
    ...{ verdict: 'fails', counterexample: { what, transcript: [] } },
  });
  if ('rule' in breaks) {
    if (violation?.rule === breaks.rule)
      return { ...found, verdict: 'holds', counterexample: told(violation) };
    return missed(`no breach of '${breaks.rule}' is found, but ${violation?.what ?? 'nothing'}.`);
  }
  if (violation !== undefined) return missed(`what is found is only that ${violation.what}.`);
  const { starved } = everyRequestEnds(space, setting, breaks.request);
  if (starved === undefined) return missed(`every ${breaks.request} ends all the same.`);
  return { ...found, verdict: 'holds', counterexample: starving(space, breaks.request, starved) };
}
const told = ({ what, transcript }: Counterexample): Counterexample => ({ what: `${what}.`, transcript });
