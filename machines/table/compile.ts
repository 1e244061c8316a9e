/** Turns a flat XState machine into table-driven actor logic with equal snapshots.
 *
 *  The interpreter walks the state tree, resolves actions and builds a snapshot for every event: 2–4 µs.
 *  A flat machine needs one look-up and one guard: 0.1–0.2 µs. The machine stays the single source; the
 *  table is read from it, and `specs/harness/equivalence.ts` walks both over the machine's whole graph.
 *
 *  Compiled: named or inline guards and custom actions with `params`, `assign`, entry and exit actions,
 *  wildcards, transitions on the root. Refused with a reason, because their meaning is not a table's:
 *  nested, parallel, history and final states, `always`, `after`, `invoke`, and built-in actions other
 *  than `assign`.
 *
 *  One thing differs: actions act while the transition is computed, also under XState's pure `transition()`, which only
 *  lists an interpreted machine's. Actions on entering the initial state wait for the actor's start, as everywhere. */
import type {
  ActorLogic,
  ActorScope,
  AnyStateMachine,
  AnyStateNode,
  EventFromLogic,
  EventObject,
  InputFrom,
  Snapshot,
} from 'xstate';

type Context = Record<string, unknown>;
type Params = Record<string, unknown> | undefined;
interface GuardArgs {
  context: Context;
  event: EventObject;
}
interface ActionArgs extends GuardArgs {
  self: unknown;
  system: unknown;
}
type Guard = (args: GuardArgs) => boolean;
type CustomAction = (args: ActionArgs, params?: Params) => unknown;
interface Action {
  /** Makes the next context … */
  assign: ((args: ActionArgs) => Context) | undefined;
  /** … or acts: the slot of its implementation, and the parameters that it receives. */
  slot: number;
  params: ((args: ActionArgs) => Params) | undefined;
}
/** Named actions by slot, so that their meanings can be changed without building the table again. */
interface Names {
  slots: Map<string, number>;
  custom: CustomAction[];
  labels: string[];
}
interface Candidate {
  guard: Guard | undefined;
  actions: readonly Action[];
  target: Row | undefined;
  /** Whether it does more than observe the event. */
  live: boolean;
}
interface Row {
  value: string;
  tags: ReadonlySet<string>;
  meta: Record<string, unknown>;
  cells: Record<string, readonly Candidate[]>;
  any: readonly Candidate[];
  /** By context, if that is frozen. */
  shared: WeakMap<Context, FlatSnapshot>;
}

/** A machine uses something that has no meaning in a flat table. */
export class NotFlatError extends Error {
  override name = 'NotFlatError';
  constructor(machine: string, where: string, what: string) {
    super(
      `compile(${machine}): ${where} uses ${what}; only flat machines compile. Run it interpreted instead.`,
    );
  }
}

/** The snapshot of a compiled machine: `value`, `context` and `status` equal the interpreter's. The methods live on the
 *  prototype, so that a serialised snapshot does not contain the machine. */
export class FlatSnapshot<TContext = Context> {
  declare readonly status: 'active' | 'stopped';
  declare readonly output: undefined;
  declare readonly error: undefined;
  declare readonly children: Record<string, never>;
  readonly value: string;
  readonly context: TContext;
  readonly #row: Row;

