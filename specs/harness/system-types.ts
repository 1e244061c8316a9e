/** The words of a system: its machines, its channels, its surroundings, and the steps that they take together. */
import type { AnyStateMachine, EventObject } from 'xstate';
import type { MachineOutput, Part } from './part.ts';

/** How a channel treats what is put on it. A reliable one delivers each letter once, in order. */
export interface Channel {
  /** Letters in transit at once: 1 … 64. Default 4. */
  readonly capacity?: number;
  /** What happens to a letter for which there is no room: the exploration ends with an error, the letter is lost, or
   *  the sender has to wait. Default `error`, so that a bound is never taken for a proof. */
  readonly full?: 'error' | 'lose' | 'wait';
  /** It may lose its oldest letter. */
  readonly loses?: boolean;
  /** It may deliver its oldest letter more than once. */
  readonly repeats?: boolean;
  /** Any letter may come first, not only the oldest. */
  readonly reorders?: boolean;
}

export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  readonly event: EventObject;
}

export type Letters = Readonly<Record<string, readonly Letter[]>>;

export type Channels = Readonly<Record<string, Channel>>;

/** Where everything is. Plain data. */
export interface World<E = unknown> {
  /** By name: where each machine is. */
  readonly parts: Readonly<Record<string, Part>>;
  /** By channel: the letters in transit, the oldest first. */
  readonly channels: Letters;
  readonly surroundings: E;
}

/** What may happen next. */
export interface Step {
  /** `tell`: the surroundings send to a machine. `deliver`, `lose`, `repeat`: a channel delivers its oldest letter,
   *  loses it, or delivers it and keeps it. `timeout`: a delay ends. `outcome`: an invoked actor ends. */
  readonly kind: 'tell' | 'deliver' | 'lose' | 'repeat' | 'timeout' | 'outcome';
  /** The sender, the channel, the machine whose delay ends, or the actor that ends. */
  readonly from: string;
  readonly to: readonly string[];
  readonly event: EventObject;
}

/** An event that a machine received, and its answer. */
export interface Reaction {
  readonly part: string;
  readonly from: string;
  readonly event: EventObject;
  readonly outputs: readonly MachineOutput[];
  readonly before: Part;
  readonly after: Part;
}

/** The event that a word becomes for its receivers. */
export interface Delivery {
  /** One machine, several in this order, or `*` for all of them in the order of their declaration. */
  readonly to: string | readonly string[];
  readonly event: EventObject;
  /** The channel; without one it is received at once, within the same step. */
  readonly over?: string;
}

/** How an invoked or spawned actor may end. */
export type ActorEnd = { readonly output: unknown } | { readonly error: unknown };

export interface Member {
  readonly machine: AnyStateMachine;
  readonly input?: unknown;
  /** By the id or `src` of what it invokes or spawns: how that may end. `[]`: never. */
  readonly outcomes?: Readonly<Record<string, readonly ActorEnd[]>>;
}

/** An event from the surroundings to a machine. */
export interface SurroundingsEvent {
  readonly to: string;
  readonly event: EventObject;
  /** The sender's name in a transcript. Default: `outside`. */
  readonly from?: string;
}

/** What the machines live in. The state `E` is plain data. */
export interface SystemSurroundings<E> {
  readonly initial: E;
  /** The events that they may send next. */
  may(world: World<E>): readonly SurroundingsEvent[];
  /** The surroundings after a step in which these events were received and answered. Default: as before. */
  after?(before: World<E>, step: Step, heard: readonly Reaction[]): E;
}

export interface SystemOptions<E = unknown> {
  /** By name: each machine, alone or with its input and the outcomes of what it invokes. 1 … 32. */
  readonly machines: Readonly<Record<string, AnyStateMachine | Member>>;
  /** Which machines receive a machine's output. Default: none. */
  readonly hears?: (
    word: MachineOutput,
    by: string,
    world: World<E>,
  ) => readonly Delivery[] | Delivery | undefined;
  /** By name: the channels between machines. */
  readonly channels?: Readonly<Record<string, Channel>>;
  readonly surroundings?: SystemSurroundings<E>;
  /** Steps for which this is false never happen: an order of delays that their numbers rule out, or a loss that the
   *  network does not have. Each is an assumption. Default: all may happen. */
  readonly allows?: (world: World<E>, step: Step) => boolean;
}
