/** Plain files that agents and other programs edit at the same time. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coherentFiles, FileConflictError } from 'tutti/node';

const folder = await mkdtemp(join(tmpdir(), 'shared-'));
await writeFile(join(folder, 'plan.md'), '# Plan\n');

const files = await coherentFiles(folder, ['*.md'], { exclude: ['drafts'] });
const [writer, critic] = [files.agent('writer'), files.agent('critic')];
await Promise.all([
  writer.write('plan.md', (text) => `${text}- write tests\n`),
  critic.write('plan.md', (text) => `${text}- write docs\n`),
]);

const seen = await writer.read('plan.md');
await writeFile(join(folder, 'plan.md'), `${seen}- from an editor\n`); // another program writes the file
await writer.write('plan.md', seen.toUpperCase()).catch((error: unknown) => {
  if (!(error instanceof FileConflictError)) throw error;
  console.log(error.message);
});
await writer.write('plan.md', (text) => `${text}- and this\n`); // a function gets the present text
console.log(await readFile(join(folder, 'plan.md'), 'utf8'));
await files.close();
await rm(folder, { recursive: true });
