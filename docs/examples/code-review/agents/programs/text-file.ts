/** A file of text, and what a check says of one of its lines. */

export interface Text {
  path: string;
  content: string;
  lines: readonly string[];
  /** Whether the bytes were valid UTF-8. */
  valid: boolean;
}

export interface Hit {
  line: number;
  message: string;
}
