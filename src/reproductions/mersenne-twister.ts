/** CPython's `random.Random(seed)`: the Mersenne Twister MT19937, so that a published trace can be run again.
 *
 *  Source: Matsumoto & Nishimura 1998 (mt19937ar.c, `init_by_array`); CPython, Modules/_randommodule.c and
 *  Lib/random.py (`random` takes 53 bits; `choice` draws `getrandbits` until it falls below n). */

const N = 624;
const M = 397;

export class PythonRandom {
  readonly #state = new Uint32Array(N);
  #index = N;

  /** @param seed a whole number from 0 to 2^53 − 1 */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new RangeError(`a seed is a whole number from 0, not ${seed}.`);
    const key = [seed >>> 0];
    const high = Math.floor(seed / 2 ** 32);
    if (high > 0) key.push(high);
    this.#initByArray(key);
  }

  /** As `random.random()`: 0 ≤ x < 1, 53 bits. */
  random(): number {
    const a = this.#next() >>> 5;
    const b = this.#next() >>> 6;
    return (a * 67_108_864 + b) / 9_007_199_254_740_992;
  }
  /** As `random.getrandbits(k)`, for k from 1 to 32. */
  getrandbits(k: number): number {
    return this.#next() >>> (32 - k);
  }
  /** As `random.randrange(n)`, and the index that `random.choice` takes; n from 1 to 2^31. */
  below(n: number): number {
    const bits = 32 - Math.clz32(n);
    for (;;) {
      const drawn = this.getrandbits(bits);
      if (drawn < n) return drawn;
    }
  }

  #initByArray(key: readonly number[]): void {
    const mt = this.#state;
    mt[0] = 19_650_218;
    for (let i = 1; i < N; i++) mt[i] = Math.imul(1_812_433_253, scramble(at(mt, i - 1))) + i;
    let i = 1;
    const wrap = () => {
      if (++i < N) return;
      mt[0] = at(mt, N - 1);
      i = 1;
    };
    for (let k = N, j = 0; k > 0; k--) {
      mt[i] = (at(mt, i) ^ Math.imul(scramble(at(mt, i - 1)), 1_664_525)) + (key[j] as number) + j;
      wrap();
      j = (j + 1) % key.length;
    }
    for (let k = N - 1; k > 0; k--) {
      mt[i] = (at(mt, i) ^ Math.imul(scramble(at(mt, i - 1)), 1_566_083_941)) - i;
      wrap();
    }
    mt[0] = 0x8000_0000;
  }

  #next(): number {
    if (this.#index >= N) this.#twist();
    let y = at(this.#state, this.#index++);
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }
  #twist(): void {
    const mt = this.#state;
    for (let i = 0; i < N; i++) {
      const y = (at(mt, i) & 0x8000_0000) | (at(mt, (i + 1) % N) & 0x7fff_ffff);
      mt[i] = at(mt, (i + M) % N) ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
    }
    this.#index = 0;
  }
}

const at = (state: Uint32Array, index: number): number => state[index] as number;
const scramble = (x: number): number => x ^ (x >>> 30);
