/** OpenTelemetry: a span for each performance, each try of a step, and each call of a model.
 *
 *  Source: semantic conventions for generative AI, 1.41 (in development): `invoke_workflow`, `invoke_agent`, `chat`.
 *  Only `@opentelemetry/api` is needed; without an SDK, spans go nowhere and cost next to nothing. Operands, results,
 *  prompts and answers are exported only with `bodies`. */
import type { Spans } from './spans.ts';
import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';
import type { AgentContext, AgentPlan, Program, StepPlan } from '../../actors/tomasulo/program.ts';
import type { SdkModel } from '../models/sdk.ts';
import { perform, type PerformOptions, type Run } from '../score/perform.ts';
import type { Score } from '../score/score.ts';
import { Shower } from '../trace/digest.ts';
import { hider } from '../trace/secrets.ts';
import { fail } from './fail.ts';
import { tracedModel } from './model.ts';

export interface TelemetryOptions {
  /** Default: the tracer `tutti` of the registered provider. */
  readonly tracer?: Tracer | undefined;
  /** Whether prompts, answers, operands and results are exported, without secrets and cut to 64 kB. Default false. */
  readonly bodies?: boolean | undefined;
  /** Values that must never be exported, in addition to the secrets in the environment. */
  readonly secrets?: readonly string[] | undefined;
}

/** Characters of a body. */
const LONGEST = 65_536;

export interface Telemetry {
  /** `perform`, with a span for the performance and one for each try of a step. */
  perform<Input, N extends Record<string, unknown>>(
    score: Score<Input, N>,
    options?: PerformOptions<Input>,
  ): Run<Score<Input, N>['names']>;
  /** The same model, with a span for each call: a child of the step's where a context manager is registered, as
   *  `NodeTracerProvider.register()` does. */
  model(model: LanguageModelV4): LanguageModelV4;
  model(model: LanguageModelV3): LanguageModelV3;
  model(model: SdkModel): SdkModel;
}

/** @example
 *  ```ts
 *  const telemetry = openTelemetry();
 *  const writer = modelAgent({ name: 'writer', model: telemetry.model(provider('some-model')), prompt: '…' });
 *  await telemetry.perform(review, { input }).result;
 *  ``` */
export function openTelemetry(options: TelemetryOptions = {}): Telemetry {
  const { tracer = trace.getTracer('tutti'), bodies = false, secrets } = options;
  const shower = new Shower({ string: LONGEST, value: LONGEST, depth: 16 }, hider(secrets));
  const spans: Spans = { tracer, body: (value) => (bodies ? shower.json(value) : undefined) };
  return {
    perform: (score, given = {}) => performWithSpans(score, given, spans),
    model: (model: SdkModel) => tracedModel(model, spans) as never,
  };
}

function performWithSpans<Input, N extends Record<string, unknown>>(
  score: Score<Input, N>,
  options: PerformOptions<Input>,
  spans: Spans,
): Run<Score<Input, N>['names']> {
  const { name } = score;
  const before = context.active();
  const span = spans.tracer.startSpan(
    `invoke_workflow ${name}`,
    {
      kind: SpanKind.INTERNAL,
      attributes: { 'gen_ai.operation.name': 'invoke_workflow', 'gen_ai.workflow.name': name },
    },
    before,
  );
  const steps = new Steps(trace.setSpan(before, span), spans);
  let run: Run<Score<Input, N>['names']>;
  try {
    run = perform(withProgram(score, steps.program(score.program)), options);
  } catch (error) {
    fail(span, error);
    span.end();
    throw error;
  }
  span.setAttributes({ 'tutti.run.id': run.id, 'tutti.run.steps': score.program.steps.length });
  const end = (): void => {
    steps.end();
    span.end();
  };
  // Synchronously, so that the span has ended for code that has awaited the result.
  run.report.then(
    ({ status, usage, errors }) => {
      const { calls, retries } = usage;
      span.setAttributes({
        'tutti.run.status': status,
        'tutti.run.calls': calls,
        'tutti.run.retries': retries,
      });
      if (status !== 'completed') fail(span, errors[0] ?? new Error(status));
      end();
    },
    (error: unknown) => {
      fail(span, error);
      end();
    },
  );
  return run;
}

/** The same score with another program; everything else of it stays. */
const withProgram = <S extends Score<any, any>>(score: S, program: Program): S =>
  Object.create(score, { program: { value: program } }) as S;

/** The spans of one performance's steps. */
class Steps {
  readonly #parent: Context;
  readonly #spans: Spans;
  readonly #open = new Set<Span>();
  readonly #plans = new Map<AgentPlan, AgentPlan>();

  constructor(parent: Context, spans: Spans) {
    this.#parent = parent;
    this.#spans = spans;
  }
  /** The program with agents that report spans. Steps with a common agent still have a common one. */
  program(program: Program): Program {
    const steps = program.steps.map((step): StepPlan => {
      const { scope } = step;
      return scope === undefined
        ? { ...step, agent: this.#agent(step.agent) }
        : { ...step, scope: { ...scope, body: this.program(scope.body) } };
    });
    return { ...program, steps };
  }
  /** Ends what an abandoned agent has left open. */
  end(): void {
    for (const span of this.#open) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'abandoned: the performance has ended' });
      span.end();
    }
    this.#open.clear();
  }

  #agent(plan: AgentPlan): AgentPlan {
    let traced = this.#plans.get(plan);
    if (traced === undefined) {
      traced = { ...plan, run: (operands, told) => this.#run(plan, operands, told) };
      this.#plans.set(plan, traced);
    }
    return traced;
  }
  #run(plan: AgentPlan, operands: Record<string, unknown>, told: AgentContext): unknown {
    const attributes: Attributes = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': plan.name,
      'tutti.run.id': told.runId,
      'tutti.step.id': told.stepId,
      'tutti.step.attempt': told.attempt,
    };
    const given = this.#spans.body(operands);
    if (given !== undefined) attributes['tutti.step.operands'] = given;
    const span = this.#spans.tracer.startSpan(
      `invoke_agent ${plan.name}`,
      { kind: SpanKind.INTERNAL, attributes },
      this.#parent,
    );
    this.#open.add(span);
    try {
      const result = context.with(trace.setSpan(this.#parent, span), () => plan.run(operands, told));
      if (!isThenable(result)) return this.#done(span, result);
      return result.then(
        (value) => this.#done(span, value),
        (error: unknown) => this.#failed(span, error),
      );
    } catch (error) {
      return this.#failed(span, error);
    }
  }
  #done(span: Span, result: unknown): unknown {
    const shown = this.#spans.body(result);
    if (shown !== undefined) span.setAttribute('tutti.step.result', shown);
    this.#close(span);
    return result;
  }
  #failed(span: Span, error: unknown): never {
    fail(span, error);
    this.#close(span);
    throw error;
  }
  /** A span that has been given up has ended already. */
  #close(span: Span): void {
    if (this.#open.delete(span)) span.end();
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
