/** The AI SDK: an optional peer, loaded when a model is first used. */
import type { LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';
import { MissingPackageError, UnknownModelError } from './errors.ts';

/** A model of the AI SDK, of specification V3 or V4. */
export type SdkModel = LanguageModelV3 | LanguageModelV4;
export type Sdk = typeof import('ai');

/**
 * Loads the package `ai`.
 *
 * @param load - how; for tests
 * @throws MissingPackageError when it is not installed
 */
export async function loadSdk(load: () => Promise<Sdk> = () => import('ai')): Promise<Sdk> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MissingPackageError('ai', 'A model agent');
  }
}

/** `provider:name` of a model. An SDK provider may be called `openai.chat`; its first part is the provider. */
export const modelName = ({ provider, modelId }: SdkModel): string => `${provider.split('.')[0]}:${modelId}`;

/** @throws UnknownModelError for anything but a model of specification V3 or V4 */
export function checkModel(model: unknown, at: string): asserts model is SdkModel {
  const version = (model as { specificationVersion?: unknown } | null | undefined)?.specificationVersion;
  if (version === 'v3' || version === 'v4') return;
  const found =
    typeof model === 'string'
      ? `the name '${model}'`
      : version === undefined
        ? 'no model'
        : `specification '${String(version)}'`;
  throw new UnknownModelError(
    `${at}: ${found} was given; a model of the AI SDK with specification v3 or v4 is needed.`,
  );
}
