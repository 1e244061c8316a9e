/** Counters: how many tokens an agent would have to read. */
import type { Patch } from '../../actors/coherence/index.ts';

export interface TokenCounter {
  readonly name: string;
  /** Tokens of a whole value, as the agent would read it. */
  count(value: unknown): number;
  /** Tokens of a delta. Default: `count` of the patches. */
  delta?(patches: readonly Patch[]): number;
}

const CHARACTERS_PER_TOKEN = 4;
const sizes = new WeakMap<object, number>();

/** Characters of the compact JSON, with strings taken as they are (escapes are not counted). Frozen objects are
 *  measured once, so that a new version costs what changed and not what it contains. */
function characters(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return String(value ?? null).length;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  let size = 2;
  if (Array.isArray(value)) for (const item of value) size += characters(item) + 1;
  else
    for (const [key, item] of Object.entries(value))
      if (item !== undefined) size += key.length + 4 + characters(item);
  if (Object.isFrozen(value)) sizes.set(value, size);
  return size;
}

/** The default: one token for four characters of compact JSON, rounded up. The usual rule of thumb for English
 *  with byte-pair encodings; off by up to a third for code and by more for other scripts. */
export const estimate: TokenCounter = {
  name: 'estimate (4 characters a token)',
  count: (value) => Math.ceil(characters(value) / CHARACTERS_PER_TOKEN),
};

/** Counts with the tokenizer of `gpt-tokenizer` (o200k_base), which must be installed.
 *  @example `coherence({ bus, schema, ledger: new TokenLedger({ counter: await gptTokenizer() }) })`
 *  @throws when the package is not installed, saying so. */
export async function gptTokenizer(): Promise<TokenCounter> {
  const name = 'gpt-tokenizer';
  type Count = (text: string, options: { disallowedSpecial: Set<string> }) => number;
  let countTokens: Count;
  try {
    ({ countTokens } = (await import(name)) as { countTokens: Count });
  } catch (cause) {
    throw new Error("gptTokenizer() needs the package 'gpt-tokenizer': npm install gpt-tokenizer.", {
      cause,
    });
  }
  return {
    name: 'gpt-tokenizer (o200k_base)',
    // What looks like a special token is text here: by default the tokenizer throws.
    count: (value) =>
      countTokens(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null'), {
        disallowedSpecial: new Set(),
      }),
  };
}
