// Compiles the four floors into dist/, from nothing, so that a file that was deleted is deleted there too; then the viewer.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ['node_modules/typescript-7/bin/tsc', '-p', 'tsconfig.json'], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
if (status === 0) await (await import('./build-viewer.js')).buildViewer();
