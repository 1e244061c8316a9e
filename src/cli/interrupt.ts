/** Ctrl-C: the first cancels and lets agents stop, the second ends at once. */
export interface Interrupt {
  readonly signal: AbortSignal;
  forget(): void;
}

export function interrupted(): Interrupt {
  const controller = new AbortController();
  const listener = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130); // programs die with this process
    controller.abort(new Error(`${name} received`));
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of signals) process.on(name, listener);
  return {
    signal: controller.signal,
    forget() {
      for (const name of signals) process.off(name, listener);
    },
  };
}
