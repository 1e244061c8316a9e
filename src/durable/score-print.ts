/** What a score says about its steps, one list a step: a resumed performance compares it with what it began with.
 *  Code cannot be compared; an author says by `version` that an agent's code has changed. */
import { INPUT, type Program } from '../../actors/tomasulo/program.ts';
import { LogError } from '../../actors/bus/log.ts';
import type { RunRecord } from './facts.ts';

/** In this order in a list, after the step's id. */
const FIELDS = ['agent', 'version', 'effects', 'writes', 'reads', 'after', 'tacet', 'body'] as const;

type StepPrint = readonly [id: string, ...fields: unknown[]];

/** The score as JSON: of each step what it is, and which steps its reads are bound to. */
export const printOf = (program: Program): string => JSON.stringify(stepPrints(program));

/** The ids of the steps of a printed score. */
export const idsIn = (print: string): string[] => parsed(print).map(([id]) => id);
const parsed = (print: string): StepPrint[] => (print === '' ? [] : (JSON.parse(print) as StepPrint[]));

function stepPrints(program: Program): StepPrint[] {
  const { steps, firstEdge, source, paths } = program;
  const prints: StepPrint[] = [];
  for (let i = 0; i < steps.length; i++) {
    const { id, agent, effects = '', writes = '', reads, after, tacet } = steps[i]!;
    let edge = firstEdge[i]!;
    const bound = (): string => {
      const tag = source[edge]!;
      const path = paths.size === 0 ? undefined : paths.get(edge);
      edge++;
      return `${tag === INPUT ? '' : steps[tag]!.id}${path === undefined ? '' : `.${path.join('.')}`}`;
    };
    const readsBound: Record<string, string | string[]> = {};
    for (const name in reads) {
      const read = reads[name]!;
      readsBound[name] = typeof read === 'string' ? bound() : read.map(bound);
    }
    const what = [agent.name, agent.version ?? '', effects, writes];
    const print: [string, ...unknown[]] = [id, ...what, readsBound, after?.map(bound) ?? []];
    const { scope } = steps[i]!;
    if (scope !== undefined) print.push(tacet === true, [scope.kind, stepPrints(scope.body)]);
    else if (tacet === true) print.push(true);
    prints.push(print);
  }
  return prints;
}

/** One difference between the score that a run began with and the one that it is resumed with. */
export interface ScoreChange {
  readonly stepId: string;
  /** In words, such as `agent: was 'writer', is 'author'`. */
  readonly what: string;
  /** Whether the step had been started. */
  readonly begun: boolean;
}

/** The score is not the one that the run began with. */
export class ChangedScoreError extends LogError {
  override name = 'ChangedScoreError';
  readonly changes: readonly ScoreChange[];
  constructor(runId: string, changes: readonly ScoreChange[]) {
    const begun = changes.filter((change) => change.begun);
    const shown = (begun.length > 0 ? begun : changes).slice(0, 5);
    const list = shown.map(({ stepId, what }) => `step '${stepId}' ${what}`).join('; ');
    const remedy =
      begun.length > 0
        ? 'A step that has been started cannot change. Resume with the score that the run began with, or begin a new run'
        : 'No step that has been started is concerned: `adopt` (on the command line --adopt) goes on with the changed score';
    super(`the run '${runId}' began with another score: ${list}. ${remedy}.`);
    this.changes = changes;
  }
}

/** What differs. */
export function changesSince(record: RunRecord, program: Program): ScoreChange[] {
  const now = printOf(program);
  if (now === record.print) return [];
  const before = byId(record.print);
  const after = byId(now);
  const changes: ScoreChange[] = [];
  const begunOf = (id: string) => {
    const step = record.steps.get(id);
    return step !== undefined && (step.attempts > 0 || step.isOpened || step.end !== undefined);
  };
  for (const [id, print] of before) {
    const begun = begunOf(id);
    const other = after.get(id);
    const what = other === undefined ? 'is gone' : difference(print, other);
    if (what !== undefined) changes.push({ stepId: id, what, begun });
  }
  for (const id of after.keys())
    if (!before.has(id)) changes.push({ stepId: id, what: 'is new', begun: false });
  return changes;
}

const byId = (print: string): Map<string, StepPrint> =>
  new Map(parsed(print).map((step) => [step[0], step] as const));

function difference([, ...old]: StepPrint, [, ...now]: StepPrint): string | undefined {
  const at = FIELDS.findIndex((_, i) => JSON.stringify(old[i]) !== JSON.stringify(now[i]));
  if (at < 0) return undefined;
  const show = (value: unknown) => (value === '' || value === undefined ? 'not set' : JSON.stringify(value));
  return `has another ${FIELDS[at]}: it was ${show(old[at])}, and is ${show(now[at])}`;
}
