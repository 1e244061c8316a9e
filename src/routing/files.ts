/** Outcomes and routers on disk. The rest of routing touches no file and runs in a browser. */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { RoutingDataError } from './errors.ts';
import type { Outcome } from './training/outcome.ts';
import { formatRouter, parseRouter } from './router-file.ts';
import type { TrainedRouter } from './trained.ts';
import { parseOutcomes } from './training/training-file.ts';

/** Reads outcomes from a JSON or JSON lines file. @throws RoutingDataError naming file, row and column */
export const readOutcomes = async (path: string): Promise<Outcome[]> => parseOutcomes(await read(path), path);

/** Reads a router that {@link saveRouter} wrote. @throws RoutingDataError naming file and place */
export const loadRouter = async (path: string): Promise<TrainedRouter> => parseRouter(await read(path), path);

/**
 * Writes a router, all of it or nothing: a reader never sees half a file.
 *
 * @throws RoutingDataError where the file cannot be written
 */
export async function saveRouter(path: string, router: TrainedRouter): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, formatRouter(router), { flag: 'wx' });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    const remedy = 'Give a path in a folder that exists and that you may write to.';
    throw new RoutingDataError({ source: path, problem: `cannot be written (${codeOf(error)})`, remedy });
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const remedy = 'Give the path of a file that exists and that you may read.';
    throw new RoutingDataError({ source: path, problem: `cannot be read (${codeOf(error)})`, remedy });
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);
