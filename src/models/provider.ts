/**
 * Models from the environment: `provider:name` and a key, or a local server.
 *
 * Any server that speaks the chat-completions protocol will do, through `@ai-sdk/openai-compatible` (an optional
 * peer). The user chooses the models; their names are not in this code.
 */
import { RoutingConfigError } from '../budget/config-error.ts';
import { checkModelName, providerOf } from '../budget/model-name.ts';
import { MissingPackageError, UnknownModelError } from './errors.ts';
import { keepSecret } from './redact.ts';
import type { SdkModel } from './sdk.ts';

type Body = Record<string, any>;
interface Endpoint {
  readonly baseURL: string;
  /** The variable that holds the key; none is needed where there is none. */
  readonly key?: string | undefined;
  /** Differences of this provider from the protocol. */
  readonly dialect?: ((body: Body) => Body) | undefined;
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  anthropic: { baseURL: 'https://api.anthropic.com/v1', key: 'ANTHROPIC_API_KEY', dialect: inWords },
  deepseek: { baseURL: 'https://api.deepseek.com/v1', key: 'DEEPSEEK_API_KEY', dialect: inWords },
  google: { baseURL: 'https://generativelanguage.googleapis.com/v1beta/openai', key: 'GEMINI_API_KEY' },
  groq: { baseURL: 'https://api.groq.com/openai/v1', key: 'GROQ_API_KEY' },
  mistral: { baseURL: 'https://api.mistral.ai/v1', key: 'MISTRAL_API_KEY' },
  ollama: { baseURL: 'http://127.0.0.1:11434/v1' },
  openai: { baseURL: 'https://api.openai.com/v1', key: 'OPENAI_API_KEY', dialect: newNames },
  openrouter: { baseURL: 'https://openrouter.ai/api/v1', key: 'OPENROUTER_API_KEY' },
};

/** A provider is known, and its key is not in the environment. */
export class MissingKeyError extends Error {
  override name = 'MissingKeyError';
  /** The variable to set. */
  readonly variable: string;
  constructor(provider: string, variable: string) {
    super(`provider '${provider}': no key. Set ${variable}, or use a local model (ollama:NAME).`);
    this.variable = variable;
  }
}

/**
 * Makes a model.
 *
 * @param name - `provider:name`. An unlisted provider P needs `TUTTI_P_BASE_URL`, and `TUTTI_P_API_KEY` if it asks
 *   for a key; these also override what is listed
 * @throws RoutingConfigError for a name of another form; UnknownModelError for a provider that is not known;
 *   MissingKeyError; MissingPackageError
 */
export async function modelFromEnvironment(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SdkModel> {
  checkModelName(name, 'model');
  const provider = providerOf(name);
  const prefix = `TUTTI_${provider.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
  const listed = Object.hasOwn(ENDPOINTS, provider) ? ENDPOINTS[provider] : undefined;
  const said = (variable: string) => environment[variable]?.trim() || undefined; // an empty one is none
  const own = said(`${prefix}_BASE_URL`);
  const baseURL = own ?? listed?.baseURL;
  if (baseURL === undefined) {
    throw new UnknownModelError(
      `model '${name}': there is no provider '${provider}'. Use ${Object.keys(ENDPOINTS).join(', ')}, or set ${prefix}_BASE_URL.`,
    );
  }
  if (!URL.canParse(baseURL) || new URL(baseURL).username !== '')
    throw new RoutingConfigError(
      `${prefix}_BASE_URL`,
      'is no address, or has a user and a password in it',
      `Write http://HOST:PORT/v1, and a key in ${prefix}_API_KEY.`,
    );
  const apiKey = said(`${prefix}_API_KEY`) ?? (listed?.key === undefined ? undefined : said(listed.key));
  if (apiKey !== undefined) keepSecret(apiKey);
  if (apiKey === undefined && listed?.key !== undefined && own === undefined)
    throw new MissingKeyError(provider, listed.key);
  const { createOpenAICompatible } = await loadProvider();
  const made = createOpenAICompatible({
    name: provider,
    baseURL,
    includeUsage: true,
    // Without it the schema is not sent at all, and the model has to guess what is wanted.
    supportsStructuredOutputs: true,
    ...(listed?.dialect === undefined ? {} : { transformRequestBody: (body: Body) => listed.dialect!(body) }),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  return made(name.slice(provider.length + 1));
}

/** For providers without `json_schema`: any JSON, and the schema as a message. */
function inWords(body: Body): Body {
  const schema: unknown = body['response_format']?.json_schema?.schema;
  if (schema === undefined) return body;
  const content = `Answer with JSON alone, and let it fit this JSON schema: ${JSON.stringify(schema)}`;
  const messages = [{ role: 'system', content }, ...body['messages']];
  return { ...body, response_format: { type: 'json_object' }, messages };
}

/** OpenAI's newer models refuse `max_tokens`. */
function newNames({ max_tokens, ...body }: Body): Body {
  return max_tokens === undefined ? body : { ...body, max_completion_tokens: max_tokens };
}

async function loadProvider(): Promise<typeof import('@ai-sdk/openai-compatible')> {
  try {
    return await import('@ai-sdk/openai-compatible');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MissingPackageError('@ai-sdk/openai-compatible', 'A model named on the command line');
  }
}
