/** Random flat machines, described as data, so that a failing one is printed as data too. */
import fc from 'fast-check';
import { assign, createMachine, type AnyStateMachine } from 'xstate';

export const EVENTS = ['E0', 'E1', 'E2', 'E3'] as const;
const STATES = ['s0', 's1', 's2', 's3'] as const;

/** How an action is written: by name, inline, with parameters given or computed; and whether it assigns. */
type ActionForm =
  | 'say'
  | 'sayWith'
  | 'sayInline'
  | 'add'
  | 'addWith'
  | 'addInline'
  | 'set'
  | 'constant'
  | 'part'
  | 'unprovided';
interface ActionPlan {
  readonly form: ActionForm;
  readonly by: number;
  readonly computed: boolean;
}
interface TransitionPlan {
  readonly guard: 'none' | 'even' | 'below' | 'inline' | 'never';
  readonly target: (typeof STATES)[number] | undefined;
  readonly reenter: boolean;
  readonly actions: readonly ActionPlan[];
}
type Cells = Readonly<Record<string, 'forbidden' | readonly TransitionPlan[]>>;
interface StatePlan {
  readonly on: Cells;
  readonly entry: readonly ActionPlan[];
  readonly exit: readonly ActionPlan[];
  readonly tags: readonly string[];
  readonly meta: boolean;
}
/** A frozen context: actors that have it may share their snapshots. */
export const CONSTANT = Object.freeze({ n: 0, last: 'constant' });

/** A flat machine. */
export interface MachinePlan {
  readonly states: readonly StatePlan[];
  readonly root: Cells;
  readonly rootTags: readonly string[];
  readonly rootMeta: boolean;
  readonly initialActions: readonly ActionPlan[];
  readonly fromInput: boolean;
}

const action = fc.record<ActionPlan>({
  form: fc.constantFrom(
    'say',
    'sayWith',
    'sayInline',
    'add',
    'addWith',
    'addInline',
    'set',
    'constant',
    'part',
    'unprovided',
  ),
  by: fc.integer({ min: 1, max: 3 }),
  computed: fc.boolean(),
});
const actions = fc.array(action, { maxLength: 3 });

/** Any flat machine of up to four states and four events, with transitions on the root, wildcards and all. */
export const machinePlan: fc.Arbitrary<MachinePlan> = fc
  .integer({ min: 1, max: STATES.length })
  .chain((size) => {
    const transition = fc.record<TransitionPlan>({
      guard: fc.constantFrom('none', 'even', 'below', 'inline', 'never'),
      target: fc.option(fc.constantFrom(...STATES.slice(0, size)), { nil: undefined }),
      reenter: fc.boolean(),
      actions,
    });
    const cell = fc.oneof(
      { weight: 4, arbitrary: fc.array(transition, { minLength: 1, maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant('forbidden' as const) },
    );
    const on = fc.dictionary(fc.constantFrom(...EVENTS, '*'), cell, { maxKeys: 4 });
    const state = fc.record<StatePlan>({
      on,
      entry: actions,
      exit: actions,
      tags: fc.subarray(['a', 'b']),
      meta: fc.boolean(),
    });
    return fc.record<MachinePlan>({
      states: fc.array(state, { minLength: size, maxLength: size }),
      root: on,
      rootTags: fc.subarray(['r']),
      rootMeta: fc.boolean(),
      initialActions: fc.array(action, { maxLength: 2 }),
      fromInput: fc.boolean(),
    });
  });

interface Context {
  readonly n: number;
  readonly last: string;
}
interface Args {
  readonly context: Context;
  readonly event: { readonly type: string };
}

/** Makes the machine of a plan; what its actions see goes into `log`. */
export function build(plan: MachinePlan, log: unknown[]): AnyStateMachine {
  const say = (name: string) => (args: Args, params?: unknown) =>
    void log.push([name, args.context, args.event.type, params]);
  const add = (name: string) => (args: Args, params?: { by: number }) => {
    log.push([name, args.context, args.event.type, params]);
    return { n: (args.context.n + (params?.by ?? 1)) % 7 };
  };
  const write = ({ form, by, computed }: ActionPlan): unknown => {
    const params = computed ? ({ context }: Args) => ({ by: by + context.n }) : { by };
    if (form === 'sayInline') return say('inline');
    if (form === 'addInline') return assign(add('inline add') as never);
    if (form === 'sayWith' || form === 'addWith') return { type: form.slice(0, 3), params };
    return form;
  };
  const guards = {
    none: undefined,
    even: 'even',
    below: { type: 'below', params: ({ context }: Args) => ({ limit: 2 + (context.n % 2) }) },
    inline: ({ context, event }: Args) => (context.n + event.type.length) % 3 === 0,
    never: { type: 'below', params: { limit: -1 } },
  };
  const cells = (on: Cells, prefix: string) =>
    Object.fromEntries(
      Object.entries(on).map(([type, cell]) => {
        if (cell === 'forbidden') return [type, undefined];
        const list = cell.map(({ guard, target, reenter, actions }) => ({
          ...(guards[guard] === undefined ? {} : { guard: guards[guard] }),
          ...(target === undefined ? {} : { target: prefix + target }),
          ...(reenter ? { reenter } : {}),
          actions: actions.map(write),
        }));
        return [type, list];
      }),
    );
  const states = plan.states.map(({ on, entry, exit, tags, meta }, i) => [
    STATES[i],
    {
      on: cells(on, ''),
      entry: entry.map(write),
      exit: exit.map(write),
      tags,
      ...(meta ? { meta: { number: i } } : {}),
    },
  ]);
  const config = {
    id: 'random',
    initial: { target: 's0', actions: plan.initialActions.map(write) },
    context: plan.fromInput ? ({ input }: { input: number }) => ({ n: input, last: '' }) : { n: 0, last: '' },
    on: cells(plan.root, '.'),
    tags: plan.rootTags,
    ...(plan.rootMeta ? { meta: { number: -1 } } : {}),
    states: Object.fromEntries(states),
  };
  return createMachine(config as never, {
    actions: {
      say: say('say'),
      add: assign(add('add') as never),
      constant: assign((() => CONSTANT) as never),
      part: assign((() => Object.freeze({ n: 2 })) as never),
      set: assign({ n: 1, last: ({ event }: Args) => event.type } as never),
    } as never,
    guards: {
      even: ({ context }: Args) => context.n % 2 === 0,
      below: ({ context }: Args, { limit }: { limit: number }) => context.n < limit,
    } as never,
  }) as unknown as AnyStateMachine;
}
