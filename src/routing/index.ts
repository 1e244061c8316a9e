/** How difficult is this task, and is the dear model worth it? */
export { RoutingDataError, type RoutingDataDetails } from './errors.ts';
export { BUILT_IN_WEIGHTS, builtInEstimator, type DifficultyEstimator } from './estimator.ts';
export { evaluateRouter, type EvaluateOptions, type Evaluation, type Method } from './evaluate.ts';
export { FEATURES, READ_LIMIT, readFeatures, type Feature } from './features.ts';
export { figures, type CurvePoint, type Figures } from './figures.ts';
export { loadRouter, readOutcomes, saveRouter } from './files.ts';
export type { Outcome } from './outcome.ts';
export { formatRouter, parseRouter } from './router-file.ts';
export { trainRouter, type TrainOptions } from './train.ts';
export { TrainedRouter, type RouterState, type Training, type Verdict } from './trained.ts';
export { parseOutcomes } from './training-file.ts';
export { benchRouting, type BenchRoutingOptions, type RoutingBench } from './bench.ts';
export { RoutingConfigError } from './config-error.ts';
