/** The test files that judge mutants, quick ones first: the first test that fails ends the judgement. */

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

export function judges(): [name: string, load: () => Promise<unknown>][] {
  const files = import.meta.glob('../{tomasulo,score}/*.test.ts');
  const nameOf = (file: string): string => file.replace(/^.*\//, '').replace(/\.test\.ts$/, '');
  return Object.entries(files)
    .map(([file, load]): [string, () => Promise<unknown>] => [nameOf(file), load])
    .filter(([name]) => !NO_JUDGES.includes(name))
    .sort(([a], [b]) => LAST.indexOf(a) - LAST.indexOf(b) || a.localeCompare(b));
}
