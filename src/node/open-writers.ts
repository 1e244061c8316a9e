/** Which files other processes have open for writing. Linux lists them in /proc, for the processes of the same user (all of
 *  them for root) in the same PID namespace. On other systems the answer is always "none known". */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How many processes are looked at before other work of this process gets a turn. */
const BATCH = 32;

/** Whether another process has this file open for writing, as far as the system tells.
 *  @param full an absolute path without links. */
export async function isOpenForWriting(full: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const others = list('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  for (const [i, pid] of others.entries()) {
    if (list(`/proc/${pid}/fd`).some((fd) => isWriter(pid, fd, full))) return true;
    if (i % BATCH === BATCH - 1) await nextTurn();
  }
  return false;
}

function isWriter(pid: string, fd: string, full: string): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/fd/${fd}`) !== full) return false;
    const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8);
    const isLock = /^lock:.*OFDLCK/m.test(info); // a process that shares the file, and moves complete texts into place
    return (flags & 0b11) !== 0 && !isLock;
  } catch {
    return false; // the process has ended, or has closed the file
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the process has ended, or belongs to another user
  }
}
