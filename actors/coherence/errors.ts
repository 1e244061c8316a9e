/** Why a replica cannot go on. */

/** The bus no longer has the history that this replica needs. */
export class MissedHistoryError extends Error {
  override name = 'MissedHistoryError';
  constructor(cause?: unknown) {
    super(
      "this space has a history that the bus no longer has: begin from another replica's checkpoint (`from`), or let the bus retain more.",
      { cause },
    );
  }
}
/** Another replica began the same space with other values. */
export class OriginError extends Error {
  override name = 'OriginError';
  constructor(scope: string) {
    super(
      `the space '${scope}' began with other keys or initial values, or from another checkpoint: give every replica the same, or give this space another scope.`,
    );
  }
}
