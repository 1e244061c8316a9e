/** Installs the peers into their own folder, when they are not there or their lock has changed. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const peerNames: readonly string[] = ['p-graph', 'effect', 'langgraph', 'mastra'];

function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(folder + file));
  return hash.digest('hex');
}

/** @param name the folder beside this file */
export function installPeers(say: (line: string) => void, name: 'peers' | 'durable-peers' = 'peers'): void {
  const folder = fileURLToPath(new URL(`./${name}/`, import.meta.url));
  const stamp = `${folder}node_modules/.installed-from`;
  const wanted = fingerprint(folder);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say(`installing the peers into test/bench/${name} (npm ci, about 300 MB, needed once)`);
  const { status, error } = spawnSync(
    'npm',
    ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    },
  );
  if (error || status !== 0) {
    throw new Error(
      `npm ci failed in test/bench/${name}${error ? ` (${error.message})` : ''}: check the connection to the ` +
        'npm registry, or leave the peers out with --only',
    );
  }
  writeFileSync(stamp, wanted);
}
