/** What a contender is, and how one that is not part of this package is loaded. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Job } from './job.ts';

/** A graph ready to run, and to run again. A run resolves, when every node is done, with the value that the
 *  library returns and that holds the results; the measurement of memory keeps that value alive. */
export interface Runnable {
  run(): Promise<unknown>;
}

export interface Contender {
  readonly name: string;
  /** How it is used, in a few words for the table's legend. */
  readonly how: string;
  /** Loads the library, and returns what builds a runnable from a job. Loading, building and running
   *  are timed apart, because a service loads once, builds seldom and runs often. */
  load(): Promise<{ readonly version?: string; readonly build: (job: Job) => Runnable }>;
}

/** Peers resolve from their own folder, so that this package neither depends on them nor needs them
 *  to be installed in order to be type-checked. */
const fromPeers = createRequire(new URL('./peers/package.json', import.meta.url));

export async function peer<Module>(specifier: string): Promise<Module> {
  return (await import(pathToFileURL(fromPeers.resolve(specifier)).href)) as Module;
}

/** Read from the lock file, for a package need not export its package.json. */
export function peerVersion(name: string): string {
  const lock = fromPeers('./package-lock.json') as { packages: Record<string, { version?: string }> };
  return lock.packages[`node_modules/${name}`]?.version ?? 'unknown';
}
