/** `tutti bench coherence`: the published traces, run again through the real lines and the real bus. */
import {
  benchCoherence,
  sweepVolatility,
  table6,
  type CoherenceBenchOptions,
  type BenchRow,
} from '../reproductions/token-savings.ts';
import { STRATEGIES, type StrategyName } from '../coherence/strategy.ts';

export interface BenchFlags {
  readonly strategy?: StrategyName;
  readonly delta?: boolean;
  readonly writeProbability?: number;
  readonly seed?: number;
  readonly runs?: number;
  readonly sweep?: boolean;
  readonly json?: boolean;
}

export { STRATEGIES };

export async function benchCoherenceCommand({ json, sweep, ...options }: BenchFlags): Promise<number> {
  const given: CoherenceBenchOptions = options;
  const { rows } = sweep ? await sweepVolatility(given) : await benchCoherence(given);
  if (json) {
    process.stdout.write(`${JSON.stringify({ rows }, null, 2)}\n`);
    return 0;
  }
  const cells = (row: BenchRow): string[] => [
    row.scenario,
    row.strategy + (row.delta ? ' + delta' : ''),
    row.tokens.toFixed(1),
    `${(100 * row.savings).toFixed(2)} %`,
    `${(100 * row.hitRate).toFixed(1)} %`,
    row.staleHits.toFixed(1),
    row.blindWrites.toFixed(1),
    row.invalidations.toFixed(1),
  ];
  const head = ['scenario', 'strategy', 'tokens', 'savings', 'hits', 'stale', 'blind', 'invalidations'];
  const lines = [head, ...rows.map(cells)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) =>
    line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
  process.stdout.write(`${text.join('\n')}\n`);
  if (options.strategy === undefined && !sweep) {
    const { modifications, none, mesi } = await table6();
    process.stdout.write(
      `\ncollaborative writing, 3 agents × 3 rounds: without coherency ${none.stale} of ${modifications} stale; ` +
        `with MESI ${mesi.stale} of ${modifications}, ${mesi.rfos} RFOs, ${mesi.invalidations} invalidations\n`,
    );
  }
  return 0;
}
