/** The compiled and the interpreted machine, walked in lock-step over the whole graph.
 *
 *  From every reachable (state, context), every given event is sent to both. They have to agree on value, context and
 *  status, and on the names of the actions, in order, those that assign included. Contexts that count without bound are
 *  cut off by `within`. */
import { assign, createActor, type AnyStateMachine, type EventObject } from 'xstate';
import { compile } from '../../machines/table/compile.ts';

export interface EquivalenceOptions {
  readonly events: readonly EventObject[];
  readonly input?: unknown;
  /** Contexts to go on from; default all. */
  readonly within?: (context: any, value: string) => boolean;
  /** How the other side is made; default {@link compile}. A seeded fault goes in here. */
  readonly compileWith?: (machine: AnyStateMachine) => unknown;
  /** More states than this are an error of the caller: 1 … 10^6. Default 100,000. */
  readonly limit?: number;
}

export interface Equivalence {
  /** Distinct (value, context) pairs. */
  readonly states: number;
  /** (state, context, event) triples compared. */
  readonly steps: number;
  /** `state EVENT` cells that were visited. */
  readonly cells: ReadonlySet<string>;
  /** `state EVENT guard outcome`, for every named guard that was asked. */
  readonly guards: ReadonlySet<string>;
  readonly disagreement?: {
    readonly path: readonly EventObject[];
    readonly interpreted: unknown;
    readonly compiled: unknown;
  };
}

/** What one machine does with an event: the state it reaches, and the actions it takes. */
interface Outcome {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
  readonly actions: readonly string[];
}

/** Walks both until every reachable state has been seen, or they disagree.
 *  @throws {RangeError} when there are more states than `limit`. */
export function walkEquivalence(machine: AnyStateMachine, options: EquivalenceOptions): Equivalence {
  const { events, input, within = () => true, limit = 100_000, compileWith = compile } = options;
  const spoken: string[] = [];
  const guards = new Set<string>();
  let at = '';
  const recorded = recording(
    machine,
    spoken,
    (guard, outcome) => void guards.add(`${at} ${guard} ${outcome}`),
  );
  const compiled = compileWith(recorded);
  const seen = new Set<string>();
  const visited = new Set<string>();
  const frontier: { value: string; context: unknown; path: EventObject[] }[] = [];
  let steps = 0;

  const reach = (value: string, context: unknown, path: EventObject[]): void => {
    const key = JSON.stringify([value, context]);
    if (seen.has(key) || !within(context, value)) return;
    if (seen.size >= limit)
      throw new RangeError(`more than ${limit} states; bound the context with \`within\`.`);
    seen.add(key);
    frontier.push({ value, context, path });
  };
  const initial = run(recorded, input, undefined, undefined, spoken);
  const start = run(compiled, input, undefined, undefined, spoken);
  const walk = (): Omit<Equivalence, 'disagreement'> => ({
    states: seen.size,
    steps,
    cells: visited,
    guards,
  });
  if (!agree(initial, start))
    return { ...walk(), disagreement: { path: [], interpreted: initial, compiled: start } };
  reach(initial.value as string, initial.context, []);
  for (let next = frontier.shift(); next !== undefined; next = frontier.shift()) {
    for (const event of events) {
      const snapshot = {
        status: 'active',
        value: next.value,
        context: next.context,
        historyValue: {},
        children: {},
      };
      at = `${next.value} ${event.type}`;
      visited.add(at);
      const left = run(recorded, input, snapshot, event, spoken);
      const right = run(compiled, input, snapshot, event, spoken);
      const path = [...next.path, event];
      steps++;
      if (!agree(left, right))
        return { ...walk(), disagreement: { path, interpreted: left, compiled: right } };
      reach(left.value as string, left.context, path);
    }
  }
  return walk();
}

/** The machine with named actions that record their names, and named guards that record their result. Custom actions do
 *  nothing else: their effects belong to the code that provides them. */
function recording(
  machine: AnyStateMachine,
  spoken: string[],
  answered: (guard: string, outcome: boolean) => void,
): AnyStateMachine {
  const actions: Record<string, unknown> = {};
  for (const [name, action] of Object.entries(machine.implementations.actions)) {
    if (typeof action !== 'function') continue;
    if ('assignment' in action)
      actions[name] = assign(saying(action.assignment, () => spoken.push(name)) as never);
    else if (!('resolve' in action)) actions[name] = () => void spoken.push(name);
  }
  const guards: Record<string, unknown> = {};
  for (const [name, guard] of Object.entries(machine.implementations.guards)) {
    if (typeof guard !== 'function' || 'check' in guard) continue;
    guards[name] = (...args: unknown[]) => {
      const outcome = (guard as (...args: unknown[]) => boolean)(...args);
      answered(name, outcome);
      return outcome;
    };
  }
  return machine.provide({ actions, guards } as never);
}

/** An assignment, whole or property by property, that records first that it is made. */
const saying = (assignment: unknown, say: () => void) => (args: unknown, params: unknown) => {
  say();
  const made = (value: unknown) => (typeof value === 'function' ? (value(args, params) as unknown) : value);
  if (typeof assignment === 'function') return made(assignment);
  return Object.fromEntries(Object.entries(assignment as object).map(([key, value]) => [key, made(value)]));
};

function run(
  logic: any,
  input: unknown,
  snapshot: unknown,
  event: EventObject | undefined,
  spoken: string[],
): Outcome {
  spoken.length = 0;
  const actor = createActor(logic, {
    input,
    ...(snapshot === undefined ? {} : { snapshot: structuredClone(snapshot) }),
  } as never);
  actor.start();
  if (snapshot !== undefined) spoken.length = 0; // what a restored actor repeats is not part of the step
  if (event !== undefined) actor.send(event);
  const { value, context, status } = actor.getSnapshot() as unknown as Outcome;
  const outcome = { value, context, status, actions: [...spoken] };
  actor.stop();
  return outcome;
}

const agree = (left: Outcome, right: Outcome): boolean => JSON.stringify(left) === JSON.stringify(right);
