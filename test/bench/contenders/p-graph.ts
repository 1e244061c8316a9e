import { type Contender, peer, peerVersion } from '../contender.ts';

interface PGraphModule {
  readonly PGraph: new (
    nodes: ReadonlyMap<string, { readonly run: () => Promise<void> }>,
    dependencies: readonly (readonly [string, string])[],
  ) => { run(): Promise<void> };
}

/** Nodes and edges by name, as its README shows. It orders steps and carries no values, so the values
 *  pass through an array, as its users do it. A graph can be run again. */
export const contender: Contender = {
  name: 'p-graph',
  how: 'nodes and edges by name; values through an array',
  load: async () => {
    const { PGraph } = await peer<PGraphModule>('p-graph');
    return {
      version: peerVersion('p-graph'),
      build: ({ nodes, step }) => {
        let results: number[] = [];
        const graph = new PGraph(
          new Map(
            nodes.map(({ id, name, deps }) => [
              name,
              {
                run: async () => {
                  results[id] = await step(
                    id,
                    deps.map((dep) => results[dep] as number),
                  );
                },
              },
            ]),
          ),
          nodes.flatMap(({ name, deps }) => deps.map((dep) => [nodes[dep]?.name ?? '', name] as const)),
        );
        return {
          run: async () => {
            results = [];
            await graph.run();
            return results;
          },
        };
      },
    };
  },
};
