/** The test files that judge mutants, quick ones first: the first test that fails ends the judgement. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Of the specification and its own tools, which mutants do not change, and of sizes that take seconds. */
const NO_JUDGES = [
  ...['breaks', 'claims', 'failures', 'lockstep', 'orchestrated', 'shrink', 'table'],
  ...['perform.bus-faults', 'perform.sizes'],
];
/** Slow, so they judge only what the others let pass. */
const LAST = [
  ...['perform.programs', 'actors.parts', 'perform.shared', 'graphs.unit', 'perform.ends'],
  ...['graphs.station', 'fuzz.perform'],
];

/** Names and paths, in the order in which they judge. */
export function judges(): (readonly [name: string, path: string])[] {
  const inFolder = (folder: string): (readonly [string, string])[] => {
    const path = fileURLToPath(new URL(`../${folder}/`, import.meta.url));
    return readdirSync(path)
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => [file.slice(0, -'.test.ts'.length), path + file]);
  };
  return [...inFolder('tomasulo'), ...inFolder('score')]
    .filter(([name]) => !NO_JUDGES.includes(name))
    .sort(([a], [b]) => LAST.indexOf(a) - LAST.indexOf(b) || a.localeCompare(b));
}
