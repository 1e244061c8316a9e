/** One step of a system, to its end: which machines receive an event, what each answers, and which machines receive
 *  that. */
import { put } from './channel.ts';
import type { Message } from './claim.ts';
import { eventText } from './plain.ts';
import { stateNames, type Part, type MachineOutput } from './part.ts';
import type { Stepped, Stepper } from './stepper.ts';
import type { Delivery, Reaction, Member, ActorEnd, Step, SystemOptions, World } from './system-types.ts';

/** A step with more words than this is treated as one that never ends. */
const MOST_WORDS = 1_000;

export class StepExecution<E> {
  readonly reactions: Reaction[] = [];
  /** What happened, for a transcript; only where it is wanted, since it takes longer than the step. */
  readonly messages: Message[] | undefined;
  broken: string | undefined;
  world: World<E>;
  readonly #options: SystemOptions<E>;
  readonly #steppers: Readonly<Record<string, Stepper>>;
  readonly #said: { readonly by: string; readonly word: MachineOutput }[] = [];

  constructor(
    options: SystemOptions<E>,
    steppers: Readonly<Record<string, Stepper>>,
    world: World<E>,
    messages?: Message[],
  ) {
    this.messages = messages;
    this.#options = options;
    this.#steppers = steppers;
    this.world = world;
  }

  /** The step itself. */
  take(step: Step): void {
    const { kind, from, to, event } = step;
    const names = this.#receivers(to);
    this.messages?.push(...told({ ...step, to: names }));
    if (kind === 'lose') return;
    for (const name of names) {
      const part = this.world.parts[name];
      const timer = kind === 'timeout' ? part?.timers.find((t) => t.event.type === event.type) : undefined;
      this.#hear(name, from, event, (stepper, at) =>
        timer === undefined ? stepper.step(at, event) : stepper.fire(at, timer),
      );
    }
  }

  /** Queues a machine's output; `settle` delivers it. */
  said(by: string, words: readonly MachineOutput[]): void {
    for (const word of words) this.#said.push({ by, word });
  }

  /** Delivers all output, in order, until no machine has any more.
   *  @throws when it never ends. */
  settle(): void {
    for (let words = 0; this.#said.length > 0; words++) {
      const { by, word } = this.#said.shift()!;
      if (words > MOST_WORDS)
        throw new Error(
          `system: more than ${MOST_WORDS} words in one step; at last ${by} said ${word.type}.`,
        );
      const deliveries = this.#options.hears?.(word, by, this.world) ?? [];
      for (const delivery of [deliveries].flat() as Delivery[]) this.#deliver(by, delivery);
    }
  }

  #deliver(by: string, { to, event, over }: Delivery): void {
    const letter = { from: by, to: typeof to === 'string' ? [to] : to, event };
    const names = this.#receivers(letter.to);
    if (over === undefined) {
      for (const name of names) {
        this.messages?.push({ from: by, to: name, text: eventText(event) });
        this.#hear(name, by, event, (stepper, at) => stepper.step(at, event));
      }
      return;
    }
    for (const name of names) this.#stepper(name, by);
    const before = this.world.channels;
    const channels = put(this.#options.channels ?? {}, before, over, letter);
    const text = eventText(event);
    this.messages?.push({ from: by, to: over, text });
    if (channels === before) this.messages?.push({ from: over, text: `has no room: loses ${text}` });
    this.world = { ...this.world, channels };
  }

  #hear(
    name: string,
    from: string,
    event: Step['event'],
    step: (stepper: Stepper, at: Part) => Stepped,
  ): void {
    const stepper = this.#stepper(name, from);
    const before = this.world.parts[name]!;
    const { part, outputs: words, broken } = step(stepper, before);
    this.world = { ...this.world, parts: { ...this.world.parts, [name]: part } };
    this.reactions.push({ part: name, from, event, outputs: words, before, after: part });
    this.broken ??= broken;
    if (this.messages !== undefined) {
      const [was, is] = [before, part].map(({ value }) => stateNames(stepper.machine, value).join(', '));
      if (was !== is) this.messages.push({ from: name, text: `${was} → ${is}` });
    }
    this.said(name, words);
  }

  #receivers(to: readonly string[]): readonly string[] {
    return to.length === 1 && to[0] === '*' ? Object.keys(this.#steppers) : to;
  }

  #stepper(name: string, by: string): Stepper {
    const stepper = this.#steppers[name];
    if (stepper !== undefined) return stepper;
    const there = Object.keys(this.#steppers).join(', ');
    throw new Error(`system: ${by} tells ${JSON.stringify(name)}, and there is no such machine (${there}).`);
  }
}

/** The step as it stands in a transcript, before any machine answers. */
function told({ kind, from, to, event }: Step): Message[] {
  const text = eventText(event);
  if (kind === 'lose') return [{ from, text: `loses ${text}` }];
  if (kind === 'timeout') return [{ from, text }];
  const arrows = to.map((name) => ({ from, to: name, text }));
  return kind === 'repeat' ? [...arrows, { from, text: `keeps ${text}, to deliver it again` }] : arrows;
}

/** Steps of a machine without an event from outside: a delay ends, or an actor that it invoked ends.
 *  @throws when `outcomes` does not state how that actor may end. */
export function ownSteps(name: string, part: Part, { outcomes = {} }: Member): Step[] {
  const delays = part.timers.map(({ event }): Step => ({ kind: 'timeout', from: name, to: [name], event }));
  const ends = part.running.flatMap(({ id, src }) => {
    const all = outcomes[id] ?? outcomes[src];
    if (all === undefined)
      throw new Error(
        `${name} runs the actor ${JSON.stringify(id)} (${src}), and its outcomes are not given. Give them with the ` +
          `machine: { machine, outcomes: { ${JSON.stringify(src === 'inline' ? id : src)}: [{ output: … }, { error: … }] } }; [] means that it never ends.`,
      );
    return all.map((outcome): Step => ({
      kind: 'outcome',
      from: id,
      to: [name],
      event: ending(id, outcome),
    }));
  });
  return [...delays, ...ends];
}

const ending = (id: string, outcome: ActorEnd) =>
  'error' in outcome
    ? { type: `xstate.error.actor.${id}`, error: outcome.error, actorId: id }
    : { type: `xstate.done.actor.${id}`, output: outcome.output, actorId: id };
