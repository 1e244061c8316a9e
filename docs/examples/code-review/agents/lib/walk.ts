/** List the files of a plain folder, leaving out what tools put there. */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';

const SKIPPED = new Set(
  (
    '.git .hg .svn .jj node_modules bower_components dist build out target coverage .venv venv __pycache__ ' +
    '.tox .mypy_cache .pytest_cache .ruff_cache .next .nuxt .svelte-kit .turbo .cache .parcel-cache .gradle .idea'
  ).split(' '),
);

export interface Walk {
  paths: string[];
  /** Folders that were not entered, by name. */
  skipped: Record<string, number>;
}

/** Breadth first, so that a limit cuts the deepest files. Symbolic links are listed and never followed. */
export async function walk(root: string, limit: number, signal: AbortSignal): Promise<Walk> {
  const paths: string[] = [];
  const skipped: Record<string, number> = {};
  const queue = [''];
  for (let folder = queue.shift(); folder !== undefined && paths.length <= limit; folder = queue.shift()) {
    signal.throwIfAborted();
    let entries;
    try {
      entries = await opendir(join(root, folder));
    } catch {
      count(skipped, 'folder that cannot be read');
      continue;
    }
    for await (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory()) paths.push(path);
      else if (SKIPPED.has(entry.name)) count(skipped, `folder ${entry.name}`);
      else queue.push(path);
    }
  }
  return { paths: paths.toSorted(), skipped };
}

export function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
