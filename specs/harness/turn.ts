/** Lets others have a turn: a signal that somebody sends (Ctrl-C) is heard, and progress is drawn. */
const EVERY_MS = 50;

/** Call it once a run: most calls do nothing.
 *  @throws the signal's reason. */
export function turns(signal: AbortSignal | undefined): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    signal?.throwIfAborted();
    if (performance.now() - last < EVERY_MS) return undefined;
    return new Promise<void>((done) => setTimeout(done)).then(() => {
      last = performance.now();
      signal?.throwIfAborted();
    });
  };
}
