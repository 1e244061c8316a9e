/** One step of a machine, without starting anything: no timer runs, no invoked actor begins, no action acts.
 *
 *  What XState's `transition` does, with three things added. A step returns all that it would have done, in order.
 *  Timers and invoked actors that are under way are part of the state, so that the exploration decides when each ends.
 *  And a step is computed only once: states are shared, and steps are cached. */
import { createActor, fromCallback, type AnyStateMachine, type EventObject } from 'xstate';
import {
  outside,
  stateNames,
  timersAfter,
  outputOf,
  type Part,
  type Running,
  type Timer,
  type MachineOutput,
} from './part.ts';
import { eventText, NotExplorableError, plainText } from './plain.ts';
import { scopeOf } from './scope.ts';

/** What came of a step. */
export interface Stepped {
  readonly part: Part;
  readonly outputs: readonly MachineOutput[];
  /** It cannot go on: a guard or an assignment threw, or the action `impossible` was taken. */
  readonly broken?: string;
}

const silent = fromCallback(() => {});

/** A machine as a function of its state and an event. */
export class Stepper {
  readonly machine: AnyStateMachine;
  readonly name: string;
  /** Where it begins. */
  readonly start: Stepped;
  readonly #self: any;
  readonly #scope: Record<string, unknown>;
  readonly #known = new Map<string, Part>();
  readonly #texts = new WeakMap<Part, string>();
  readonly #steps = new WeakMap<Part, Map<string, Stepped>>();
  readonly #children = new Map<string, unknown>();
  #heard: { type: string; params: any }[] = [];

  /** @throws when the machine cannot even begin, with the reason. */
  constructor(name: string, machine: AnyStateMachine, input: unknown) {
    this.name = name;
    this.machine = machine;
    const self: any = createActor(machine, { input, parent: outside } as never);
    self.system._set = () => {}; // the same actor is created again and again; its system id is no clash
    this.#self = self;
    this.#scope = scopeOf(self, (action: { type: string; params: unknown }) => void this.#heard.push(action));
    const begin = (): Stepped => {
      this.#heard = [];
      const first: any = machine.getInitialSnapshot(this.#scope as never, input);
      return this.#stepped(undefined, undefined, first);
    };
    try {
      this.start = this.#twice('its start', begin);
    } catch (error) {
      if (error instanceof NotExplorableError) throw error;
      throw new Error(`${name} cannot begin: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    if (this.start.broken !== undefined) throw new Error(`${name} cannot begin: ${this.start.broken}`);
  }

  /** What the machine does with an event. The same (state, event) gives the same object again. */
  step(part: Part, event: EventObject): Stepped {
    if (part.status === 'done') return { part, outputs: [] };
    let known = this.#steps.get(part);
    if (known === undefined) this.#steps.set(part, (known = new Map()));
    const text = plainText(event, `${this.name}'s event`);
    let stepped = known.get(text);
    if (stepped === undefined) {
      const label = `${eventText(event)} in ${stateNames(this.machine, part.value).join(', ')}`;
      known.set(text, (stepped = this.#twice(label, () => this.#compute(part, event))));
    }
    return stepped;
  }

  /** What the machine does when one of its delays ends. */
  fire(part: Part, timer: Timer): Stepped {
    return this.step(this.#shared({ ...part, timers: part.timers.filter((t) => t !== timer) }), timer.event);
  }

  /** The part's text, computed once. */
  text(part: Part): string {
    let text = this.#texts.get(part);
    if (text === undefined) this.#texts.set(part, (text = plainText(part, this.name)));
    return text;
  }

  #compute(part: Part, event: EventObject): Stepped {
    const { machine } = this;
    const { value, context, history = {} } = part;
    const historyValue = Object.fromEntries(
      Object.entries(history).map(([id, nodes]) => [id, nodes.map((node) => machine.getStateNodeById(node))]),
    );
    const from: any = machine.resolveState({ value, context, historyValue });
    from.children = Object.fromEntries(part.running.map(({ id }) => [id, this.#child(id)]));
    this.#heard = [];
    try {
      return this.#stepped(part, event, machine.transition(from, event, this.#scope as never));
    } catch (error) {
      if (error instanceof NotExplorableError) throw error;
      const said = error instanceof Error ? error.message : String(error);
      return { part, outputs: [], broken: `${this.name} threw: ${said}` };
    }
  }

  /** Reads what XState made of a step. */
  #stepped(before: Part | undefined, event: EventObject | undefined, next: any): Stepped {
    if (next.status === 'error') {
      const { error } = next as { error: unknown };
      throw error instanceof Error ? error : new Error(String(error));
    }
    const heard = this.#heard;
    const words = heard.flatMap((action) => outputOf(this.name, action));
    const done = next.status === 'done';
    const history = Object.entries(next.historyValue ?? {}) as [string, { id: string }[]][];
    const part: Part = {
      value: next.value,
      context: next.context,
      status: done ? 'done' : 'active',
      ...(next.output === undefined ? {} : { output: next.output }),
      timers: done ? [] : timersAfter(before?.timers ?? [], heard),
      running: done ? [] : this.#runningAfter(before?.running ?? [], event, next.children, heard),
      ...(history.length === 0
        ? {}
        : { history: Object.fromEntries(history.map(([id, nodes]) => [id, nodes.map((node) => node.id)])) }),
    };
    const impossible = words.some(({ kind, type }) => kind === 'action' && type === 'impossible');
    const where = stateNames(this.machine, (before ?? part).value).join(', ');
    return {
      part: this.#shared(part),
      outputs: words,
      ...(impossible ? { broken: `impossible: ${this.name} receives ${event?.type} in ${where}` } : {}),
    };
  }

  #runningAfter(
    before: readonly Running[],
    event: EventObject | undefined,
    children: Record<string, unknown>,
    heard: readonly { type: string; params: any }[],
  ): Running[] {
    const begun = heard
      .filter(({ type, params }) => type === 'xstate.spawnChild' && params.actorRef !== undefined)
      .map(({ params }): Running => {
        const { src } = params as { src: unknown };
        return { id: String(params.actorRef.id), src: typeof src === 'string' ? src : 'inline' };
      });
    const ended = event?.type.match(/^xstate\.(?:done|error)\.actor\.(.+)$/)?.[1];
    const left = before.filter(({ id }) => id !== ended && !begun.some((other) => other.id === id));
    return [...left, ...begun].filter(({ id }) => children[id] !== undefined);
  }

  /** Stands for a child that runs. */
  #child(id: string): unknown {
    let child = this.#children.get(id);
    if (child === undefined)
      this.#children.set(id, (child = createActor(silent, { id, parent: this.#self })));
    return child;
  }

  #shared(part: Part): Part {
    const text = plainText(part, this.name);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, part);
    this.#texts.set(part, text);
    return part;
  }

  /** Each step is computed twice: a machine that reads the clock or a random number cannot be explored. */
  #twice(label: string, compute: () => Stepped): Stepped {
    const said = ({ outputs: words }: Stepped) => plainText(words, `what ${this.name} says`);
    const [first, second] = [compute(), compute()];
    if (first.part === second.part && said(first) === said(second)) return first;
    throw new NotExplorableError(
      `${this.name} is not a function of its state and event: ${label} came out differently the second time. ` +
        'Take the time, ids and random numbers from the event instead.',
    );
  }
}
