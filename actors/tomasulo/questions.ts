/** Questions to persons: a step that a score holds for an answer.
 *
 *  Owns:     when a question is asked, who is reminded, and which answers fit.
 *  Receives: steps that are issued held, operands that arrive, answers of cues.
 *  Sends:    the time of a hold, and the events `step.asked`, `step.reminded`, `step.escalated`.
 *
 *  A question is asked when the operands of its step are there, since the person decides about them. The hold's time
 *  begins then. */
import { fermata, type Fermata } from '../../machines/hct/signal.ts';
import { freeze } from '../bus/freeze.ts';
import type { HoldPlan, StepPlan } from './program.ts';
import type { RunContext } from './run.ts';

/** The name of the hold that a score puts on a step. */
export const holdOfScore = (step: number): string => `fermata:${step}`;

/** A step that is held, for the person who decides. */
export interface HeldStep {
  readonly stepId: string;
  readonly agent: string;
  readonly holdType: string;
  /** The sender of the hold: `score`, or the source of a signal. */
  readonly source: string;
  readonly question: string | undefined;
  /** The schema that an answer has to fit, as the score gives it. */
  readonly answer: object | undefined;
  /** Who decides. */
  readonly deciders: readonly string[];
  /** What the agent will receive, with what has been edited; undefined while an operand is missing. */
  readonly operands: Readonly<Record<string, unknown>> | undefined;
  /** When its time began, in milliseconds of the performance's clock; undefined before the question is asked. */
  readonly since: number | undefined;
  /** When the hold ends by itself, in milliseconds of the clock. */
  readonly until: number | undefined;
  readonly onTimeout: 'fail' | 'resume';
}

/** An answer, an edit or a refusal was not accepted. What is held is still held. */
export class AnswerError extends Error {
  override name = 'AnswerError';
  readonly stepId: string;
  constructor(stepId: string, problem: string, options?: ErrorOptions) {
    super(problem, options);
    this.stepId = stepId;
  }
}

/** Holds a step that its score holds.
 *  @returns whether the question waits for operands */
export function holdByScore(run: RunContext, step: number): void {
  const plan = run.program.steps[step]!;
  const { question, answer, escalate } = plan.fermata!;
  const id = holdOfScore(step);
  run.holds.beginUntimed(holdSignal(run.program.idOf(step), plan), id, true);
  if (question !== undefined || answer !== undefined) run.orders.unasked.add(step);
  else {
    timeHold(run, step, escalate);
    remind(run, step);
  }
}

/** The time of a score's hold begins, or goes on from an earlier life. */
function timeHold(run: RunContext, step: number, escalate: HoldPlan['escalate']): void {
  const { holds, journal } = run;
  const since = journal?.restored(step)?.heldSince;
  holds.time(holdOfScore(step), escalate, since);
  const hold = holds.get(holdOfScore(step));
  if (since === undefined && hold !== undefined) journal?.held(step, hold);
}

/** The step has all operands. */
export function putQuestion(run: RunContext, step: number): void {
  const plan = run.program.steps[step]!;
  const { question, escalate } = plan.fermata!;
  run.orders.unasked.delete(step);
  timeHold(run, step, escalate);
  run.events.tell({ type: 'step.asked', stepId: run.program.idOf(step), question });
  remind(run, step);
}

function remind(run: RunContext, step: number): void {
  const { fermata: plan } = run.program.steps[step]!;
  const stepId = run.program.idOf(step);
  const { remindMs } = plan!;
  if (remindMs === undefined || remindMs <= 0) return;
  const since = run.clock.now();
  const again = () =>
    run.setLimitOf(step, remindMs, () => {
      if (run.ended || run.holds.get(holdOfScore(step)) === undefined) return;
      run.events.tell({ type: 'step.reminded', stepId, waitedMs: run.clock.now() - since });
      again();
    });
  again();
}

