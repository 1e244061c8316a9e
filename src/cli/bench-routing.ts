/** `tutti bench routing`: the paper's Table 5 recomputed, and the governors' traces. */
import { writeFile } from 'node:fs/promises';
import { messageOf } from '../../actors/tomasulo/errors.ts';
import { benchRouting } from '../reproductions/routing-savings.ts';
import { CommandLineError } from './usage.ts';

export interface RoutingFlags {
  readonly picture?: string;
  readonly json?: boolean;
}

export async function benchRoutingCommand({ picture: file, json }: RoutingFlags): Promise<number> {
  const found = await benchRouting();
  const { picture, ...figures } = found;
  if (file !== undefined) {
    await writeFile(file, picture).catch((error: unknown) => {
      throw new CommandLineError(`--picture ${file}: cannot be written to (${messageOf(error)}).`);
    });
  }
  if (json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  else {
    const { printed, fromComponents, recomputed, estimated } = found.table5;
    const rows: [string, { single: number; router: number; savings: number }][] = [
      ['as the paper prints it', printed],
      ["from the paper's components", fromComponents],
      ["today's prices, by class", recomputed],
      ["today's prices, by the estimator", estimated],
    ];
    process.stdout.write(`${''.padEnd(34)}  single  router  savings\n`);
    for (const [name, { single, router, savings }] of rows) {
      const cells = [single.toFixed(4), router.toFixed(4), `${(100 * savings).toFixed(2)} %`];
      process.stdout.write(`${name.padEnd(34)}${cells.map((cell) => cell.padStart(9)).join('')}\n`);
    }
    process.stdout.write(`complex tasks below the frontier tier: ${estimated.complexBelowFrontier}\n`);
  }
  return 0;
}
