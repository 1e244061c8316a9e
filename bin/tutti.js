#!/usr/bin/env node
// Starts the command line. Where the machine's own Node.js is older than tutti needs and the npm package `node`
// is installed beside it, that one is used instead.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/src/cli/main.js', import.meta.url);

if (!existsSync(main)) {
  console.error('tutti: not built yet; run `npm run build` first.');
  process.exitCode = 2;
} else if (major > 22 || (major === 22 && minor >= 12)) {
  await import(main.href);
} else {
  const node = beside();
  if (node === undefined) {
    console.error(
      `tutti: needs Node.js 22.12 or newer; this is ${process.versions.node}. Install a newer one, from https://nodejs.org or with your version manager.`,
    );
    process.exitCode = 2;
  } else {
    const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
    // A terminal sends Ctrl-C to both; a plain kill reaches only this process.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
    child.on('exit', (code, signal) => {
      process.exitCode = signal === null ? (code ?? 1) : 1;
    });
  }
}

function beside() {
  try {
    const file = process.platform === 'win32' ? 'node.exe' : 'node';
    return createRequire(import.meta.url).resolve(`node/bin/${file}`);
  } catch {
    return undefined;
  }
}
