/** Several machines, the messages in transit between them, and their surroundings: a {@link Model} to explore.
 *
 *  A machine has output (an action by its name, or by `emit`, `sendTo`, `sendParent`); `hears` states which machines
 *  receive it, and how: at once, within the same step, or over a channel, where it waits and anything may happen first.
 *  A channel to all machines is a bus. The other steps: the surroundings send an event to a machine, a delay (`after`)
 *  ends, an invoked actor ends.
 *
 *  Time. There is no clock: a delay that is under way may end at any moment, in any order. A property that holds here
 *  holds for any clocks, however slow the machines; one that fails here may need an order that your delays rule out.
 *  Rule it out with `allows`.
 *
 *  Supported: nested, parallel, final and history states, `always`, `after`, delayed `raise`, `emit`, `sendTo` and
 *  `sendParent` without a delay, invoked and spawned actors as outcomes. Refused with the reason: actors or other
 *  things than plain data in the context, `sendTo` with a delay, guards and assignments that come out differently when
 *  they are computed twice (random numbers always; the clock only where a millisecond passes in between, so take the
 *  time from events). */
import type { World, Step, Reaction, Member, SystemOptions } from './system-types.ts';
import { channelSteps, checkChannels, ChannelFull, lettersAfter } from './channel.ts';
import type { Channel } from './system-types.ts';
import type { Message } from './claim.ts';
import type { Model, StepResult } from './explorable.ts';
import { eventText, plainText, whole } from './plain.ts';
import { ownSteps, StepExecution } from './run.ts';
import { Stepper } from './stepper.ts';

/** What comes of a step of a system. */
export interface Happened<E> extends StepResult<World<E>> {
  readonly reactions: readonly Reaction[];
}

/** Machines, channels and surroundings, as a model. */
export interface System<E = unknown> extends Model<World<E>, Step> {
  after(world: World<E>, step: Step): Happened<E>;
  readonly members: Readonly<Record<string, Member>>;
}

/** Puts machines together.
 *  @throws {RangeError} for no machine, for more than 32, or a channel out of its range.
 *  @throws {Error} when a machine cannot begin, or something is named that is not there.
 *  @example
 *  ```ts
 *  const lamp = createMachine({
 *    initial: 'off',
 *    states: { off: { on: { PRESS: 'on' } }, on: { after: { 60_000: 'off' } } },
 *  });
 *  const room = system({
 *    machines: { lamp },
 *    surroundings: { initial: null, may: () => [{ to: 'lamp', event: { type: 'PRESS' } }] },
 *  });
 *  (await explore(room)).situations; // 2
 *  ``` */
export function system<E = unknown>(options: SystemOptions<E>): System<E> {
  return new Composed(options);
}

class Composed<E> implements System<E> {
  readonly members: Readonly<Record<string, Member>>;
  readonly initial: World<E>;
  readonly #options: SystemOptions<E>;
  readonly #channels: Readonly<Record<string, Channel>>;
  readonly #steppers: Readonly<Record<string, Stepper>>;
  readonly #waits: boolean;

  constructor(options: SystemOptions<E>) {
    const { machines, channels = {}, surroundings } = options;
    const names = Object.keys(machines);
    whole('the number of machines', names.length, 1, 32);
    checkChannels(channels);
    for (const name of names)
      if (name === '*' || name in channels)
        throw new Error(
          `system: the name ${name} has another meaning (a channel, or all machines); choose another.`,
        );
    const members = Object.entries(machines).map(
      ([name, given]) => [name, 'machine' in given ? given : { machine: given }] as const,
    );
    this.#options = options;
    this.#channels = channels;
    this.#waits = Object.values(channels).some(({ full }) => full === 'wait');
    this.members = Object.fromEntries(members);
    this.#steppers = Object.fromEntries(
      members.map(([name, { machine, input }]) => [name, new Stepper(name, machine, input)]),
    );
    const run = new StepExecution(options, this.#steppers, {
      parts: Object.fromEntries(names.map((name) => [name, this.#steppers[name]!.start.part])),
      channels: Object.fromEntries(Object.keys(channels).map((name) => [name, []])),
      surroundings: surroundings?.initial as E,
    });
    for (const name of names) run.said(name, this.#steppers[name]!.start.outputs);
    run.settle();
    if (run.broken !== undefined) throw new Error(`system cannot begin: ${run.broken}`);
    this.initial = run.world;
  }

  steps(world: World<E>): Step[] {
    const { surroundings } = this.#options;
    const told = (surroundings?.may(world) ?? []).map(({ to, event, from = 'outside' }): Step => ({
      kind: 'tell',
      from,
      to: [to],
      event,
    }));
    const own = Object.entries(world.parts).flatMap(([name, part]) =>
      ownSteps(name, part, this.members[name]!),
    );
    const { allows } = this.#options;
    const all = [...told, ...channelSteps(this.#channels, world.channels), ...own];
    const allowed = allows === undefined ? all : all.filter((step) => allows(world, step));
    return this.#waits ? allowed.filter((step) => this.#fits(world, step)) : allowed;
  }

  after(world: World<E>, step: Step): Happened<E> {
    const { reactions: heard, world: to, broken } = this.#run(world, step);
    const around = this.#options.surroundings?.after?.(world, step, heard) ?? world.surroundings;
    return {
      world: { ...to, surroundings: around },
      reactions: heard,
      ...(broken === undefined ? {} : { broken }),
    };
  }

  key({ parts, channels, surroundings }: World<E>): string {
    const texts = Object.entries(parts).map(([name, part]) => this.#steppers[name]!.text(part));
    return `${texts.join('|')}|${plainText(channels, 'channels')}|${plainText(surroundings, 'surroundings')}`;
  }

  label({ kind, from, to, event }: Step): string {
    return `${kind} ${from} → ${to.join('+')}: ${eventText(event)}`;
  }

  messages(world: World<E>, step: Step): readonly Message[] {
    const messages: Message[] = [];
    this.#run(world, step, messages);
    return messages;
  }

  #run(world: World<E>, step: Step, messages?: Message[]): StepExecution<E> {
    const from = { ...world, channels: lettersAfter(world.channels, step) };
    const run = new StepExecution(this.#options, this.#steppers, from, messages);
    run.take(step);
    run.settle();
    return run;
  }

  #fits(world: World<E>, step: Step): boolean {
    try {
      this.#run(world, step);
      return true;
    } catch (error) {
      if (error instanceof ChannelFull) return false;
      throw error;
    }
  }
}
