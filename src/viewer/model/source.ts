/** Where the text of a message can be read again: a file on disk, or parts that have come over a wire. */
export interface Source {
  /** What a person calls it. */
  readonly name: string;
  text(offset: number, length: number): Promise<string>;
}

/** A file; it stays where it is, and only the part that is asked for is read. */
export function fileSource(name: string, file: Blob): Source {
  return { name, text: (offset, length) => file.slice(offset, offset + length).text() };
}

/** A file on the page's host, of which parts can be asked for. */
export function rangeSource(name: string, url: string): Source {
  return {
    name,
    async text(offset, length) {
      const response = await fetch(url, { headers: { Range: `bytes=${offset}-${offset + length - 1}` } });
      if (response.status !== 206) throw new Error(`the server says ${response.status}`);
      return response.text();
    },
  };
}

/** Messages that keep coming: gathered into blobs, which a browser may keep on disk. */
export class WireSource implements Source {
  readonly name: string;
  #whole = new Blob();
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #waiting = 0;

  constructor(name: string) {
    this.name = name;
  }
  append(part: Uint8Array<ArrayBuffer>): void {
    this.#parts.push(part);
    this.#waiting += part.length;
    if (this.#waiting > 1 << 20) this.#gather();
  }
  text(offset: number, length: number): Promise<string> {
    this.#gather();
    return this.#whole.slice(offset, offset + length).text();
  }
  #gather(): void {
    if (this.#parts.length === 0) return;
    this.#whole = new Blob([this.#whole, ...this.#parts]);
    this.#parts = [];
    this.#waiting = 0;
  }
}
