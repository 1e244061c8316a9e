/** A counter-example to induction in words: a state that the invariant allows, one step, and what it breaks. */
import type { Counterexample, Message } from '../../harness/claim.ts';
import { PERMISSION } from '../mapping.ts';
import type { Key } from './line.ts';
import type { LineRules } from './table.ts';
import { replay, type Found, type Subject } from './query.ts';
import type { ProveFaults } from './memory.ts';
import { isEvent } from './steps.ts';

const name = (agent: number) => `a${agent}`;

/** Takes the step once more, in JavaScript.
 *  @throws when nothing is wrong with it there: then the rules in SMT-LIB and in JavaScript differ. */
export function counterexample(
  subject: Subject,
  rules: LineRules,
  found: Found,
  faults: ProveFaults,
): Counterexample {
  const agents = Array.from({ length: found.count }, (_, agent) => agent);
  const heard: Message[] = [];
  const { may, violations, after } = replay(subject, rules, found, faults, (event, rule, by) => {
    const { state, target } = rule;
    for (const agent of agents.filter(by))
      heard.push({
        from: 'memory',
        to: name(agent),
        text: `${event}: ${state}${state === target ? '' : ` → ${target}`}`,
      });
  });
  const broken = violations.flatMap(({ what, of }) => {
    const alone = agents.find((a) => of(a, a));
    if (alone !== undefined) return [`${what} (${name(alone)})`];
    const first = agents.find((a) => agents.some((b) => of(a, b)));
    if (first === undefined) return [];
    return [`${what} (${name(first)}, ${name(agents.find((b) => of(first, b))!)})`];
  });
  if (!may || broken.length === 0)
    throw new Error(`prove: z3 found a violation of '${subject}' which JavaScript does not see.`);
  const state = (when: string, key: Key<boolean, number>): Message[] => [
    {
      from: 'memory',
      text: `${when}: ${key.held ? 'held' : 'not held'}; readers ${found.committed ? 'go on' : 'wait'}`,
    },
    ...agents.map((agent) => ({ from: name(agent), text: `${when}: ${describe(key, agent)}` })),
  ];
  const isStep = subject !== 'at first' && subject !== 'one writer or any readers';
  return {
    what: `${isStep ? `after ${subject}` : subject}: ${broken.join('; ')}`,
    transcript: [
      ...state('before', found.before),
      ...(isStep ? [move(subject), ...heard.map(own(subject)), ...state('after', after)] : []),
    ],
  };
}

function move(subject: Subject): Message {
  if (subject === 'reclaim') return { from: 'manager', to: 'memory', text: 'reclaim is ordered' };
  if (isEvent(subject)) return { from: name(0), text: subject };
  return { from: name(0), to: 'memory', text: `${subject} is ordered` };
}
/** An agent's own events do not come from memory. */
const own =
  (subject: Subject) =>
  (message: Message): Message =>
    isEvent(subject) ? { from: message.to!, text: message.text } : message;

function describe({ line, words, is }: Key<boolean, number>, agent: number): string {
  const [state] = Object.entries(line).find(([, at]) => at(agent))!;
  const reads = PERMISSION[state as keyof typeof PERMISSION] !== 'none' && (state !== 'MP' || is.copy(agent));
  const said = words.flatMap((place) =>
    Object.entries(place)
      .filter(([word, here]) => word !== 'none' && here(agent))
      .map(([word]) => word),
  );
  return [
    state,
    reads ? (is.fresh(agent) ? 'reads the current version' : 'reads a stale copy') : 'does not read',
    ...(is.owner(agent) ? [is.mine(agent) ? 'owner' : 'owner of another epoch'] : []),
    ...(is.sharers(agent) ? ['sharer'] : []),
    ...(is.queue(agent) ? ['waits for ownership'] : []),
    ...(is.readers(agent) ? ['waits for a copy'] : []),
    ...(said.length > 0 ? [`has sent ${said.join(', ')}`] : []),
  ].join(', ');
}
