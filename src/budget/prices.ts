/**
 * Prices of models: from a maintained package, with the user's prices in front.
 *
 * The package is `@pydantic/genai-prices`, an optional peer: with an override for every model it is not needed. It
 * carries its table with it; nothing is fetched.
 */
import { knownFields, RoutingConfigError } from './config-error.ts';
import { checkModelName, providerOf } from './model-name.ts';

/** US dollars per million tokens, each 0 or more. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  /** Default: as input. */
  readonly cacheRead?: number | undefined;
  /** Default: as input. */
  readonly cacheWrite?: number | undefined;
}

/** Tokens of one call or of many, in the AI SDK's shape; undefined is "not reported". */
export interface TokenUsage {
  readonly inputTokens: {
    readonly total: number | undefined;
    readonly noCache: number | undefined;
    readonly cacheRead: number | undefined;
    readonly cacheWrite: number | undefined;
  };
  readonly outputTokens: {
    readonly total: number | undefined;
    readonly text: number | undefined;
    readonly reasoning: number | undefined;
  };
}

export interface PriceList {
  /** US dollars for what was used. Tokens that were not reported cost nothing here; ask before. */
  cost(model: string, usage: TokenUsage): number;
  /** The most that a call with at most so many tokens can cost: every input token at its most expensive kind. */
  bound(model: string, inputTokens: number, outputTokens: number): number;
}

/** A price that is missing or makes no sense. */
export class PriceError extends RoutingConfigError {
  override name = 'PriceError';
}

/** How the AI SDK's providers are called in the price table, where the names differ. */
const PROVIDERS: Readonly<Record<string, string>> = {
  'amazon-bedrock': 'aws',
  bedrock: 'aws',
  vertex: 'google',
  'google-vertex': 'google',
  xai: 'x-ai',
};

type Calculator = typeof import('@pydantic/genai-prices').calcPrice;

export interface PriceOptions {
  /** By `provider:name`, or `provider:*` for a whole provider (a local one, say, at 0). */
  readonly overrides?: Readonly<Record<string, ModelPrice>> | undefined;
  /** Whether to look models up that no override names. Default true. */
  readonly lookUp?: boolean | undefined;
  /** Prices are those of this day. Default: today. */
  readonly at?: Date | undefined;
}

/**
 * Loads prices.
 *
 * @throws PriceError for an override that is negative or not a number; RoutingConfigError for an unknown option
 */
export async function loadPrices(options: PriceOptions = {}): Promise<PriceList> {
  knownFields('prices', options, ['overrides', 'lookUp', 'at']);
  const { overrides = {}, lookUp = true, at } = options;
  if (
    typeof lookUp !== 'boolean' ||
    (at !== undefined && !(at instanceof Date && !Number.isNaN(at.getTime())))
  )
    throw new PriceError(
      'prices',
      'lookUp is true or false, and at is a date',
      'Correct it, or leave it out.',
    );
  for (const [model, price] of Object.entries(overrides)) checkPrice(model, price);
  const calculate = lookUp ? await loadCalculator() : undefined;
  /** Prices that are the same for every token, asked for once a minute: matching a name takes the package 10 us. */
  const flat = new Map<string, { readonly price: ModelPrice | undefined; readonly until: number }>();
  const flatPrice = (model: string): ModelPrice | undefined => {
    const known = flat.get(model);
    const now = Date.now();
    if (known !== undefined && now < known.until) return known.price;
    const price = flatOf(model, calculate, at);
    flat.set(model, { price, until: at === undefined ? now + 60_000 : Number.POSITIVE_INFINITY });
    return price;
  };
  const own = (model: string) => overrides[model] ?? overrides[`${providerOf(model)}:*`] ?? flatPrice(model);
  const priced = (model: string, input: number, read: number, write: number, output: number): number => {
    checkModelName(model, 'model');
    const mine = own(model);
    if (mine !== undefined) return ofOverride(mine, input, read, write, output);
    if (lookUp && calculate === undefined) {
      const remedy = `Install it: npm install @pydantic/genai-prices. Or give a price: overrides: { '${model}': { input, output } }.`;
      throw new PriceError(`prices['${model}']`, 'the package with the price table is not installed', remedy);
    }
    return ofPackage(model, calculate, at, {
      input_tokens: input,
      cache_read_tokens: read,
      cache_write_tokens: write,
      output_tokens: output,
    });
  };
  return {
    cost: (model, { inputTokens, outputTokens }) => {
      const { noCache = 0, cacheRead = 0, cacheWrite = 0 } = inputTokens;
      const total = inputTokens.total ?? noCache + cacheRead + cacheWrite;
      // What a provider reports as cached is a part of the total, also if the numbers do not add up.
      const read = Math.min(cacheRead, total);
      return priced(model, total, read, Math.min(cacheWrite, total - read), outputTokens.total ?? 0);
    },
    bound: (model, input, output) =>
      Math.max(
        priced(model, input, 0, 0, output),
        priced(model, input, 0, input, output),
        priced(model, input, input, 0, output),
      ),
  };
}

