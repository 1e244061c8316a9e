/** Ctrl-C: the first cancels and lets agents stop, the second ends at once. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Signals end the process again, as they do by default. */
  forget(): void;
}

/** After this long, a line says what is being waited for. */
const A_MOMENT_MS = 500;

/** @param waitingFor what is still running, in words; undefined when nothing is. */
export function interrupted(waitingFor: () => string | undefined = () => undefined): Interrupt {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listener = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130); // programs are stopped when this process ends
    timer = setTimeout(() => {
      const what = waitingFor();
      if (what !== undefined)
        process.stderr.write(`tutti: waiting for ${what} to stop; press Ctrl-C again to end at once.\n`);
    }, A_MOMENT_MS);
    timer.unref();
    controller.abort(new Error(`${name} received`));
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of signals) process.on(name, listener);
  return {
    signal: controller.signal,
    forget() {
      clearTimeout(timer);
      for (const name of signals) process.off(name, listener);
    },
  };
}
