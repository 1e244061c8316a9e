/** What the tests that follow machines' graphs share: paths over every transition, a clock and a bus that a test works by
 *  hand, and a watch on one live actor. */
import { createTestModel } from '@xstate/graph';
import { expect } from 'vitest';
import { transition, type AnyStateMachine, type EventObject, type InspectionEvent } from 'xstate';
import type { PublishOptions, Seq } from '../../actors/bus/bus.ts';
import type { Clock, TimerId } from '../../actors/bus/clock.ts';
import { createBus, type InProcessBus } from '../../actors/bus/in-process-bus.ts';
import type { Signal } from '../../machines/hct/signal.ts';
import { tableCells } from '../../specs/harness/cells.ts';

/** What a machine is, as far as a test compares it. */
export interface MachineState<Context = any> {
  readonly value: string;
  readonly context: Context;
}
export interface PathStep<Context = any> {
  readonly event: EventObject;
  /** The machine after the event. */
  readonly state: MachineState<Context>;
}
export type Path<Context = any> = readonly PathStep<Context>[];

interface GraphOptions<Context> {
  readonly input?: unknown;
  /** The machine's snapshot to begin with. Default: its initial one. */
  readonly fromState?: unknown;
  /** What may come in a state, as far as its table does not call it impossible. */
  readonly events: (state: MachineState<Context>) => readonly EventObject[];
  /** States that paths end in. */
  readonly stopWhen?: (state: MachineState<Context>) => boolean;
  /** Tells equal states apart where it matters how they were entered. */
  readonly entered?: (state: MachineState<Context>, event: EventObject | undefined) => string;
}

/** Paths over every transition of a machine's graph: a shortest path to its state, then its event. None is the beginning
 *  of another. */
export function pathsOf<Context = any>(
  machine: AnyStateMachine,
  { input, fromState, events: given, stopWhen = () => false, entered = () => '' }: GraphOptions<Context>,
): Path<Context>[] {
  const impossible = new Set(
    tableCells(machine).flatMap(({ state, event, kind }) =>
      kind === 'impossible' ? [`${state} ${event}`] : [],
    ),
  );
  const events = (state: MachineState<Context>) =>
    given(state).filter(({ type }) => !impossible.has(`${state.value} ${type}`));
  const toStates = createTestModel(machine as never).getShortestPaths({
    input,
    ...(fromState === undefined ? {} : { fromState }),
    stopWhen,
    events, // here and not above, where a model adds the events that a function leaves out
    serializeState: (state: MachineState<Context>, event?: EventObject) =>
      JSON.stringify([state.value, state.context, entered(state, event)]),
    allowDuplicatePaths: true,
  } as never) as unknown as { steps: PathStep<Context>[]; state: MachineState<Context> }[];
  const paths = toStates.flatMap(({ steps, state }) => {
    if (stopWhen(state)) return [];
    return events(state).map((event) => {
      const [next] = transition(machine, state as never, event);
      return [...steps.slice(1), { event, state: next as unknown as MachineState<Context> }];
    });
  });
  const keyOf = (path: Path) => JSON.stringify(path.map(({ event }) => event));
  const beginnings = new Set(paths.map((path) => keyOf(path.slice(0, -1))));
  return paths.filter((path) => !beginnings.has(keyOf(path)));
}

/** A machine's cell with the data that its guards look at, such as `executing DONE again`. */
export const cellOf = (state: string, { type, ...data }: EventObject): string =>
  [
    state,
    type,
    ...Object.entries(data).flatMap(([key, value]) =>
      value === true ? [key] : value === false ? [`not ${key}`] : [],
    ),
  ].join(' ');

/** A path up to the first event that is listed as not to be caused. */
export function causable<Context>(
  path: Path<Context>,
  from: string,
  notCaused: Readonly<Record<string, string>>,
): Path<Context> {
  const end = path.findIndex(({ event }, i) => cellOf(path[i - 1]?.state.value ?? from, event) in notCaused);
  return end < 0 ? path : path.slice(0, end);
}

export const describePath = (path: Path): string =>
  path.map(({ event }) => JSON.stringify(event).replaceAll('"', '')).join(' → ');

/** Lets everything happen that is not waiting for a test. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for the end of a performance that nothing keeps any more.
 *  @throws {Error} if it does not end */
export async function ended(outcome: Promise<unknown>): Promise<void> {
  let over = false;
  void outcome.then(() => (over = true));
  for (let turns = 0; turns < 100 && !over; turns++) await turn();
  if (!over) throw new Error('the performance does not end');
}

