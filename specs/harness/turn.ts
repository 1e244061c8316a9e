/** Yields to the event loop, so that a signal (Ctrl-C) is handled and progress is drawn. */
const EVERY_MS = 50;

/** Call `turns` once per run, and the function that it returns often: most of those calls do nothing.
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
