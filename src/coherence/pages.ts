const PAGE = 64;
type Page<T> = (T | undefined)[];

/** A list by small whole numbers, most of which may be missing. */
export class Pages<T> {
  readonly #pages: Page<T>[] = [];

  get(index: number): T | undefined {
    const page = this.#pages[index >>> 6];
    return page === undefined ? undefined : page[index & 63];
  }
  set(index: number, item: T): void {
    const place = index >>> 6;
    while (this.#pages.length <= place) this.#pages.push(NO_PAGE);
    let page = this.#pages[place] as Page<T>;
    if (page === NO_PAGE) page = this.#pages[place] = Array.from({ length: PAGE }, () => undefined);
    page[index & 63] = item;
  }
}
const NO_PAGE: undefined[] = [];
