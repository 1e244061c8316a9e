/** A routing table, price or budget that cannot be used: where, what is wrong, what to do. */
export class RoutingConfigError extends Error {
  override name = 'RoutingConfigError';
  /** A path such as `table[3].model`. */
  readonly at: string;
  readonly remedy: string;
  constructor(at: string, problem: string, remedy: string) {
    super(`${at}: ${problem}. ${remedy}`);
    this.at = at;
    this.remedy = remedy;
  }
}
