/** A trace in a file. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { TraceSink } from '../trace/writer.ts';

/** A sink that writes a file, at once: a slow disk holds the trace up instead of filling memory, and what has been
 *  written is there even when the process is killed the next moment.
 *  @throws what `openSync` throws where the file cannot be written
 *  @example
 *  ```ts
 *  const trace = traceTo(traceFile('run.jsonl'));
 *  ``` */
export function traceFile(path: string): TraceSink {
  const file = openSync(path, 'w');
  let bytes = Buffer.allocUnsafeSlow(1 << 18); // one for all that is written
  return {
    write(text) {
      const most = text.length * 3; // bytes of UTF-8 for each unit of UTF-16
      if (most > bytes.length) bytes = Buffer.allocUnsafeSlow(most);
      const length = bytes.write(text);
      for (let at = 0; at < length; at += writeSync(file, bytes, at, length - at));
    },
    close: () => closeSync(file),
  };
}
