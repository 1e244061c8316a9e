/** A path through the worlds as a transcript: messages with sender and receiver. */
import type { Message } from '../harness/claim.ts';
import { Bench } from './bench.ts';
import type { WorldOptions } from './world-state.ts';
import type { Utterance } from './utterance.ts';
import { mayHappen, type ClientBehaviour } from './client.ts';
import type { Problem } from './rules.ts';
import { agentName, keyName, type Lanes, type WorldStep } from './world.ts';

export interface ExplainedPath {
  readonly steps: readonly WorldStep[];
  /** What is wrong at its end, by the names that the transcript uses. */
  readonly problem: Problem | undefined;
  readonly transcript: readonly Message[];
}

/** Packed worlds do not contain the agents' names. To restore them, a step that leads to the next world is taken at
 *  each world, with the names kept: there is one, since agents differ only in their names.
 *  @param last what is done in the last world; what is wrong shows there. */
export function worldTranscript(
  setting: WorldOptions & ClientBehaviour,
  lanes: Lanes,
  way: readonly string[],
  last: WorldStep | undefined,
): ExplainedPath {
  const bench = new Bench(setting, lanes);
  const named = new Bench({ ...setting, alike: 'none' }, lanes);
  const messages: Message[] = [];
  const steps: WorldStep[] = [];
  let world = named.save();
  const possible = (): WorldStep[] => {
    named.load(world);
    return mayHappen(named, setting);
  };
  const take = (step: WorldStep): void => {
    named.load(world);
    named.tell = (utterance) => messages.push(messageOf(utterance, setting.agents));
    if (OPENING[step.event] !== undefined || step.event === 'RECLAIM')
      openWith(messages, step, setting.agents);
    named.take(step);
    named.tell = undefined;
    world = named.save();
    steps.push(step);
  };
  for (const next of way.slice(1)) {
    const step = possible().find((one) => {
      bench.load(world);
      bench.take(one);
      return bench.problem === undefined && bench.save() === next;
    });
    if (step === undefined) throw new Error('no step leads on: the worlds are not alike after all');
    take(step);
  }
  if (last !== undefined) {
    bench.load(way.at(-1) as string);
    bench.take(last);
    // A world may break two rules; which is met first can depend on the names.
    const rule = bench.problem?.rule;
    const breaks = possible().flatMap((one) => {
      named.load(world);
      named.take(one);
      return one.event === last.event && named.problem !== undefined
        ? [{ one, rule: named.problem.rule }]
        : [];
    });
    const step = (breaks.find((one) => one.rule === rule) ?? breaks[0])?.one;
    if (step === undefined)
      throw new Error('what is wrong does not show: the worlds are not alike after all');
    take(step);
    messages.push({ from: 'memory', text: `wrong: ${named.problem!.what}` });
  }
  return { steps, problem: named.problem, transcript: messages };
}

/** The same of steps that are known by name.
 *  @param what is wrong in the end. */
export function tellSteps(setting: WorldOptions, steps: readonly WorldStep[], what: string): Message[] {
  const bench = new Bench({ ...setting, alike: 'none' });
  const messages: Message[] = [];
  for (const step of steps) {
    const world = bench.save();
    bench.load(world);
    messages.push(...told(bench, step));
  }
  return [...messages, { from: 'memory', text: `wrong: ${what}` }];
}

/** Takes a step, and adds its messages to the transcript. */
function told(bench: Bench, step: WorldStep): Message[] {
  const messages: Message[] = [];
  if (OPENING[step.event] !== undefined || step.event === 'RECLAIM') openWith(messages, step, bench.agents);
  bench.tell = (utterance) => messages.push(messageOf(utterance, bench.agents));
  bench.take(step);
  bench.tell = undefined;
  return messages;
}

const OPENING: Readonly<Record<string, string>> = {
  LOAD: 'wants to read',
  STORE: 'wants to write',
  HOLD: 'wants to hold',
  RELEASE: 'gives back',
  EVICT: 'gives up its copy of',
};
function openWith(messages: Message[], { by, event, key }: WorldStep, agents: number): void {
  if (event === 'RECLAIM')
    messages.push({ from: nameOf(by, agents), text: `the lease of ${keyName(key)} has run out` });
  else messages.push({ from: nameOf(by, agents), text: `${OPENING[event]} ${keyName(key)}` });
}

const nameOf = (by: number, agents: number): string => (by === agents ? 'manager' : agentName(by));

function messageOf(utterance: Utterance, agents: number): Message {
  if (utterance.what === 'heard') {
    const { agent, key, event, from, to, words, own } = utterance;
    const says = words.length === 0 ? '' : `, ${words.join(', ')}`;
    const text = `${event} ${keyName(key)}: ${from === to ? from : `${from} to ${to}`}${says}`;
    return own ? { from: agentName(agent), text } : { from: 'memory', to: agentName(agent), text };
  }
  const by = nameOf(utterance.by, agents);
  if (utterance.what === 'ordered')
    return { from: 'bus', to: 'memory', text: `${utterance.text} of ${by}: ${utterance.outcome}` };
  return { from: by, ...(utterance.what === 'said' && { to: 'bus' }), text: utterance.text };
}