  constructor(row: Row, context: TContext) {
    this.#row = row;
    this.value = row.value;
    this.context = context;
  }
  get tags(): ReadonlySet<string> {
    return this.#row.tags;
  }
  matches(value: string): boolean {
    return this.value === value;
  }
  hasTag(tag: string): boolean {
    return this.#row.tags.has(tag);
  }
  /** Whether the event would do anything here. Ignored, forbidden and unknown events are `false`. */
  can(event: EventObject): boolean {
    return choose(this.#row, this.context as Context, event)?.live === true;
  }
  /** By the nodes' ids, as in XState: the machine's own and the state's. */
  getMeta(): Record<string, unknown> {
    return this.#row.meta;
  }
  toJSON(): { status: 'active' | 'stopped'; value: string; context: TContext } {
    return { status: this.status, value: this.value, context: this.context };
  }
  /** The same snapshot, of an actor that has been stopped. */
  static stopped<T>(snapshot: FlatSnapshot<T>): FlatSnapshot<T> {
    const stopped = new FlatSnapshot(snapshot.#row, snapshot.context);
    return Object.defineProperty(stopped, 'status', { value: 'stopped', enumerable: true });
  }
  static row(snapshot: FlatSnapshot<any>): Row {
    return snapshot.#row;
  }
}

/** XState's own `ContextFrom` is `never` for a machine behind an interface. */
type ContextOf<M extends AnyStateMachine> = ReturnType<M['getInitialSnapshot']>['context'];

// The same for every snapshot of a flat machine, so not a field of any.
Object.assign(FlatSnapshot.prototype, {
  status: 'active',
  output: undefined,
  error: undefined,
  children: Object.freeze({}),
});

/** What a named action of a compiled machine is called with. */
export type CompiledAction<M extends AnyStateMachine> = (args: {
  context: ContextOf<M>;
  event: EventFromLogic<M>;
  self: unknown;
  system: unknown;
}) => void;

/** Logic for `createActor`, as returned by {@link compile}. `config` and `definition` are the machine's
 *  own, so that an inspector draws the same chart as for the interpreted machine. */
export interface CompiledLogic<M extends AnyStateMachine> extends ActorLogic<
  FlatSnapshot<ContextOf<M>>,
  EventFromLogic<M>,
  InputFrom<M>
> {
  readonly id: string;
  readonly config: M['config'];
  readonly definition: M['definition'];
  readonly machine: M;
  /** The same table with other meanings for named actions; the table is not built again.
   *  @throws {Error} for a name that the machine does not use. */
  provide(implementations: { actions: Readonly<Record<string, CompiledAction<M>>> }): CompiledLogic<M>;
}

/** Compiles a flat machine.
 *  @param machine made by `setup(…).createMachine(…)`, with its actions and guards provided.
 *  @throws {NotFlatError} when the machine is not flat, naming the state and the feature.
 *  @example
 *  ```ts
 *  const actor = createActor(compile(functionalUnit), { input: { unit: 'search', capacity: 2 } }).start();
 *  actor.send({ type: 'ACQUIRE' });
 *  actor.getSnapshot().value; // 'busy'
 *  ``` */
export function compile<M extends AnyStateMachine>(machine: M): CompiledLogic<M> {
  const names: Names = { slots: new Map(), custom: [], labels: [] };
  const rows = tabulate(machine, names);
  const { target, actions } = machine.root.initial;
  const initial = rows.get(target[0]!.key) as Row;
  const initialEntry = [
    ...actions.map((action: unknown) => resolveAction(machine, '(root)', action, names)),
    ...entryActions(machine, initial.value, names),
  ];
  const withActions = (custom: readonly CustomAction[]): CompiledLogic<M> => ({
    id: machine.id,
    config: machine.config,
    get definition() {
      return machine.definition;
    },
    machine,
    provide({ actions }) {
      const changed = [...custom];
      for (const [name, action] of Object.entries(actions)) {
        const slot = names.slots.get(name);
        if (slot === undefined) throw new Error(`compile(${machine.id}): no action is named '${name}'`);
        changed[slot] = action as CustomAction;
      }
      return withActions(changed);
    },
    transition(snapshot, event, scope) {
      if (event.type === STOP) return FlatSnapshot.stopped(snapshot); // no wildcard catches it
      const chosen = choose(FlatSnapshot.row(snapshot), snapshot.context, event);
      if (chosen === undefined) return snapshot;
      const { actions, target } = chosen;
      const context =
        actions.length === 0 ? snapshot.context : perform(actions, custom, snapshot.context, event, scope);
      if (target === undefined && context === snapshot.context) return snapshot;
      return snapshotOf(target ?? FlatSnapshot.row(snapshot), context);
    },
    getInitialSnapshot(scope, input) {
      const event = { type: 'xstate.init', input } as EventObject;
      const context = initialContext(machine, input, scope);
      const run = atStart(scope, custom, names.labels);
      return snapshotOf(initial, perform(initialEntry, run, context, event, scope));
    },
    getPersistedSnapshot: (snapshot) => snapshot.toJSON() as unknown as Snapshot<unknown>,
    restoreSnapshot(persisted) {
      const { value, context, status } = persisted as unknown as FlatSnapshot<ContextOf<M>>;
      const row = rows.get(value);
      if (row === undefined) throw new Error(`compile(${machine.id}): no state '${value}' to restore`);
      const snapshot = new FlatSnapshot(row, context);
      return status === 'stopped' ? FlatSnapshot.stopped(snapshot) : snapshot;
    },
  });
  return withActions(names.custom);
}

/** What XState sends to an actor to stop it. */
const STOP = 'xstate.stop';

/** A snapshot of a state and a context. A frozen context is a constant of its machine: the actors that have it share
 *  their snapshots, so that thousands of them cost no more than one. */
function snapshotOf<T extends Context>(row: Row, context: T): FlatSnapshot<T> {
  if (!Object.isFrozen(context)) return new FlatSnapshot(row, context);
  let snapshot = row.shared.get(context);
  if (snapshot === undefined) row.shared.set(context, (snapshot = new FlatSnapshot(row, context)));
  return snapshot as FlatSnapshot<T>;
}

function choose(row: Row, context: Context, event: EventObject): Candidate | undefined {
  const candidates = row.cells[event.type] ?? row.any;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    if (candidate.guard === undefined || candidate.guard({ context, event })) return candidate;
  }
  return undefined;
}

function perform(
  actions: readonly Action[],
  custom: readonly CustomAction[],
  before: Context,
  event: EventObject,
  scope: ActorScope<any, any, any, any>,
): Context {
  let args: ActionArgs = { context: before, event, self: scope.self, system: scope.system };
  for (let i = 0; i < actions.length; i++) {
    const { assign, slot, params } = actions[i] as Action;
    if (assign === undefined) (custom[slot] as CustomAction)(args, params?.(args));
    else if (i === actions.length - 1) return assign(args);
    // A new object: an action that kept the earlier arguments must not see them change.
    else args = { context: assign(args), event, self: scope.self, system: scope.system };
  }
  return args.context;
}

/** The initial state is computed when the actor is made; its actions have to wait until the actor starts. */
const atStart = (
  { actionExecutor }: ActorScope<any, any, any, any>,
  custom: readonly CustomAction[],
  labels: readonly string[],
): CustomAction[] =>
  custom.map(
    (action, slot) => (info, params) =>
      actionExecutor({ type: labels[slot], info, params, exec: action } as never),
  );

function tabulate(machine: AnyStateMachine, names: Names): Map<string, Row> {
  const nodes = Object.values(machine.states) as AnyStateNode[];
  refuse(machine, machine.root, '(root)');
  const rows = new Map<string, Row>();
  for (const node of nodes) {
    if (node.type !== 'atomic') throw new NotFlatError(machine.id, node.key, `a ${node.type} state`);
    refuse(machine, node, node.key);
    const row: Row = {
      value: node.key,
      tags: new Set([...machine.root.tags, ...node.tags]),
      meta: Object.fromEntries(
        [machine.root, node].filter(({ meta }) => meta !== undefined).map(({ id, meta }) => [id, meta]),
      ),
      cells: Object.create(null),
      any: [],
      shared: new WeakMap(),
    };
    rows.set(node.key, row);
  }
  for (const node of nodes) fillCells(machine, node, rows, names);
  return rows;
}

function fillCells(machine: AnyStateMachine, node: AnyStateNode, rows: Map<string, Row>, names: Names): void {
  const row = rows.get(node.key) as Row;
  const own = node.transitions as Map<string, readonly any[]>;
  const root = machine.root.transitions as Map<string, readonly any[]>;
  const candidates = (type: string) =>
    [
      ...(own.get(type) ?? []),
      ...(own.get('*') ?? []),
      ...(root.get(type) ?? []),
      ...(root.get('*') ?? []),
    ].map((transition) => candidate(machine, node, transition, rows, names));
  for (const type of new Set([...own.keys(), ...root.keys()])) {
    if (type === '*') continue;
    if (type.includes('*')) throw new NotFlatError(machine.id, node.key, `the partial wildcard '${type}'`);
    // A state that lists an event without a transition forbids it, even when the root would take it.
    row.cells[type] = candidates(type);
  }
  row.any = candidates('*');
}

function candidate(
  machine: AnyStateMachine,
  node: AnyStateNode,
  transition: any,
  rows: Map<string, Row>,
  names: Names,
): Candidate {
  const aim: AnyStateNode | undefined = transition.target?.[0];
  const target = aim?.parent === machine.root ? rows.get(aim.key) : undefined;
  if (aim !== undefined && target === undefined) {
    throw new NotFlatError(machine.id, node.key, `the target '${aim.key}' outside the flat states`);
  }
  // A transition of the root leaves its state even for the same one.
  const leaves = target !== undefined && (aim !== transition.source || transition.reenter === true);
  const resolve = (list: readonly unknown[]) =>
    list.map((action) => resolveAction(machine, node.key, action, names));
  return {
    guard: resolveGuard(machine, node.key, transition.guard),
    target: leaves ? target : undefined,
    live: target !== undefined || transition.actions.length > 0,
    actions: [
      ...(leaves ? resolve(node.exit) : []),
      ...resolve(transition.actions),
      ...(leaves ? entryActions(machine, target.value, names) : []),
    ],
  };
}

const entryActions = (machine: AnyStateMachine, state: string, names: Names): readonly Action[] =>
  machine.states[state]!.entry.map((action: unknown) => resolveAction(machine, state, action, names));

function resolveGuard(machine: AnyStateMachine, state: string, guard: unknown): Guard | undefined {
  if (guard === undefined) return undefined;
  const { name, params, inline } = reference(guard);
  const found = inline ?? machine.implementations.guards[name];
  if (typeof found !== 'function')
    throw new Error(`compile(${machine.id}): the guard '${name}' in ${state} is not provided`);
  if ('check' in found) throw new NotFlatError(machine.id, state, `the higher-order guard '${name}'`);
  const call = found as unknown as (args: GuardArgs, params: Params) => boolean;
  if (typeof params === 'function') return (args) => call(args, params(args));
  return params === undefined ? (call as Guard) : (args) => call(args, params);
}

function resolveAction(machine: AnyStateMachine, state: string, action: unknown, names: Names): Action {
  const { name, params, inline } = reference(action);
  // The interpreter, too, skips an action without an implementation.
  const found = (inline ?? machine.implementations.actions[name] ?? (() => {})) as any;
  const fixed = typeof params === 'function' ? params : () => params;
  if ('assignment' in found)
    return { assign: assigner(found.assignment, fixed), slot: -1, params: undefined };
  if ('resolve' in found) throw new NotFlatError(machine.id, state, `the built-in action '${found.type}'`);
  const known = inline === undefined ? names.slots.get(name) : undefined;
  const slot = known ?? names.custom.push(found) - 1;
  names.labels[slot] = name;
  if (inline === undefined) names.slots.set(name, slot);
  return { assign: undefined, slot, params: params === undefined ? undefined : fixed };
}

/** Whether an assigned context is a constant that needs nothing of the context before. */
const isWhole = (made: Context, before: Context): boolean =>
  Object.isFrozen(made) && Object.keys(before).every((key) => Object.hasOwn(made, key));

/** Makes the next context. A copy first and then the changes keeps the objects' shape, and so the speed. */
function assigner(assignment: any, params: (args: ActionArgs) => Params): (args: ActionArgs) => Context {
  if (typeof assignment === 'function') {
    return (args) => {
      const made = assignment(args, params(args)) as Context;
      return isWhole(made, args.context) ? made : { ...args.context, ...made };
    };
  }
  const keys = Object.keys(assignment);
  const makers = Object.values(assignment).map((value) =>
    typeof value === 'function' ? value : () => value,
  );
  return (args) => {
    const next = { ...args.context };
    const given = params(args);
    for (let i = 0; i < keys.length; i++) next[keys[i]!] = makers[i]!(args, given);
    return next;
  };
}

function reference(item: unknown): { name: string; params: any; inline: Function | undefined } {
  if (typeof item === 'string') return { name: item, params: undefined, inline: undefined };
  if (typeof item === 'function') return { name: item.name, params: undefined, inline: item };
  const { type, params } = item as { type: string; params: unknown };
  return { name: type, params, inline: undefined };
}

function refuse(machine: AnyStateMachine, node: AnyStateNode, where: string): void {
  if (node.always?.length) throw new NotFlatError(machine.id, where, '`always`');
  if (node.after?.length) throw new NotFlatError(machine.id, where, '`after`');
  if (node.invoke?.length) throw new NotFlatError(machine.id, where, '`invoke`');
  if (node === machine.root && (node.type !== 'compound' || node.entry.length || node.exit.length)) {
    throw new NotFlatError(
      machine.id,
      where,
      node.type === 'compound' ? 'entry or exit actions' : `type '${node.type}'`,
    );
  }
}

function initialContext(
  machine: AnyStateMachine,
  input: unknown,
  scope: ActorScope<any, any, any, any>,
): Context {
  const { context } = machine.config as { context?: unknown };
  if (typeof context !== 'function') return (context ?? {}) as Context;
  const spawn = () => {
    throw new NotFlatError(machine.id, 'context', '`spawn`');
  };
  return context({ input, self: scope.self, spawn }) as Context;
}
