/** The state of the page. There is one; a method that changes it calls `changed`, and the page is drawn again. */
import { FIRST_LOOK, fromHash, namesView, toHash, type Look } from './look.ts';
import { openOf, type Opened } from './model/opened.ts';
import { readAll } from './model/read.ts';
import { fileSource, type Source } from './model/source.ts';
import { last, next } from './model/trace.ts';
import { traceOfTranscripts } from './model/transcript.ts';

/** How a replay may be slowed and hurried: milliseconds of the trace per millisecond. */
export const SPEEDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000];
/** A replay takes about this long by default. */
const USUAL = 20_000;

/** How often a page is drawn while time passes, in milliseconds; less often while steps only wait, and for a person who
 *  wants little motion. */
const MOVING_MS = 100;
const CALM_MS = 1_000;

export type Live = 'off' | 'connecting' | 'on' | 'lost';

export class ViewerSession {
  look: Look = fromHash(location.hash);
  opened: Opened | undefined;
  /** The names of the counter-examples in the file, including those that are not shown. */
  parts: readonly string[] = [];
  /** How far reading has got: 0 … 1; undefined when nothing is being read. */
  reading: number | undefined;
  /** Why nothing could be opened. */
  trouble = '';
  playing = false;
  speed = 1;
  live: Live = 'off';
  #listeners = new Set<() => void>();
  #drawn = 0;
  #reading: AbortController | undefined;
  #file: { name: string; file: Blob } | undefined;

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** Has everything drawn again with the next frame. */
  changed(): void {
    if (this.#drawn !== 0) return;
    this.#drawn = requestAnimationFrame(() => {
      this.#drawn = 0;
      for (const listener of this.#listeners) listener();
      this.#pass();
    });
  }

