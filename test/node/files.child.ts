/** A process that shares files with other processes, for tests and measurements.
 *  `node test/node/files.child.ts JOB FOLDER NAME [COUNT]`; each line that it prints has been acknowledged. */
import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { coherentFiles } from '../../src/node/coherent-files.ts';

const [job = '', folder = '', name = '', count = '0'] = process.argv.slice(2);
const path = join(folder, 'a.md');
/** Synchronous, so that a process that is killed has said what was acknowledged. */
const say = (line: string) => void writeSync(1, `${line}\n`);

const jobs: Readonly<Record<string, () => Promise<void>>> = {
  /** Appends lines with functions of the text. */
  async append() {
    await using files = await coherentFiles(folder, ['*.md']);
    const agent = files.agent(name);
    for (let i = 0; i < Number(count); i++) {
      await agent.write('a.md', (text) => `${text}${name}-${i}\n`);
      say(`${name}-${i}`);
    }
  },
  /** Takes the lock, says so, and computes for as long as it is not killed. */
  async hang() {
    const files = await coherentFiles(folder, ['*.md']);
    await files.agent(name).write('a.md', (text) => {
      say('locked');
      while (name !== '') readFileSync(path);
      return text;
    });
  },
  /** Appends as an editor that reads, and saves by moving a new file into place; says whether each line stayed. */
  async saves() {
    for (let i = 0; i < Number(count); i++) {
      writeFileSync(join(folder, `${name}.new`), `${readFileSync(path, 'utf8')}${name}-${i}\n`);
      renameSync(join(folder, `${name}.new`), path);
      await tellWhetherKept(i);
    }
  },
  /** Appends in place, all at once. */
  async appends() {
    for (let i = 0; i < Number(count); i++) {
      appendFileSync(path, `${name}-${i}\n`);
      await tellWhetherKept(i);
    }
  },
  /** Writes the file from its beginning in pieces, with pauses, as a download does. NAME is the pause in ms. */
  async slowly() {
    const file = openSync(path, 'w');
    for (let i = 0; i < Number(count); i++) {
      writeSync(file, `piece-${i}\n`);
      await delay(Number(name));
    }
    closeSync(file);
  },
};
/** Agents only append, so a line that is gone after a while has been overwritten by one of them. */
async function tellWhetherKept(i: number): Promise<void> {
  await delay(20 + (i % 7));
  const kept = readFileSync(path, 'utf8').includes(`${name}-${i}\n`);
  say(`${name}-${i} ${kept ? 'kept' : 'lost'}`);
}
await jobs[job]?.();
