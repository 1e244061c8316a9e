/** What may happen to a key: an agent's event, an entry that the bus orders, a reclaim. One step at a time. */
import { StepUnderWay, type Key, type Mishap, type StepSetting } from './line.ts';
import { none, type Logic } from './logic.ts';
import { Arbiter, type Choice, type ProveFaults } from './memory.ts';

export const EVENTS = ['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT', 'CAS'] as const;
const ENTRIES = ['gets', 'getm', 'put', 'release', 'evict', 'cas', 'reclaim'] as const;
export const STEPS = [...EVENTS, ...ENTRIES] as const;
export type EventName = (typeof EVENTS)[number];
export type StepName = (typeof STEPS)[number];

/** An agent does this by itself; everything else is an entry. */
export const isEvent = (name: string): name is EventName => (EVENTS as readonly string[]).includes(name);

/** Whether a step can happen. */
export function possible<B, A>(
  name: StepName,
  logic: Logic<B, A>,
  key: Key<B, A>,
  { agent, next }: Choice<B, A>,
): B {
  if (isEvent(name)) return offered(name, logic, key, agent);
  const chosen = logic.or(none(logic, key.is.queue), key.is.queue(next));
  return name === 'reclaim' ? chosen : logic.and(chosen, key.words[0]![name](agent));
}

/** What a client may do: anything, except that it only reads while its own CAS is under way, and does nothing after a
 *  RELEASE of what it holds or has requested. */
function offered<B, A>(event: EventName, logic: Logic<B, A>, { line, words }: Key<B, A>, a: A): B {
  const { yes, not, and, or } = logic;
  if (event === 'LOAD') return yes;
  const at = (...states: readonly string[]) => or(...states.map((state) => line[state]!(a)));
  const quiet = not(or(...words.map(({ cas }) => cas(a))));
  const leaving = or(...words.map(({ release }, i) => and(release(a), words[i + 1]?.none(a) ?? yes)));
  const behind = and(leaving, at('M', 'IM', 'SM'));
  return and(quiet, not(behind), event === 'CAS' ? at('I', 'S', 'E', 'M', 'IS') : yes);
}

export interface ProvedStep<B, A> {
  readonly key: Key<B, A>;
  readonly mishaps: readonly Mishap<B, A>[];
}

/** Takes a step. */
export function step<B, A>(
  name: StepName,
  setting: StepSetting<B, A>,
  before: Key<B, A>,
  choice: Choice<B, A>,
  faults: ProveFaults = {},
): ProvedStep<B, A> {
  const run = new StepUnderWay(setting, before);
  const itself = (a: A) => setting.logic.same(a, choice.agent);
  if (name === 'CAS') run.say('cas', itself);
  else if (isEvent(name)) run.tell(name, itself);
  else {
    const memory = new Arbiter(run, setting.committed, choice, faults);
    if (name !== 'reclaim') run.shift(itself);
    memory[name]();
  }
  return { key: run.key, mishaps: run.mishaps };
}
