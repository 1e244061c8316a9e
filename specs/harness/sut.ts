/** Something that has to do what a model does: an implementation, or an oracle. It receives the same events in the same
 *  order, and is compared with the model after each.
 *
 *  The shape is that of `sut` in XState's proposal (statelyai/xstate#5627): `create` makes a session for one run,
 *  `projectModel` and `read` give what is compared. Two things differ: a session receives the name of the machine that
 *  received the event, since a model may have several machines; and it may also be an oracle (in the proposal,
 *  `reference` has another shape). */
import {
  createActor,
  fromCallback,
  type AnyActorLogic,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import type { StepResult } from './explorable.ts';
import { plainText } from './plain.ts';
import type { Reaction, World } from './system-types.ts';
import type { MachineOutput } from './part.ts';

/** What a session receives in addition to the event. */
export interface SutInput<W> {
  /** The machine that received it; nothing for a model that is not a `system`. */
  readonly part: string | undefined;
  readonly from: string | undefined;
  /** What the model's machine answered. */
  readonly outputs: readonly MachineOutput[];
  /** The model's world after the step. */
  readonly world: W;
}

/** One run of it. */
export interface SutRun<W> {
  send(event: EventObject, input: SutInput<W>): void | Promise<void>;
  /** What can be seen of it; compared with `projectModel(world)` after each step. */
  read?(): unknown;
  /** Called at the end of the run, also when the run failed. */
  dispose?(): void | Promise<void>;
}

export interface Sut<W> {
  create(): SutRun<W> | Promise<SutRun<W>>;
  /** What `read` should give. Needed where a session reads. */
  readonly projectModel?: (world: W) => unknown;
}

type Opened<W> = readonly [name: string, counterpart: Sut<W>, session: SutRun<W>];

/** A run of some counterparts beside a model's. */
export class SutRuns<W> {
  readonly #all: readonly Opened<W>[];
  private constructor(all: readonly Opened<W>[]) {
    this.#all = all;
  }

  static async open<W>(counterparts: Readonly<Record<string, Sut<W> | undefined>>): Promise<SutRuns<W>> {
    const all: Opened<W>[] = [];
    for (const [name, counterpart] of Object.entries(counterparts))
      if (counterpart !== undefined) all.push([name, counterpart, await counterpart.create()]);
    return new SutRuns(all);
  }

  /** @returns how one of them differs, if it does. */
  async compare(world: W): Promise<string | undefined> {
    for (const [name, { projectModel }, session] of this.#all) {
      if (session.read === undefined) continue;
      if (projectModel === undefined) throw new Error(`${name} is read, so it needs projectModel as well.`);
      const [model, other] = [
        plainText(projectModel(world), 'projectModel'),
        plainText(await session.read(), `${name}.read`),
      ];
      if (model !== other) return `The model is at ${model}, the ${name} at ${other}.`;
    }
    return undefined;
  }

  /** Sends a step to all of them, and compares. */
  async step<S>(step: S, taken: StepResult<W>): Promise<string | undefined> {
    const { reactions } = taken as { readonly reactions?: readonly Reaction[] };
    for (const [name, , session] of this.#all) {
      try {
        for (const { part, from, event, outputs } of reactions ?? [])
          await session.send(event, { part, from, outputs, world: taken.world });
        if (reactions === undefined)
          await session.send(step as EventObject, {
            part: undefined,
            from: undefined,
            outputs: [],
            world: taken.world,
          });
      } catch (error) {
        return `The ${name} threw: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    return this.compare(taken.world);
  }

  async close(): Promise<void> {
    for (const [, , session] of this.#all) await session.dispose?.();
  }
}

/** One machine of a system as a real, running actor: interpreted, or `compile(machine)`. Compared are its value, its
 *  context and whether it is done. Its delays end and its named actors end when the model says so, and not by themselves;
 *  its actions act, unless they are provided otherwise. Actors that are invoked inline, and not by a name, really run.
 *  @param part its name in the system.
 *  @example
 *  ```ts
 *  const bulb = createMachine({ initial: 'off', states: { off: { on: { PRESS: 'on' } }, on: { on: { PRESS: 'off' } } } });
 *  const press = { initial: null, may: () => [{ to: 'bulb', event: { type: 'PRESS' } }] };
 *  const explored = await explore(system({ machines: { bulb }, surroundings: press }));
 *  (await testPaths(explored, { sut: realActor('bulb', bulb) })).counterexample; // undefined
 *  ``` */
export function realActor<E = unknown>(
  part: string,
  logic: AnyActorLogic,
  { input }: { readonly input?: unknown } = {},
): Sut<World<E>> {
  const still = { setTimeout: () => 0, clearTimeout: () => {} };
  const machine = logic as AnyStateMachine;
  const actors = Object.keys(machine.implementations?.actors ?? {});
  const quiet =
    actors.length === 0
      ? logic
      : machine.provide({
          actors: Object.fromEntries(actors.map((name) => [name, fromCallback(() => {})])),
        } as never);
  return {
    create: () => {
      const actor = createActor(quiet, { input, clock: still }).start();
      return {
        send: (event, { part: receiver }) => {
          if (receiver === part && actor.getSnapshot().status === 'active') actor.send(event);
        },
        read: () => seen(actor.getSnapshot() as never),
        dispose: () => void actor.stop(),
      };
    },
    projectModel: (world) => seen(world.parts[part]!),
  };
}

const seen = ({ value, context, status }: { value: unknown; context: unknown; status: string }) => ({
  value,
  context,
  status,
});