/** What is held now, in the order of the score. */
export function heldSteps(run: RunContext): HeldStep[] {
  const { holds, orders, pool, program } = run;
  if (run.ended || holds.none) return [];
  const held = pool.held().sort((a, b) => a.step - b.step);
  return held.flatMap(({ step, actor }) => {
    const [hold] = holds.of(step).sort((a, b) => Number(b.id === holdOfScore(step)) - Number(a.id === holdOfScore(step))); // prettier-ignore
    const { value, context } = actor.getSnapshot();
    if (hold === undefined || value !== 'held') return [];
    const { agent, fermata: plan } = program.steps[step]!;
    const ofScore = hold.id === holdOfScore(step) ? plan : undefined;
    const asked = !orders.unasked.has(step);
    const until = hold.timeoutMs === undefined ? undefined : hold.since + hold.timeoutMs;
    return [
      {
        stepId: program.idOf(step),
        agent: agent.name,
        holdType: hold.holdType,
        source: hold.source,
        question: ofScore?.question,
        answer: ofScore?.answer,
        deciders: hold.deciders,
        operands:
          context.missing > 0
            ? undefined
            : { ...readable(() => run.operandsOf(step)), ...orders.edits.get(step) },
        since: asked ? hold.since : undefined,
        until: asked ? until : undefined,
        onTimeout: hold.onTimeout,
      },
    ];
  });
}
/** A read of a property that is not there fails the step when it starts, not the list. */
function readable(read: () => Record<string, unknown>): Record<string, unknown> {
  try {
    return read();
  } catch {
    return {};
  }
}

/** What a cue brings for one step that it names. */
export interface Brought {
  readonly answer?: unknown;
  readonly operands?: unknown;
}
export const broughtBy = (payload: unknown): Brought => (payload ?? {}) as Brought;

/** Judges what a cue brings for a step, and keeps what fits.
 *  @param named whether the cue names this step alone, so that its answer is for it
 *  @param accepted called later where the schema is asynchronous
 *  @returns whether the hold of the score may be lifted now
 *  @throws {AnswerError} for an answer that does not fit, or an operand that the step does not read */
export function bring(
  run: RunContext,
  step: number,
  brought: Brought,
  named: boolean,
  later: (outcome: () => void) => void,
): boolean {
  const plan = { ...run.program.steps[step]!, id: run.program.idOf(step) };
  const edits = named ? editsOf(plan, brought.operands) : undefined;
  const keep = (answer: unknown) => {
    if (answer !== undefined) run.orders.answers.set(step, freeze(answer));
    if (edits !== undefined) run.orders.edits.set(step, { ...run.orders.edits.get(step), ...edits });
  };
  const schema = plan.fermata?.answer;
  const answer = named ? brought.answer : undefined;
  if (schema === undefined || run.orders.answers.has(step)) {
    keep(answer);
    return true;
  }
  const judge = run.options.judge ?? ((_: object, value: unknown) => value);
  const refused = (error: unknown) => refusedAnswer(plan, answer, error);
  let judged: unknown;
  try {
    judged = judge(schema, answer, plan.id);
  } catch (error) {
    throw refused(error);
  }
  if (!(judged instanceof Promise)) {
    keep(judged);
    return true;
  }
  judged.then(
    (value) => later(() => keep(value)),
    (error: unknown) =>
      later(() => {
        throw refused(error);
      }),
  );
  return false;
}

/** @throws {AnswerError} for names that the step does not read */
export function editsOf(
  { id, reads = {} }: StepPlan,
  given: unknown,
): Readonly<Record<string, unknown>> | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new AnswerError(id, 'operands must be an object of values by operand.');
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(reads, name));
  if (unknown !== undefined)
    throw new AnswerError(
      id,
      `step '${id}' has no operand '${unknown}'; it has ${Object.keys(reads).join(', ') || 'none'}.`,
    );
  return freeze({ ...given }) as Record<string, unknown>;
}

/** Why an answer does not lift the hold, in words. */
export function refusedAnswer({ id, fermata: plan }: StepPlan, answer: unknown, error: unknown): AnswerError {
  const { question } = plan!;
  const why = error instanceof Error ? error.message : String(error);
  const asked = question === undefined ? '' : ` The question is: ${question}`;
  return answer === undefined
    ? new AnswerError(id, `step '${id}' needs an answer: cue it with one.${asked} The step is still held.`, {
        cause: error,
      })
    : new AnswerError(id, `${why}${asked} The step is still held.`, { cause: error });
}

/** The fermata that a score writes on a step. */
function holdSignal(id: string, { fermata: plan = {} }: StepPlan): Fermata {
  const { holdType = 'human', timeoutMs = 30_000, onTimeout = 'fail', question } = plan;
  const reason = question === undefined ? {} : { reason: question };
  return fermata({ source: 'score', targets: [id], holdType, timeoutMs, onTimeout, ...reason });
}
