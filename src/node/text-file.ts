/** Reading a text file that a person has named. */
import { createReadStream } from 'node:fs';
import { messageOf } from '../../actors/tomasulo/errors.ts';

/** A file cannot be read, or is not text: which one, why, and what to do. */
export class TextFileError extends Error {
  override name = 'TextFileError';
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'is a folder; name a file in it',
  EACCES: 'may not be read; check its permissions',
  EPERM: 'may not be read; check its permissions',
  ENAMETOOLONG: 'the name is too long for a file',
  ERR_INVALID_ARG_VALUE: 'this is not the name of a file',
};

/** Reads a file of UTF-8 text, without its byte order mark. A pipe or a device is read until it ends.
 *  @param maxBytes a larger file is refused, so that a wrong name does not fill the memory.
 *  @param what what the file should be, for the message.
 *  @throws {TextFileError} when it cannot be read, is larger, or is not text. */
export async function readText(path: string, maxBytes: number, what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      size += (chunk as Buffer).length;
      if (size > maxBytes)
        throw new TextFileError(`${path}: is larger than ${what} can be (at most ${maxBytes} bytes).`);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof TextFileError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new TextFileError(`${path}: ${WHY[code] ?? `cannot be read (${messageOf(error)})`}.`);
  }
  const bytes = Buffer.concat(chunks);
  if (!bytes.includes(0)) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      // falls through: the bytes are not UTF-8
    }
  }
  throw new TextFileError(`${path}: is not text in UTF-8, so it is not ${what}.`);
}
