import { type Contender, peer, peerVersion } from '../contender.ts';
import type { WorkNode } from '../workloads.ts';

/** Opaque on purpose: only what this file calls is described. */
interface Effect<A> {
  readonly result?: () => A;
}
interface Deferred {
  readonly deferred: unique symbol;
}

interface EffectModule {
  readonly Effect: {
    sync<A>(evaluate: () => A): Effect<A>;
    promise<A>(evaluate: () => Promise<A>): Effect<A>;
    flatMap<A, B>(effect: Effect<A>, next: (value: A) => Effect<B>): Effect<B>;
    tap<A>(effect: Effect<A>, also: (value: A) => Effect<unknown>): Effect<A>;
    forEach<I, A>(
      items: readonly I[],
      body: (item: I) => Effect<A>,
      options?: { readonly concurrency: 'unbounded' },
    ): Effect<A[]>;
    runPromise(effect: Effect<unknown>): Promise<unknown>;
  };
  readonly Deferred: {
    makeUnsafe(): Deferred;
    await(deferred: Deferred): Effect<number>;
    succeed(deferred: Deferred, value: number): Effect<boolean>;
  };
}

/** A fibre per node, which awaits the Deferreds of its operands and completes its own. Written with
 *  combinators: the same with generators was half as fast. */
export const contender: Contender = {
  name: 'effect',
  how: 'a fibre per node (`Effect.forEach`, unbounded) and a `Deferred` per result',
  load: async () => {
    const { Effect, Deferred } = await peer<EffectModule>('effect');
    return {
      version: peerVersion('effect'),
      build: ({ nodes, step }) => {
        const cells = (): Deferred[] => nodes.map(() => Deferred.makeUnsafe());
        const program = Effect.flatMap(Effect.sync(cells), (results) => {
          const read = (dep: number): Effect<number> => Deferred.await(results[dep] as Deferred);
          const perform = ({ id, deps }: WorkNode): Effect<number> =>
            Effect.flatMap(Effect.forEach(deps, read), (operands) =>
              Effect.tap(
                Effect.promise(() => step(id, operands)),
                (result) => Deferred.succeed(results[id] as Deferred, result),
              ),
            );
          return Effect.forEach(nodes, perform, { concurrency: 'unbounded' });
        });
        return { run: () => Effect.runPromise(program) };
      },
    };
  },
};
