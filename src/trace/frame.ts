/** The fields that are common to all messages: actor, time, type. */
import { INSPECT_VERSION } from './format.ts';

const FRACTIONS = Array.from({ length: 1_000 }, (_, i) => `.${String(i).padStart(3, '0')}`);
const END = `","_version":"${INSPECT_VERSION}"}\n`;

/** Most messages are of one moment with the one before. */
export class MessageFrame {
  readonly #epoch: number;
  #time = NaN;
  #millis = NaN;
  #millisText = '';
  #end = '';

  /** @param epoch milliseconds since the epoch at the clock's 0. */
  constructor(epoch: number) {
    this.#epoch = epoch;
  }
  /** What a message ends with. */
  end(id: number, time: number): string {
    if (time !== this.#time) {
      this.#time = time;
      this.#end = `","createdAt":"${this.#text(time)}${END}`;
    }
    return `,"id":"${id}${this.#end}`;
  }
  /** Ends a message that was begun: `{"type":…` without its brace. */
  close(begun: string, id: number, time: number): string {
    return begun + this.end(id, time);
  }

  /** A time of the clock as text. Formatting a number of 16 digits is expensive, so the milliseconds are cached. */
  #text(time: number): string {
    const micros = Math.round((this.#epoch + time) * 1_000);
    const fraction = micros % 1_000;
    const millis = (micros - fraction) / 1_000;
    if (millis !== this.#millis) {
      this.#millis = millis;
      this.#millisText = String(millis);
    }
    return this.#millisText + (FRACTIONS[fraction] as string);
  }
}