function ofOverride(
  { input, output, cacheRead = input, cacheWrite = input }: ModelPrice,
  total: number,
  read: number,
  write: number,
  out: number,
): number {
  return ((total - read - write) * input + read * cacheRead + write * cacheWrite + out * output) / 1e6;
}

function ofPackage(
  model: string,
  calculate: Calculator | undefined,
  at: Date | undefined,
  usage: Record<string, number>,
): number {
  const remedy = `Give one: overrides: { '${model}': { input, output } } in US dollars per million tokens.`;
  const provider = providerOf(model);
  const name = model.slice(provider.length + 1);
  const providerId = PROVIDERS[provider] ?? provider.split('.')[0]!;
  let found: ReturnType<Calculator> | undefined;
  try {
    found = calculate?.(usage, name, { providerId, ...(at === undefined ? {} : { timestamp: at }) });
  } catch (error) {
    throw new PriceError(
      `prices['${model}']`,
      `the price table refuses it (${(error as Error).message})`,
      remedy,
    );
  }
  if (found == null || !Number.isFinite(found.total_price))
    throw new PriceError(`prices['${model}']`, 'no price is known', remedy);
  if (found.total_price < 0)
    throw new PriceError(`prices['${model}']`, 'the price table says a negative price', remedy);
  return found.total_price;
}

/** The price of a model that has no tiers; undefined where it has, or where none is known. */
function flatOf(
  model: string,
  calculate: Calculator | undefined,
  at: Date | undefined,
): ModelPrice | undefined {
  const provider = providerOf(model);
  const providerId = PROVIDERS[provider] ?? provider.split('.')[0]!;
  const usage = { input_tokens: 1, output_tokens: 1 };
  let price: Readonly<Record<string, unknown>> | undefined;
  try {
    const options = { providerId, ...(at === undefined ? {} : { timestamp: at }) };
    price = calculate?.(usage, model.slice(provider.length + 1), options)?.model_price;
    if (price?.['requests_kcount'] !== undefined) return undefined; // a call costs, too
  } catch {
    return undefined; // a caller that needs the cost gets an error
  }
  const { input_mtok: input, output_mtok: output, cache_read_mtok, cache_write_mtok } = price ?? {};
  const isPrice = (value: unknown): value is number => typeof value === 'number' && value >= 0;
  const [cacheRead, cacheWrite] = [cache_read_mtok ?? input, cache_write_mtok ?? input];
  return [input, output, cacheRead, cacheWrite].every(isPrice)
    ? ({ input, output, cacheRead, cacheWrite } as ModelPrice)
    : undefined;
}

function checkPrice(model: string, price: ModelPrice): void {
  checkModelName(model, `prices['${model}']`);
  knownFields(`prices['${model}']`, price, ['input', 'output', 'cacheRead', 'cacheWrite'], 'kind of price');
  for (const kind of ['input', 'output', 'cacheRead', 'cacheWrite'] as const) {
    const value = price[kind];
    if (value === undefined && (kind === 'cacheRead' || kind === 'cacheWrite')) continue;
    const at = `prices['${model}'].${kind}`;
    const remedy = 'Give US dollars per million tokens, 0 or more.';
    if (value === undefined) throw new PriceError(at, 'is missing', remedy);
    if (!(typeof value === 'number' && Number.isFinite(value)))
      throw new PriceError(at, `'${String(value)}' is no number`, remedy);
    if (value < 0) throw new PriceError(at, `${value} is negative`, remedy);
  }
}

async function loadCalculator(): Promise<Calculator | undefined> {
  try {
    return (await import('@pydantic/genai-prices')).calcPrice;
  } catch {
    return undefined; // a model without an override is then refused, with the remedy
  }
}
