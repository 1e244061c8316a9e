/** Writing from a known text, creating, renaming and deleting shared files. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { coherentFiles } from 'tutti/node';

const folder = await mkdtemp(join(tmpdir(), 'shared-'));
await writeFile(join(folder, 'plan.md'), '# Plan\n');
await symlink('plan.md', join(folder, 'link.md'));
const files = await coherentFiles(folder, ['*.md']);
const [writer, critic] = [files.agent('writer'), files.agent('critic')];

const written = await writer.write('plan.md', (text) => text.trimEnd());
await writer.compareAndSet('plan.md', written, `${written}\n- done\n`);
await critic.create('notes/first.txt', 'a note\n').catch((error: Error) => console.log(error.message));
await critic.create('review.md', 'fine\n');
await critic.rename('review.md', 'verdict.md');
await critic.read('verdict.md');
await critic.delete('verdict.md'); // refused if the file had changed since it was read
console.log(files.paths, files.skipped);

await files.close();
await rm(folder, { recursive: true });
