/** Search by step, agent, key, tag and actor: the first that contain what was typed, best first. */
import { resultTag } from './score.ts';
import type { Look } from '../look.ts';
import type { Opened } from './opened.ts';

export interface Hit {
  readonly kind: 'step' | 'agent' | 'key' | 'tag' | 'actor';
  readonly name: string;
  /** Further details of it. */
  readonly more: string;
  readonly look: Partial<Look>;
}

const MOST_OF_EACH = 8;

export function find(opened: Opened, typed: string): Hit[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === '') return [];
  const { score, shared, trace, bus } = opened;
  const hits: Hit[] = [];
  const search = <T>(all: Iterable<T>, nameOf: (one: T) => string, hit: (one: T) => Hit) => {
    const found: { place: number; one: T }[] = [];
    for (const one of all) {
      const place = nameOf(one).toLowerCase().indexOf(wanted);
      if (place >= 0) found.push({ place, one });
      if (found.length > 500) break;
    }
    found.sort((a, b) => a.place - b.place);
    for (const { one } of found.slice(0, MOST_OF_EACH)) hits.push(hit(one));
  };
  search(score.steps, ({ id }) => id, (step) => ({
    kind: 'step', name: step.id, more: step.agent, look: { view: 'score', step: `${step.run}/${step.id}` },
  })); // prettier-ignore
  const agents = new Map(score.steps.map((step) => [step.agent, step]));
  search(agents, ([agent]) => agent, ([agent, step]) => ({
    kind: 'agent', name: agent, more: 'its steps', look: { view: 'score', order: 'agent', step: `${step.run}/${step.id}` },
  })); // prettier-ignore
  search(shared.agents, (agent) => agent, (agent) => ({
    kind: 'agent', name: agent, more: 'its lines', look: { view: 'lines', agent },
  })); // prettier-ignore
  search(
    shared.keys,
    (key) => key,
    (key) => ({ kind: 'key', name: key, more: 'shared state', look: { view: 'lines', key } }),
  );
  search(score.steps, resultTag, (step) => ({
    kind: 'tag', name: resultTag(step), more: `written by ${step.id}`, look: { view: 'score', step: `${step.run}/${step.id}` },
  })); // prettier-ignore
  const known = new Set(shared.keys);
  search(bus.subjects, (about) => about, (about) => ({
    kind: known.has(about) ? 'key' : 'tag', name: about, more: 'its messages', look: { view: 'messages', key: about },
  })); // prettier-ignore
  search(trace.actors, ({ name, session }) => `${name} ${session}`, ({ name, session }) => ({
    kind: 'actor', name, more: session === name ? '' : session, look: { view: 'charts', actor: session },
  })); // prettier-ignore
  return hits;
}
