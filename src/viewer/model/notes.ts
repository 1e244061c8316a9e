/** What was left out, why, and at which line. */
export interface Note {
  /** From 1; 0 is the file as a whole. */
  readonly line: number;
  readonly what: string;
}

const MOST = 200;

export class NoteList {
  readonly list: Note[] = [];
  /** How many there were, listed or not. */
  count = 0;

  add(line: number, what: string): void {
    this.count++;
    if (this.list.length < MOST) this.list.push({ line, what });
  }
  get unlisted(): number {
    return this.count - this.list.length;
  }
}
