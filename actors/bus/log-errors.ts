/** What can go wrong with a log. */

/** The log cannot be written or read: what happened, and what to do. */
export class LogError extends Error {
  override name = 'LogError';
}

/** Another writer has taken this run over. This one appends nothing more. */
export class FencedLogError extends LogError {
  override name = 'FencedLogError';
  readonly runId: string;
  /** Who writes now, such as `process 4711 on host`. */
  readonly holder: string;
  constructor(runId: string, holder: string) {
    super(
      `the run '${runId}' has been taken over by ${holder}, because this process was silent past its lease; what it computes from here on is dropped.`,
    );
    this.runId = runId;
    this.holder = holder;
  }
}
