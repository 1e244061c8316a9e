/** What can go wrong with outcomes and with model files, in words for people. */

/** What such an error must say. */
export interface RoutingDataDetails {
  /** The file, or what stands for it. */
  readonly source?: string | undefined;
  /** The row, counted from 1. */
  readonly row?: number | undefined;
  /** The column: a field such as `weak`, or a path such as `features.length`. */
  readonly column?: string | undefined;
  /** What is wrong there. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Outcomes or a model file that cannot be used, with the place and the remedy. */
export class RoutingDataError extends Error implements RoutingDataDetails {
  override name = 'RoutingDataError';
  readonly source: string | undefined;
  readonly row: number | undefined;
  readonly column: string | undefined;
  readonly problem: string;
  readonly remedy: string;

  constructor({ source, row, column, problem, remedy }: RoutingDataDetails) {
    const place = [source, row && `row ${row}`, column && `column '${column}'`].filter(Boolean).join(', ');
    super(`${place}${place && ': '}${problem}. ${remedy}`);
    this.source = source;
    this.row = row;
    this.column = column;
    this.problem = problem;
    this.remedy = remedy;
  }
}
