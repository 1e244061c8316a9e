/** Random walks on which every step of the proof is compared with what the code does. */
import type { AnyStateMachine } from 'xstate';
import { cacheLine } from 'tutti/machines';
import { promisedClauses, supporting } from '../../specs/coherence/prove/invariant.ts';
import type { Key } from '../../specs/coherence/prove/line.ts';
import { truth } from '../../specs/coherence/prove/logic.ts';
import type { Choice, ProveFaults } from '../../specs/coherence/prove/memory.ts';
import { isEvent, possible, step, STEPS, type StepName } from '../../specs/coherence/prove/steps.ts';
import { FLAGS, lineRules, type LineRules } from '../../specs/coherence/prove/table.ts';
import { wrongNow } from '../../specs/coherence/rules.ts';
import { Random } from '../../specs/harness/random.ts';
import { name, Real, Speaking } from './protocol.prove.real.ts';

/** The whole state of a key in the proof, as one string. The contents of a PUT count while it is under way. */
export function shown({ line, words, is, held }: Key<boolean, number>, count: number): string {
  const agents = Array.from({ length: count }, (_, agent) => {
    const writes = words.some(({ put }) => put(agent));
    return [
      ...Object.keys(line).filter((state) => line[state]!(agent)),
      ...words.flatMap((place) => Object.entries(place).filter(([word, here]) => word !== 'none' && here(agent)).map(([word]) => word)), // prettier-ignore
      ...FLAGS.filter((flag) => is[flag](agent) && (writes || (flag !== 'base' && flag !== 'token'))),
    ].join(' ');
  });
  return [...agents, held ? 'held' : 'not held'].join(' | ');
}

export interface Move {
  readonly name: StepName;
  readonly choice: Choice<boolean, number>;
}
/** A state of the code on the way, and a step from it. */
export interface Visit extends Move {
  readonly count: number;
  readonly committed: boolean;
  readonly before: Key<boolean, number>;
}

/** What the proof thinks possible. A reclaim names no agent. */
function moves(real: Real, before: Key<boolean, number>): Move[] {
  const agents = real.lines.map((_, agent) => agent);
  const next = Math.max(0, agents.findIndex((agent) => real.cell.queue[0] === name(agent))); // prettier-ignore
  return STEPS.flatMap((step) =>
    (step === 'reclaim' ? [0] : agents).flatMap((agent) => {
      const word = real.said[agent]![0];
      const currents = step === 'reclaim' ? [true, false] : [word?.version === real.cell.version];
      return currents
        .map((current) => ({ name: step, choice: { agent, next, current } }))
        .filter(({ choice }) => possible(step, truth(agents.length), before, choice));
    }),
  );
}

/** Steps that are nearly always possible would otherwise crowd out the rest. */
const RARE = new Set<StepName>(['reclaim', 'CAS']);

export interface WalkReport {
  readonly mismatches: string[];
  readonly taken: Map<StepName, number>;
  readonly mishaps: Set<string>;
  /** What of the invariant was not true somewhere. */
  readonly broken: Set<string>;
  /** How often the exploration would have found fault. */
  wrong: number;
  /** Some of the steps. */
  readonly visits: Visit[];
}
export interface WalkOptions {
  readonly machines?: readonly AnyStateMachine[];
  readonly faults?: readonly ProveFaults[];
}

/** Walks at random, and compares every step. */
export function walks(runs: number, seed: number, { machines, faults = [{}] }: WalkOptions = {}): WalkReport {
  const random = new Random(seed);
  const report: WalkReport = {
    mismatches: [],
    taken: new Map(),
    mishaps: new Set(),
    broken: new Set(),
    wrong: 0,
    visits: [],
  };
  const speaking = (machines ?? [cacheLine as unknown as AnyStateMachine]).map((m) => new Speaking(m));
  for (let run = 0; run < runs; run++) {
    const line = random.pick(speaking);
    const rules = lineRules(line.machine);
    const committed = random.next() < 0.5;
    const fault = random.pick(faults);
    const count = random.whole(2, 4);
    const real = new Real(line, count, committed ? 'committed' : 'wait', fault);
    for (let i = 0, goesOn = true; goesOn && i < 80; i++) {
      const before = real.seen(rules);
      const rare = random.next() < 0.1;
      const move = random.pick(moves(real, before).filter((one) => rare || !RARE.has(one.name)));
      const visit = { ...move, count, committed, before };
      goesOn = compared(real, visit, rules, fault, random, report);
      report.taken.set(move.name, (report.taken.get(move.name) ?? 0) + 1);
      if (random.next() < 0.1) report.visits.push(visit);
    }
  }
  return report;
}

/** Takes a step in the proof and in the code.
 *  @returns whether the two can go on: what the proof calls a mishap it does not look behind. */
function compared(
  real: Real,
  { name: what, choice, count, committed, before }: Visit,
  rules: LineRules,
  faults: ProveFaults,
  random: Random,
  report: WalkReport,
): boolean {
  const agents = real.lines.map((_, agent) => agent);
  const logic = truth(count);
  const heard: string[] = [];
  const setting = {
    logic,
    rules,
    committed,
    heard: (event: string, { state }: { state: string }, by: (agent: number) => boolean) => {
      for (const agent of agents) if (by(agent)) heard.push(`${state} ${event}`);
    },
  };
  const proof = step(what, setting, before, choice, faults);
  const mishaps = proof.mishaps.filter(({ of }) => agents.some(of));
  for (const mishap of mishaps) report.mishaps.add(mishap.what);
  if (mishaps.length > 0) return false;
  const { cell } = real;
  real.heard = [];
  if (what === 'CAS') real.cas(choice.agent, cell.version - random.whole(0, 1));
  else if (what === 'reclaim') real.reclaim(choice.current ? cell.epoch : cell.epoch - 1);
  else if (isEvent(what)) real.tell(choice.agent, what);
  else real.append(choice.agent);
  const after = real.seen(rules);
  const where = `${what} of ${choice.agent} in ${shown(before, count)}`;
  const [found, expected] = [shown(proof.key, count), shown(after, count)];
  if (found !== expected) report.mismatches.push(`${where}: ${found} is not ${expected}`);
  // An event that a state does not name is no transition.
  const named = ([state, event]: string[]) => rules.of(event!).some((rule) => rule.state === state);
  const listened = real.heard.filter((one) => named(one.split(' '))).sort().join(); // prettier-ignore
  const told = heard.sort().join();
  if (told !== listened) report.mismatches.push(`${where}: ${told} is not ${listened}`);
  const clauses = [...promisedClauses(logic, after, committed), ...supporting(logic, after)];
  const broken = clauses.filter(({ of }) => agents.some((a) => agents.some((b) => !of(a, b))));
  for (const { says } of broken) report.broken.add(says);
  const problem = wrongNow(cell, real.looked, committed ? 'committed' : 'wait');
  if (problem === undefined) return true;
  report.wrong++;
  if (broken.length === 0) report.mismatches.push(`${where}: the invariant allows that ${problem.what}`);
  return true;
}
