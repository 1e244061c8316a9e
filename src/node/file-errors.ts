/** What can go wrong with shared files. After any of these errors the call has changed nothing. */
import { CoherenceError } from '../coherence/errors.ts';

/** Why a write did not fit to what is on the disk:
 *  - `unread`: the agent has not read the file, and gave a whole text;
 *  - `changed`: the file has changed since the agent read it;
 *  - `exists`: a file that was to be created is there already. */
export type FileConflictReason = 'unread' | 'changed' | 'exists';

const CONFLICTS: Readonly<Record<FileConflictReason, string>> = {
  unread:
    'has not been read by this agent; read it and write from that, or write with a function of its text.',
  changed:
    'has changed since it was read; read it again and write from that, or write with a function of its text.',
  exists: 'exists already; read it and write to it, or choose another path.',
};

/** The file is not in the state that the call was made for. Nothing was written. */
export class FileConflictError extends CoherenceError {
  override name = 'FileConflictError';
  readonly path: string;
  readonly reason: FileConflictReason;
  /** The text that the write was computed from; undefined when the agent had read none. */
  readonly expected: string | undefined;
  /** The text on the disk; undefined when it was not looked at (`exists`). */
  readonly actual: string | undefined;
  constructor(path: string, reason: FileConflictReason, expected?: string, actual?: string) {
    super(`${path} ${CONFLICTS[reason]}`);
    this.path = path;
    this.reason = reason;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A file that cannot be shared or written, or a text that cannot be stored. Nothing was changed. */
export class FileRefusedError extends CoherenceError {
  override name = 'FileRefusedError';
  readonly path: string;
  constructor(path: string, why: string, cause?: unknown) {
    super(`${path}: ${why}`, { cause });
    this.path = path;
  }
}

/** The file was in use by another process for longer than `waitMs`. Nothing was changed; try again later. */
export class FileBusyError extends CoherenceError {
  override name = 'FileBusyError';
  readonly path: string;
  constructor(path: string, why: string, waitedMs: number) {
    super(`${path} ${why}, for more than ${waitedMs} ms; try again later, or raise waitMs.`);
    this.path = path;
  }
}

/** The error for a failed call of the file system. */
export function refusedBy(path: string, doing: string, error: unknown): Error {
  if (error instanceof CoherenceError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new FileRefusedError(path, 'is gone; it was deleted or moved.', error);
  if (code === 'ELOOP') return new FileRefusedError(path, 'is a link; links are not followed.', error);
  if (code === 'EISDIR') return new FileRefusedError(path, 'is not a plain file.', error);
  if (doing === 'written' && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS'))
    return new FileRefusedError(path, `is read-only for this process (${code}).`, error);
  return new FileRefusedError(path, `cannot be ${doing}: ${message}`, error);
}