  // ── the cursor
  get length(): number {
    return this.opened?.trace.length ?? 0;
  }
  /** The last row that has happened. */
  get cursor(): number {
    return Math.min(this.look.at ?? Infinity, this.length - 1);
  }
  /** The moment that is shown, in milliseconds since the first message: that of the cursor, or, while a live trace is
   *  followed and something lasts, the present one. */
  get time(): number {
    const at = this.cursor < 0 ? 0 : (this.opened?.trace.time(this.cursor) ?? 0);
    return this.#moves() ? Math.max(at, this.opened?.trace.now() ?? 0) : at;
  }
  /** Whether time passes on the page: a live trace is followed, and a step is in some phase. */
  #moves(): boolean {
    return (
      this.live === 'on' && this.look.at === undefined && !this.playing && (this.opened?.score.open ?? 0) > 0
    );
  }
  /** Draws the page again and again while time passes, and not otherwise. */
  #pass(): void {
    if (this.#passing !== 0 || !this.#moves()) return;
    const calm = this.opened?.score.executing === 0 || matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#passing = window.setTimeout(
      () => {
        this.#passing = 0;
        this.changed(); // with the next frame, so never in a page that is not seen
      },
      calm ? CALM_MS : MOVING_MS,
    );
  }
  #passing = 0;
  go(look: Partial<Look>): void {
    this.look = { ...this.look, ...look };
    this.#remember();
    this.changed();
  }
  /** Puts the cursor on a row, and stops playing unless `playing` is true. */
  seek(row: number, playing = false): void {
    if (!playing) this.playing = false;
    const at = Math.max(-1, Math.min(row, this.length - 1));
    // At the end of what keeps growing, one stays at the end.
    this.go({ at: at === this.length - 1 ? undefined : at });
  }
  seekTime(time: number): void {
    if (this.opened !== undefined) this.seek(this.opened.trace.rowAt(time));
  }
  fault(direction: 1 | -1): void {
    const faults = this.opened?.trace.faults ?? [];
    const row = direction === 1 ? next(faults, this.cursor) : last(faults, this.cursor - 1);
    if (row >= 0) this.seek(row);
  }
  play(playing = !this.playing): void {
    this.playing = playing && this.length > 0;
    if (this.playing) {
      if (this.cursor >= this.length - 1) this.look = { ...this.look, at: -1 };
      this.#run();
    }
    this.changed();
  }
  /** Moves the cursor as time passes. Where all happened in one instant, it moves from message to message. */
  #run(): void {
    const { trace } = this.opened as Opened;
    const instant = trace.duration === 0;
    let at = instant ? this.cursor : this.time;
    let before = performance.now();
    const tick = (now: number) => {
      if (!this.playing || this.opened?.trace !== trace) return;
      at += (now - before) * (instant ? this.length / USUAL : this.speed);
      before = now;
      const row = Math.min(instant ? Math.floor(at) : trace.rowAt(at), this.length - 1);
      if (row !== this.cursor) this.seek(row, true);
      if (row >= this.length - 1) this.play(false);
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  // ── opening
  /** Opens a trace, or a file with counter-examples.
   *  @param keeps what stays as it is: the view at most, what the address names, or all that is looked at */
  async open(name: string, file: Blob, keeps: 'view' | 'address' | 'look' = 'view'): Promise<void> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.playing = false;
    this.trouble = '';
    this.#file = { name, file };
    // A link refers to the first file; a further file is shown from its beginning.
    if (keeps === 'view' && this.opened !== undefined) this.look = { ...FIRST_LOOK, view: this.look.view };
    const transcripts = await traceOfTranscripts(name, file, this.look.part).catch(() => undefined);
    if (reading.signal.aborted) return;
    if (transcripts !== undefined) {
      // Where no link names a view, it is the one with the sequence.
      this.parts = transcripts.parts;
      this.reading = undefined;
      this.show(transcripts.opened);
      if (keeps === 'view' || (keeps === 'address' && !namesView(location.hash)))
        this.go({ view: 'messages' });
      return;
    }
    await this.#read(fileSource(name, file), file.stream(), file.size, reading.signal);
  }
  /** Opens a trace that is too large to be fetched as a whole. */
  async stream(source: Source, stream: ReadableStream<Uint8Array>, size: number): Promise<void> {
    this.#reading?.abort();
    this.#reading = new AbortController();
    await this.#read(source, stream, size, this.#reading.signal);
  }
  async #read(
    source: Source,
    stream: ReadableStream<Uint8Array>,
    size: number,
    signal: AbortSignal,
  ): Promise<void> {
    this.parts = [];
    const opened = openOf(source);
    this.reading = 0;
    this.show(opened);
    let drawn = 0;
    const progress = (bytes: number) => {
      this.reading = bytes / Math.max(1, size);
      // A few times a second: drawing takes from the time for reading.
      if (performance.now() - drawn < 200) return;
      drawn = performance.now();
      this.changed();
    };
    try {
      await readAll(stream, opened, { size, signal, progress });
    } catch (error) {
      this.trouble = `'${source.name}' could not be read to its end: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (signal.aborted) return;
    this.reading = undefined;
    if (opened.trace.length === 0 && this.trouble === '')
      this.trouble = `'${source.name}' holds no trace: none of its lines is a message of an inspector. See Notes.`;
    this.show(opened);
  }
  /** Opens another counter-example of the same file. */
  async choose(part: number): Promise<void> {
    this.go({ part, at: undefined });
    if (this.#file !== undefined) await this.open(this.#file.name, this.#file.file, 'look');
  }
  /** Begins a trace that keeps coming. */
  begin(source: Source): Opened {
    this.#reading?.abort();
    this.reading = undefined;
    this.parts = [];
    const opened = openOf(source);
    this.show(opened);
    return opened;
  }
  show(opened: Opened): void {
    this.opened = opened;
    // A counter-example is short: one second per step is enough.
    const wanted = Math.max(opened.counterexample === undefined ? 0 : 1, opened.trace.duration / USUAL);
    this.speed = SPEEDS.find((speed) => speed >= wanted) ?? (SPEEDS.at(-1) as number);
    this.changed();
  }

  /** A link that keeps the view. */
  link(): string {
    const hash = toHash(this.look);
    return `${location.origin === 'null' ? 'file://' : location.origin}${location.pathname}${location.search}${hash === '' ? '' : `#${hash}`}`;
  }
  /** Shows what the address names, after the user has changed it. */
  readAddress(): void {
    this.look = fromHash(location.hash);
    this.changed();
  }

  #remember(): void {
    const hash = toHash(this.look);
    if (this.#saving !== 0) clearTimeout(this.#saving);
    // Browsers limit how often the address may change; while one scrubs it need not.
    this.#saving = window.setTimeout(() => {
      this.#saving = 0;
      history.replaceState(null, '', hash === '' ? location.pathname + location.search : `#${hash}`);
    }, 200);
  }
  #saving = 0;
}
