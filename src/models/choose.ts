/** Which model a step gets: one that is given, or the one that the governor and the router choose at dispatch. */
import type { UnitGovernor } from '../../actors/governor/governor.ts';
import type { LadderPoint, OperatingPoint } from '../../machines/governor/operating-point.ts';
import type { DifficultyEstimator } from '../routing/estimator.ts';
import type { Ledger } from '../budget/budget.ts';
import type { PriceList } from '../budget/prices.ts';
import { type Route, type Router } from '../routing/router.ts';
import { providerOf } from '../budget/model-name.ts';
import { efficientRungs, lift, throttle, type Need } from '../routing/throttle.ts';
import { checkTypes } from '../score/limits.ts';
import { UnknownModelError } from './errors.ts';
import { checkModel, modelName, type SdkModel } from './sdk.ts';

/** A model with the limits it is to be called with. */
export interface ModelChoice {
  readonly model: SdkModel;
  /** Asked in order where `model` gives no answer. */
  readonly fallbacks?: readonly SdkModel[] | undefined;
  readonly route?: Route | undefined;
  readonly point?: OperatingPoint | undefined;
}
/** Chooses for one task, just before it starts. */
export type ModelChooser = (task: string) => ModelChoice;

/** Models by `provider:name`; a function makes its model when it is first needed. */
export type ModelRegistry = Readonly<Record<string, SdkModel | (() => SdkModel)>>;

/**
 * Looks a model up.
 *
 * @throws UnknownModelError naming what there is
 */
export function lookUp(models: ModelRegistry, name: string): SdkModel {
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

/** What one step may use, asked each time that a point is chosen for it. */
export interface Terms {
  /** All that the step pays from. */
  readonly ledgers: readonly Ledger[];
  /** Whether a further call leaves one for every other step. */
  readonly spareCall: () => boolean;
  /** Steps that share what is left, this one included; 1 or more. */
  readonly stepsLeft: () => number;
  readonly remainingMs: () => number | undefined;
  /** The most tokens that the call may have in, and out where the route does not say. */
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  /** Without them the points are taken to cost what the cost law says. */
  readonly prices?: PriceList | undefined;
}

/** The points for one step: the governor's, within what is left at the time. */
export type Points = Pick<UnitGovernor, 'pointFor' | 'above' | 'verdict'>;

/** A chooser, and the same choice for a point that is already known. */
export interface Governed {
  (task: string): ModelChoice;
  at(point: OperatingPoint): ModelChoice;
  /** @throws PriceError for a model without a price, where prices are given */
  within(terms: Terms): Points;
  readonly options: GovernedOptions;
}

/** The governor sets the point, the router the model: at dispatch, so that load, budget and verdicts count up to then.
 *  Every model of the table is looked up at once, so that a wrong name is found before anything runs. */
export function governed(options: GovernedOptions): Governed {
  checkTypes('governed', options, {
    governor: 'object',
    router: 'object',
    models: 'object',
    estimator: 'object',
  });
  const { governor, router, models, estimator } = options;
  const found = new Map<string, SdkModel>();
  for (const { model } of router.table) if (!found.has(model)) found.set(model, lookUp(models, model));
  const at = (point: OperatingPoint): ModelChoice => {
    const route = router.route(point);
    return { model: found.get(route.model)!, route, point };
  };
  const within = (terms: Terms): Points => pointsWithin(governor, at, terms);
  return Object.assign((task: string) => at(governor.pointFor(estimator?.estimate(task))), {
    at,
    within,
    options,
  });
}

/** Before each choice the ceiling is set to what is left then. Choosing is synchronous, so one governor can serve several
 *  performances with separate budgets. */
function pointsWithin(
  governor: UnitGovernor,
  at: (point: OperatingPoint) => ModelChoice,
  { ledgers, spareCall, stepsLeft, remainingMs, inputTokens, maxOutputTokens, prices }: Terms,
): Points {
  const { ladder } = governor;
  const needs = new Map<string, Need>();
  for (const point of ladder) {
    const { model, route } = at(point);
    const output = route?.maxOutputTokens ?? maxOutputTokens;
    const usd = prices?.bound(modelName(model), inputTokens, output);
    needs.set(keyOf(point), { tokens: inputTokens + output, ...(usd === undefined ? {} : { usd }) });
  }
  const rungs =
    prices === undefined ? ladder : efficientRungs(ladder, (point) => needs.get(keyOf(point))!.usd!);
  const need = (point: LadderPoint): Need => needs.get(keyOf(lift(point, ladder, rungs)))!;
  const limit = () =>
    throttle(governor, ledgers, { stepsLeft: stepsLeft(), need, remainingMs: remainingMs() });
  return {
    pointFor(difficulty) {
      limit();
      return lift(governor.pointFor(difficulty), ladder, rungs);
    },
    above(point) {
      limit();
      if (!spareCall()) return undefined; // a climb is one more call
      const next = governor.above(point);
      return next === undefined ? undefined : lift(next, ladder, rungs);
    },
    verdict: (accepted) => governor.verdict(accepted),
  };
}

const keyOf = ({ tempo, dynamics }: OperatingPoint): string => `${tempo}/${dynamics}`;
