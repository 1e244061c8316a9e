/** Which model a step gets: one that is given, or the one that the governor and the router choose at dispatch. */
import type { UnitGovernor } from '../../actors/governor.ts';
import type { OperatingPoint } from '../../machines/operating-point.ts';
import type { DifficultyEstimator } from '../routing/estimator.ts';
import { providerOf, type Route, type Router } from '../routing/router.ts';
import { UnknownModelError } from './errors.ts';
import { checkModel, type Model } from './sdk.ts';

/** A model with the limits it is to be called with. */
export interface ModelChoice {
  readonly model: Model;
  readonly route?: Route | undefined;
  readonly point?: OperatingPoint | undefined;
}
/** Chooses for one task, just before it starts. */
export type ModelChooser = (task: string) => ModelChoice;

/** Models by `provider:name`; a function makes its model when it is first needed. */
export type ModelRegistry = Readonly<Record<string, Model | (() => Model)>>;

/**
 * Looks a model up.
 *
 * @throws UnknownModelError naming what there is
 */
export function lookUp(models: ModelRegistry, name: string): Model {
  const found = Object.hasOwn(models, name) ? models[name] : undefined;
  if (found === undefined) {
    const names = Object.keys(models);
    const provider = providerOf(name);
    const siblings = names.filter((known) => providerOf(known) === provider);
    const problem =
      siblings.length > 0
        ? `provider '${provider}' has no model '${name.slice(provider.length + 1)}'`
        : `there is no provider '${provider}'`;
    throw new UnknownModelError(
      `model '${name}': ${problem}. Register it; known: ${(siblings.length > 0 ? siblings : names).join(', ') || 'none'}.`,
    );
  }
  const model = typeof found === 'function' ? found() : found;
  checkModel(model, `models['${name}']`);
  return model;
}

/** What {@link governed} is made of. */
export interface GovernedOptions {
  readonly governor: UnitGovernor;
  readonly router: Router;
  readonly models: ModelRegistry;
  /** Without one, every task gets the pool's point. */
  readonly estimator?: DifficultyEstimator | undefined;
}

/** A chooser, and the same choice for a point that is already known. */
export interface Governed {
  (task: string): ModelChoice;
  at(point: OperatingPoint): ModelChoice;
  readonly options: GovernedOptions;
}

/** The governor sets the point, the router the model: at dispatch, so that load, budget and verdicts count up to then.
 *  Every model of the table is looked up at once, so that a wrong name is found before anything runs. */
export function governed(options: GovernedOptions): Governed {
  const { governor, router, models, estimator } = options;
  const found = new Map<string, Model>();
  for (const { model } of router.table) if (!found.has(model)) found.set(model, lookUp(models, model));
  const at = (point: OperatingPoint): ModelChoice => {
    const route = router.route(point);
    return { model: found.get(route.model)!, route, point };
  };
  return Object.assign((task: string) => at(governor.pointFor(estimator?.estimate(task))), { at, options });
}
