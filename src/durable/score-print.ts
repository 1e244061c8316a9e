/** What a score says about its steps, in one line a step: a resumed performance compares it with what it began with.
 *  Code cannot be compared; an author says by `version` that an agent's code has changed. */
import { INPUT, type Program } from '../../actors/tomasulo/program.ts';
import { LogError } from '../../actors/bus/log.ts';
import type { RunRecord } from './facts.ts';

/** In this order in a line. */
const FIELDS = ['agent', 'version', 'effects', 'writes', 'reads', 'after', 'tacet', 'body'] as const;

/** One step: what it is and which steps its reads are bound to. */
export function printOf(program: Program): string {
  const { steps, firstEdge, source, paths } = program;
  const lines: string[] = [];
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
    const line = [id, agent.name, agent.version ?? '', effects, writes, readsBound, after?.map(bound) ?? []];
    const { scope } = steps[i]!;
    const more = scope === undefined ? [] : [tacet === true, [scope.kind, printOf(scope.body)]];
    lines.push(
      JSON.stringify(more.length > 0 ? [...line, ...more] : tacet === true ? [...line, true] : line),
    );
  }
  return lines.join('\n');
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
  const before = linesOf(record.print);
  const after = linesOf(now);
  const changes: ScoreChange[] = [];
  const begunOf = (id: string) => {
    const step = record.steps.get(id);
    return step !== undefined && (step.attempts > 0 || step.end !== undefined);
  };
  for (const [id, line] of before) {
    const begun = begunOf(id);
    const other = after.get(id);
    if (other === undefined) changes.push({ stepId: id, what: 'is gone', begun });
    else if (other !== line) changes.push({ stepId: id, what: difference(line, other), begun });
  }
  for (const id of after.keys())
    if (!before.has(id)) changes.push({ stepId: id, what: 'is new', begun: false });
  return changes;
}

const linesOf = (print: string): Map<string, string> =>
  new Map(
    (print === '' ? [] : print.split('\n')).map((line) => [(JSON.parse(line) as [string])[0], line] as const),
  );

function difference(before: string, after: string): string {
  const [, ...old] = JSON.parse(before) as unknown[];
  const [, ...now] = JSON.parse(after) as unknown[];
  const at = FIELDS.findIndex((_, i) => JSON.stringify(old[i]) !== JSON.stringify(now[i]));
  const show = (value: unknown) => (value === '' || value === undefined ? 'not set' : JSON.stringify(value));
  return `has another ${FIELDS[at]}: it was ${show(old[at])}, and is ${show(now[at])}`;
}
