/** What can be seen of a governor after an event, for the machine and for the model, and how the two are compared. */
import type { AnyStateMachine } from 'xstate';
import { operatingPointOf, type TempoGovernorEvent } from '../../machines/governor/tempo-governor.ts';
import type { Counterexample, Message } from '../harness/claim.ts';
import { KernelPolicy, type Departures } from './model.ts';
import { kernelNames, PoolModel, UNTUNED, type PoolPoint } from './pool/model.ts';
import { shrinkList } from './shrink.ts';
import { stepperOf, type GovernorState, type GovernorOutput } from './stepper.ts';
import type { EventTrace } from './traces.ts';

/** Everything that is visible from outside. The rest of the machine's memory shows in what it does next. */
export interface Seen {
  readonly policy: string;
  readonly cur: number;
  readonly min: number;
  readonly max: number;
  readonly point: string;
  /** The points that it announced, in order. */
  readonly said: string;
  readonly mode: string | null;
  readonly allowance: number | null;
  readonly remainingMs: number | null;
  readonly tunables: string;
}
const KEYS = [
  'cur', 'said', 'policy', 'point', 'min', 'max', 'mode', 'allowance', 'remainingMs', 'tunables',
] as const satisfies (keyof Seen)[]; // prettier-ignore

/** A trace without its events: where it begins. */
export type TraceStart = Omit<EventTrace, 'events'>;

/** The model of a pool, before any event. */
export function modelOf({ ladder, tunables }: TraceStart, departs: Departures): PoolModel {
  const tuning = { ...UNTUNED, ...tunables };
  const table = ladder.map(({ frequency }) => frequency);
  const kernel = new KernelPolicy('schedutil', table, kernelNames(tuning), departs);
  return new PoolModel(ladder, tuning, kernel);
}

/** What the model does with an event. */
export function promise(pool: PoolModel, event: TempoGovernorEvent): Seen {
  const said = pool.hear(event);
  const { mode, allowance, remainingMs, kernel, tuning } = pool;
  const { cur, min, max, governor: policy } = kernel;
  const point = pointName(pool.point);
  const tunables = written(tuning);
  return { policy, cur, min, max, point, said: said.map(pointName).join(), mode, allowance, remainingMs, tunables }; // prettier-ignore
}

/** What the model does with each event of a trace. */
export function promisedByModel(trace: EventTrace, departs: Departures): Seen[] {
  const pool = modelOf(trace, departs);
  return trace.events.map((event) => promise(pool, event));
}

/** What is seen of the machine. */
export function seenAt({ value: policy, context }: GovernorState, saying: readonly GovernorOutput[]): Seen {
  const { memory, mode, allowance, remainingMs } = context;
  const { cur, min, max } = memory;
  const point = pointName(operatingPointOf(context));
  const said = saying.map((one) => pointName(one.point)).join();
  const tunables = written(context.tunables);
  return { policy, cur, min, max, point, said, mode, allowance, remainingMs, tunables };
}

/** One sentence when something is not as it was promised. */
export function differenceText(seen: Seen, promise: Seen): string | undefined {
  if (KEYS.every((key) => seen[key] === promise[key])) return undefined;
  return `the governor is ${worded(seen, promise)}, the model ${worded(promise, seen)}.`;
}

/** Frequency and limits, and what else is not as in the other. */
function worded(one: Seen, other: Seen): string {
  const others = KEYS.filter((key) => !['cur', 'min', 'max'].includes(key) && one[key] !== other[key]);
  const words = others.map((key) => `${key} ${one[key] === '' ? 'nothing' : String(one[key])}`);
  return [`at ${one.cur} within ${one.min} … ${one.max}`, ...words].join(', ');
}

const texts = new WeakMap<object, string>();
/** As JSON. Cached, since the same object comes with many events. */
function written(of: object): string {
  let text = texts.get(of);
  if (text === undefined) texts.set(of, (text = JSON.stringify(of)));
  return text;
}
export const pointName = ({ tempo, dynamics }: PoolPoint): string => `${tempo}/${dynamics}`;

export interface GovernorDifference {
  /** The event after which they differ. */
  readonly at: number;
  readonly what: string;
}

/** Where the machine first does what is not promised.
 *  @param each is called with every situation on the way. */
export function differenceIn(
  machine: AnyStateMachine,
  trace: EventTrace,
  answers: readonly Seen[],
  each: (place: GovernorState) => void = () => {},
): GovernorDifference | undefined {
  let at = 0;
  try {
    const { begin, step } = stepperOf(machine);
    let place = begin(trace);
    for (; at < trace.events.length; at++) {
      const [next, said] = step(place, trace.events[at]!);
      each((place = next));
      const what = differenceText(seenAt(place, said), answers[at]!);
      if (what !== undefined) return { at, what };
    }
  } catch (error) {
    return { at, what: `the governor throws ${String(error)}.` };
  }
  return undefined;
}

/** The smallest part of a trace that still differs, with the machine's answers. */
export function smallest(machine: AnyStateMachine, trace: EventTrace, departs: Departures): Counterexample {
  const differs = (events: readonly TempoGovernorEvent[]) =>
    differenceIn(machine, { ...trace, events }, promisedByModel({ ...trace, events }, departs));
  const events = shrinkList(trace.events, (rest) => differs(rest) !== undefined);
  return { what: differs(events)!.what, transcript: governorTranscript(machine, { ...trace, events }) };
}

/** The events that a machine receives, and its answers. */
export function governorTranscript(machine: AnyStateMachine, trace: EventTrace): Message[] {
  const rungs = trace.ladder.map((point) => `${point.frequency} ${pointName(point)}`).join(', ');
  const tunables = trace.tunables === undefined ? 'by default' : JSON.stringify(trace.tunables);
  const transcript: Message[] = [{ from: 'trace', text: `ladder ${rungs}; tunables ${tunables}` }];
  const { begin, step } = stepperOf(machine);
  try {
    let place = begin(trace);
    for (const event of trace.events) {
      transcript.push({ from: 'trace', to: 'governor', text: JSON.stringify(event) });
      const [next, said] = step(place, event);
      place = next;
      for (const { action, point } of said)
        transcript.push({ from: 'governor', to: 'pool', text: `${action} ${pointName(point)}` });
    }
  } catch (error) {
    transcript.push({ from: 'governor', text: `throws ${String(error)}` });
  }
  return transcript;
}
