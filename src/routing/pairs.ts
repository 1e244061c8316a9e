/**
 * The spelling of a task as numbers: how often each character, and each pair of neighbours, stands in it. Word
 * stems and endings, digits, formulas and punctuation all show in the pairs, so they need no word list and no
 * language; the single characters carry the length.
 *
 * By cross-validation on both sets of outcomes that we have, pairs do as well as triples or words, at a sixth of
 * the size. 64 symbols make 64 * 64 pairs, which need no hash and lie in the processor's first-level cache.
 */

/** The symbols: letters without case, digits, marks. Any other character is read as one of them, by its code. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789 \n.,?!:;\'"()-+=*/^<>%$&{}[]_';
const SYMBOLS = 64;
const PAIRS = SYMBOLS * SYMBOLS;

/** How many buckets a spelling has: the pairs first, then the single symbols. */
export const BUCKETS = PAIRS + SYMBOLS;

/** The symbol of each UTF-16 code unit. */
const SYMBOL = Uint8Array.from({ length: 65_536 }, (_, code) => code % SYMBOLS);
for (const [index, character] of [...ALPHABET].entries()) {
  SYMBOL[character.charCodeAt(0)] = index;
  SYMBOL[character.toUpperCase().charCodeAt(0)] = index;
}
const SPACE = SYMBOL[32]!;
for (const code of [9, 13, 0xa0]) SYMBOL[code] = SPACE; // tabulator, carriage return, no-break space

/** A bucket's name: its one or two symbols. */
export const bucketName = (bucket: number): string =>
  bucket < PAIRS
    ? ALPHABET.charAt(Math.floor(bucket / SYMBOLS)) + ALPHABET.charAt(bucket % SYMBOLS)
    : ALPHABET.charAt(bucket - PAIRS);

/** The bucket of a name, or undefined where no bucket is called so. */
export function bucketOf(name: string): number | undefined {
  const symbols = Array.from(name, (character) => ALPHABET.indexOf(character));
  const [first, second] = symbols;
  if (first === undefined || symbols.length > 2 || symbols.includes(-1)) return undefined;
  return second === undefined ? PAIRS + first : first * SYMBOLS + second;
}

/** A sparse vector of length 1: the first `size` entries of both arrays. */
export interface Spelling {
  readonly buckets: Uint16Array;
  readonly weights: Float32Array;
  readonly size: number;
}

/** Reads one text after another into the same arrays: a reading lasts until the next one. */
export class SpellingReader {
  readonly #counts = new Uint16Array(BUCKETS);
  readonly #buckets = new Uint16Array(BUCKETS);
  readonly #weights = new Float32Array(BUCKETS);

  /**
   * A bucket that stands c times weighs 1 + ln c, and the whole is scaled to length 1.
   *
   * @param text - what to read, at most 65,534 UTF-16 code units, so that no count overflows
   */
  read(text: string): Spelling {
    const [counts, buckets, weights] = [this.#counts, this.#buckets, this.#weights];
    let size = 0;
    let last = SPACE; // the text stands between two spaces, so that a first letter differs from an inner one
    const end = text.length; // read once: inside the loop it would cost as much as all the rest
    for (let i = 0; i <= end; i++) {
      const symbol = i < end ? SYMBOL[text.charCodeAt(i)]! : SPACE;
      const bucket = last * SYMBOLS + symbol;
      const count = counts[bucket]!;
      buckets[size] = bucket;
      size += (count - 1) >>> 31; // one more if the count was 0; a branch could not be predicted
      counts[bucket] = count + 1;
      last = symbol;
    }
    for (let k = 0, pairs = size; k < pairs; k++) {
      const single = PAIRS + (buckets[k]! % SYMBOLS);
      if (counts[single] === 0) buckets[size++] = single;
      counts[single]! += counts[buckets[k]!]!;
    }
    let square = 0;
    for (let k = 0; k < size; k++) {
      const bucket = buckets[k]!;
      const weight = LOGARITHM[counts[bucket]!]!;
      counts[bucket] = 0;
      weights[k] = weight;
      square += weight * weight;
    }
    const scale = 1 / Math.sqrt(square);
    for (let k = 0; k < size; k++) weights[k]! *= scale;
    return { buckets, weights, size };
  }
}

/** 1 + ln(count), for every count that a reading can have. */
const LOGARITHM = Float64Array.from({ length: 65_536 }, (_, count) => 1 + Math.log(count));
