/** Faults as JSON, and back: the step that failed first, the path, and the cause's name and message. */
import { messageOf, SkippedError, StepError } from '../../actors/tomasulo/errors.ts';

/** An error in the log. `path` is there for the fault of a step. */
export interface FaultRecord {
  readonly name: string;
  readonly message: string;
  /** Ids from the step that failed first to the one that reports it. */
  readonly path?: readonly string[] | undefined;
}

export function faultRecord(error: unknown): FaultRecord {
  if (error instanceof StepError) {
    const { name, message } = causeOf(error.cause);
    return { name, message, path: error.path };
  }
  return causeOf(error);
}
const causeOf = (error: unknown): { name: string; message: string } => ({
  name: error instanceof Error ? error.name : 'Error',
  message: messageOf(error),
});

/** Makes errors of records. Faults with the same first step are the same fault further on. */
export class FaultReader {
  readonly #roots = new Map<string, StepError>();

  read({ name, message, path }: FaultRecord): Error {
    if (path === undefined || path.length === 0) return errorOf(name, message);
    const [first, ...further] = path as [string, ...string[]];
    let fault = this.#roots.get(first);
    if (fault === undefined) this.#roots.set(first, (fault = new StepError(first, errorOf(name, message))));
    for (const id of further) fault = fault.through(id);
    return fault;
  }
}

/** An error of an earlier life. It has the name and the message, and the class `Error`, but for one that means something
 *  to the steps that follow. */
function errorOf(name: string, message: string): Error {
  const error = name === 'SkippedError' ? new SkippedError(message) : new Error(message);
  Object.defineProperty(error, 'name', { value: name, enumerable: false });
  return error;
}
