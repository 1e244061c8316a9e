/** Performances: which step a station holds, and how each ended. */
import type { ActorRow } from './trace.ts';
import { isObject, numberOf, textOf, type ParsedObject } from './message.ts';
import { PHASES, type Phase, type BoundRead, type ViewedScore, type StepRow } from './score.ts';

/** How a step has ended when its station is free again, by the state that it was in before. */
const ENDS: Readonly<Record<string, string>> = { writing: 'done', poisoned: 'failed' };

export class Runs {
  readonly #score: ViewedScore;
  /** Steps of each run by tag. */
  readonly #steps = new Map<string, StepRow[]>();
  /** By actor: what its station holds, in which state, and how that will end. */
  readonly #held: ({ step: StepRow; value: string; end: string | undefined } | undefined)[] = [];

  constructor(score: ViewedScore) {
    this.#score = score;
  }
  /** The run that began last, for messages that name none. */
  current = '';
  begin(runId: string): void {
    this.current = runId;
    this.#steps.set(runId, []);
  }
  program(event: ParsedObject): void {
    const mine = this.#steps.get(this.current);
    const from = numberOf(event['from']);
    const steps = event['steps'];
    if (mine === undefined || from === undefined || !Array.isArray(steps)) return;
    steps.forEach((given: unknown, index) => {
      if (!isObject(given)) return;
      const id = textOf(given['id']) ?? `step ${from + index}`;
      const reads: BoundRead[] = (Array.isArray(given['reads']) ? given['reads'] : []).flatMap(
        (tag: unknown) => {
          const source = typeof tag === 'number' ? mine[tag] : undefined;
          return source === undefined ? [] : [{ name: source.writes, step: source.index }];
        },
      );
      mine[from + index] = this.#score.declare(
        this.current,
        id,
        textOf(given['agent']) ?? '',
        textOf(given['writes']) ?? id,
        reads,
        given['downbeat'] === true,
      );
    });
  }
  step(runId: string, tag: number): StepRow | undefined {
    return this.#steps.get(runId)?.[tag];
  }

  /** A station is in a state. */
  station(
    actor: ActorRow,
    run: string,
    value: string,
    type: string,
    tag: number,
    time: number,
    row: number,
  ): void {
    const held = this.#held[actor.index];
    if (value === 'free') {
      if (held === undefined) return;
      this.#score.end(held.step, held.end ?? ENDS[held.value] ?? 'cancelled', time, row);
      this.#held[actor.index] = undefined;
      return;
    }
    // A trace without a program still has tags.
    const step = this.step(run, tag) ?? (tag < 0 ? undefined : this.#score.step(run, `step ${tag}`));
    const phase = PHASES.find((one): one is Phase => one === value);
    if (step === undefined || phase === undefined) return;
    this.#score.move(step, phase, time, row);
    let end = held?.step === step ? held.end : undefined;
    if (value === 'poisoned' && type === 'FAULT') end = 'skipped'; // an operand was faulty
    if (value === 'writing' && (type === 'FAULT' || type === 'FAILED')) end = 'defaulted';
    this.#held[actor.index] = { step, value, end };
  }

  /** A result, or a fault, on the bus. */
  pulse(event: ParsedObject, time: number, row: number): void {
    const tag = numberOf(event['tag']);
    if (event['type'] !== 'pulse' || tag === undefined) return;
    const step = this.step(textOf(event['runId']) ?? this.current, tag);
    if (step === undefined) return;
    const { fault } = event;
    if (isObject(fault))
      step.error = `${textOf(fault['name']) ?? 'Error'}: ${textOf(fault['message']) ?? ''}`;
    // No station held it: the step was silent, and the trace has only its pulse.
    if (this.#score.span(step) === undefined) this.#score.end(step, 'tacet', time, row);
  }
}
