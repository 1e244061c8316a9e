/** The names of models: `provider:name`. */
import { RoutingConfigError } from './config-error.ts';

/** The provider of `provider:name`. */
export const providerOf = (model: string): string => model.slice(0, model.indexOf(':'));

/** @throws RoutingConfigError unless it reads `provider:name` */
export function checkModelName(model: unknown, at: string): asserts model is string {
  if (typeof model === 'string' && /^[^:\s]+:\S+$/.test(model)) return;
  throw new RoutingConfigError(at, `'${String(model)}' names no model`, "Write 'provider:name'.");
}