/** Time that passes only where a test says so. */
export class HandClock implements Clock {
  readonly #timers: { readonly ms: number; readonly callback: () => void }[] = [];
  now(): number {
    return 0;
  }
  setTimeout(callback: () => void, ms: number): TimerId {
    const timer = { ms, callback };
    this.#timers.push(timer);
    return timer;
  }
  clearTimeout(id: TimerId): void {
    const at = this.#timers.indexOf(id as never);
    if (at >= 0) this.#timers.splice(at, 1);
  }
  has(ms: number): boolean {
    return this.#timers.some((timer) => timer.ms === ms);
  }
  /** Runs the oldest timer of this length. */
  fire(ms: number): void {
    const at = this.#timers.findIndex((timer) => timer.ms === ms);
    const [timer] = at < 0 ? [] : this.#timers.splice(at, 1);
    if (timer === undefined) throw new Error(`no timer of ${ms} ms has been set`);
    timer.callback();
  }
  atEndOfInstant(callback: () => void): void {
    queueMicrotask(callback);
  }
  afterThisTurn(callback: () => void): void {
    queueMicrotask(callback);
  }
  work(): void {}
  rest(): void {}
}

/** A bus that keeps signals back until a test delivers or refuses them. */
export class BusOnHold {
  readonly bus: InProcessBus = createBus({ runId: 'graphs' });
  readonly #publish = this.bus.publish.bind(this.bus);
  readonly #waiting: { signal: Signal; deliver: () => void; refuse: (error: Error) => void }[] = [];
  #holds: (signal: Signal) => boolean;

  constructor(holds: (signal: Signal) => boolean) {
    this.#holds = holds;
    this.bus.publish = (signal, options) =>
      this.#holds(signal) ? this.#keep(signal, options) : this.#publish(signal, options);
  }
  get waiting(): readonly Signal[] {
    return this.#waiting.map(({ signal }) => signal);
  }
  deliver(): void {
    this.#next().deliver();
  }
  refuse(): void {
    this.#next().refuse(new Error('the test refuses it'));
  }
  /** Delivers what it keeps, and everything from now on. */
  open(): void {
    this.#holds = () => false;
    while (this.#waiting.length > 0) this.deliver();
  }
  #next() {
    const next = this.#waiting.shift();
    if (next === undefined) throw new Error('the bus keeps nothing back');
    return next;
  }
  #keep(signal: Signal, options: PublishOptions | undefined): Promise<Seq> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ signal, deliver: () => resolve(this.#publish(signal, options)), refuse: reject });
    });
  }
}

/** Agents' answers that a test gives by hand. */
export class Answers {
  readonly #open: {
    stepId: string;
    signal: AbortSignal;
    resolve: (value: unknown) => void;
    reject: (error: Error) => void;
  }[] = [];
  /** How many agents have been started. */
  started = 0;
  readonly run = (
    _: unknown,
    { stepId, signal }: { stepId: string; signal: AbortSignal },
  ): Promise<unknown> => {
    this.started++;
    return new Promise((resolve, reject) => void this.#open.push({ stepId, signal, resolve, reject }));
  };
  /** The steps whose agents work. */
  get running(): readonly string[] {
    return this.#open.map(({ stepId }) => stepId);
  }
  get aborted(): boolean {
    return this.#open.some(({ signal }) => signal.aborted);
  }
  resolve(value: unknown): void {
    this.#next().resolve(value);
  }
  reject(error: Error): void {
    this.#next().reject(error);
  }
  /** Answers for every agent that works. */
  end(): void {
    while (this.#open.length > 0) this.resolve(undefined);
  }
  #next() {
    const next = this.#open.shift();
    if (next === undefined) throw new Error('no agent works');
    return next;
  }
}

/** What one actor has received, and its state, as `inspect` shows them. */
export class Watch {
  #events: EventObject[] = [];
  #state: MachineState | undefined;
  readonly #id: string;

  constructor(id: string) {
    this.#id = id;
  }
  readonly inspect = (inspected: InspectionEvent): void => {
    if ((inspected.actorRef as unknown as { id: string }).id !== this.#id) return;
    if (inspected.type === '@xstate.event' && !inspected.event.type.startsWith('xstate.'))
      this.#events.push(inspected.event);
    else if (inspected.type === '@xstate.snapshot')
      this.#state = inspected.snapshot as unknown as MachineState;
  };
  get state(): MachineState {
    if (this.#state === undefined) throw new Error(`${this.#id} has not been created`);
    return this.#state;
  }
  /** The events since the last call. */
  take(): EventObject[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** Claims that what was caused and what is said not to be are all that a machine's paths contain. */
export function expectExact(
  paths: readonly Path[],
  from: string,
  caused: ReadonlySet<string>,
  notCaused: Readonly<Record<string, string>>,
): void {
  const all = new Set(
    paths.flatMap((path) => path.map(({ event }, i) => cellOf(path[i - 1]?.state.value ?? from, event))),
  );
  expect([...caused].filter((cell) => cell in notCaused)).toEqual([]);
  expect([...caused, ...Object.keys(notCaused)].sort()).toEqual([...all].sort());
}
