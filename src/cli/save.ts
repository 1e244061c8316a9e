/** `tutti verify --save`: each counter-example as a file that `tutti view` replays. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Counterexample } from '../../specs/harness/claim.ts';
import { sequenceMermaid } from '../../specs/harness/mermaid.ts';
import type { Judged } from '../../specs/verify.ts';
import { CommandLineError } from './usage.ts';

/** Writes one file per claim of which a counter-example was found, and beside it the same as a Mermaid diagram.
 *  `mesi-invariant-guarantees-1.json` is of the first claim of that mapping and criterion, whether others failed or not: a claim has the same file in every run over the
 *  same claims.
 *  @returns the files, in the order of the claims.
 *  @throws {CommandLineError} when the folder cannot be written to. */
export async function saveCounterexamples(judged: readonly Judged[], folder: string): Promise<string[]> {
  const counts = new Map<string, number>();
  const files: { name: string; text: string }[] = [];
  for (const one of judged) {
    const { mapping, criterion } = one.claim;
    const start = `${safe(mapping)}-${safe(criterion)}`;
    const count = (counts.get(start) ?? 0) + 1;
    counts.set(start, count);
    const text = textOf(one);
    if (text === undefined) continue;
    files.push({ name: `${start}-${count}.json`, text });
    files.push({
      name: `${start}-${count}.mmd`,
      text: sequenceMermaid(one.finding.counterexample as Counterexample),
    });
  }
  try {
    if (files.length > 0) await mkdir(folder, { recursive: true });
    for (const { name, text } of files) {
      // Nothing half-written bears the name.
      const draft = join(folder, `.${name}.${process.pid}`);
      await writeFile(draft, text);
      await rename(draft, join(folder, name));
    }
  } catch (error) {
    throw new CommandLineError(
      `--save ${folder}: cannot be written to (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
  return files.filter(({ name }) => name.endsWith('.json')).map(({ name }) => join(folder, name));
}

/** What the viewer reads: `what` and `transcript`; the rest says of what it is a counter-example. */
function textOf({ claim, finding }: Judged): string | undefined {
  const { verdict, bound, counterexample } = finding;
  if (counterexample === undefined) return undefined;
  const { what, seed, transcript } = counterexample;
  const { mapping, criterion, property, source, expected, instrument } = claim;
  const told = {
    what,
    ...(seed === undefined ? {} : { seed }),
    claim: { mapping, criterion, property, source, expected, instrument },
    verdict,
    bound,
    transcript,
  };
  return `${JSON.stringify(told, null, 2)}\n`;
}

/** Small letters, digits and dashes: a name on every file system, and in no folder but the one that was given. */
const safe = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '') || 'claim';
