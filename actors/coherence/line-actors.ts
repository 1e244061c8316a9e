/** The lines as XState's own actors, for whoever inspects: one compiled cache line each, told what its line is told.
 *
 *  They are watched, not obeyed: their words have no meaning here. Made when somebody looks, where each line is then. */
import {
  createActor,
  createEmptyActor,
  type AnyActorRef,
  type InspectionEvent,
  type Observer,
  type Subscription,
} from 'xstate';
import { cacheLine, type CacheLineMachine } from '../../machines/cache-line.ts';
import { compile, type CompiledLogic } from '../../machines/compile.ts';
import type { Line } from './line.ts';

export type Inspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

let compiled: CompiledLogic<CacheLineMachine> | undefined;

export class LineActors {
  readonly #root = createEmptyActor();
  readonly #actors = new Map<Line, AnyActorRef>();

  /** The actors' system: whose lines they are. */
  get system(): AnyActorRef['system'] {
    return this.#root.system;
  }
  look(inspect: Inspect): Subscription {
    return this.system.inspect(inspect as Observer<InspectionEvent>);
  }
  begin(line: Line, index: number): void {
    const { state, context } = line.row;
    const snapshot = { status: 'active', value: state, context: { ...context, line: index } };
    const actor = createActor((compiled ??= compile(cacheLine)), {
      parent: this.#root,
      id: `line:${index}`,
      snapshot: snapshot as never,
      input: undefined,
    });
    actor.start();
    this.#actors.set(line, actor);
  }
  of(line: Line): AnyActorRef | undefined {
    return this.#actors.get(line);
  }
  stop(): void {
    for (const actor of this.#actors.values()) actor.send({ type: 'xstate.stop' });
  }
}
