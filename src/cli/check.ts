/** `tutti check`: whether a score is sound, and which step waits for which after renaming. */
import { INPUT, joinsSome, type Program, type StepPlan } from '../../actors/tomasulo/program.ts';
import { loadScore } from '../node/load-score.ts';
import { clean } from './terminal.ts';

export async function checkCommand(
  file: string,
  { format }: { format: 'text' | 'mermaid' },
): Promise<number> {
  const { score, warnings } = await loadScore(file);
  const { program } = score;
  const dead = [...overwritten(program)];
  for (const { id, name, by } of dead)
    process.stderr.write(
      clean(`warning: no step reads what '${id}' writes: '${by}' writes '${name}' again.`) + '\n',
    );
  const buried = new Set(dead.map(({ id }) => id));
  const unread = score.state === undefined ? unreadResults(program) : [];
  for (const text of [
    ...unread.filter(({ id }) => !buried.has(id)).map(({ text }) => text),
    ...holdWarnings(program),
    ...hedgeWarnings(program),
  ])
    process.stderr.write(`warning: ${clean(text)}\n`);
  process.stdout.write(format === 'mermaid' ? mermaid(program) : text(score.name, program));
  for (const warning of warnings) process.stderr.write(`warning: ${clean(warning)}\n`);
  return 0;
}

/** Results that no step and no output reads. A step with an effect may have no reader. */
const unreadResults = ({ steps, readers }: Program): { id: string; text: string }[] =>
  steps.flatMap(({ id, effects = 'none' }, i) =>
    readers[i] === 0 && effects === 'none'
      ? [
          {
            id,
            text: `no step and no output reads what '${id}' writes; name it in outputs, or say effects: external.`,
          },
        ]
      : [],
  );

/** Holds that no person can answer, and steps that can never run because of them. */
function* holdWarnings({ steps, firstEdge, source }: Program): Iterable<string> {
  const never = new Set<number>();
  for (const [i, { id, fermata: hold, tacet, fallback, join }] of steps.entries()) {
    if (hold !== undefined && tacet === true)
      yield `no person can answer the fermata of '${id}': the step is silent, so it is never held.`;
    const over = hold?.timeoutMs === 0 && hold.onTimeout !== 'resume' && hold.escalate === undefined;
    if (over && tacet !== true) {
      yield `no person can answer the fermata of '${id}': its time is over at once. Raise its timeout, or say onTimeout: resume.`;
      if (fallback === undefined) never.add(i);
    }
    const reads = source.subarray(firstEdge[i], firstEdge[i + 1]);
    const missing = join !== undefined && join !== 'all' ? undefined : reads.find((tag) => never.has(tag));
    if (missing === undefined || tacet === true) continue;
    yield `'${id}' can never run: it waits for '${steps[missing]!.id}', which never has a result.`;
    if (fallback === undefined) never.add(i);
  }
}

/** Second attempts that are never started. */
function* hedgeWarnings({ steps }: Program): Iterable<string> {
  for (const { id, hedge, agent, timeoutMs, scope } of steps) {
    if (scope !== undefined) yield* hedgeWarnings(scope.body);
    if (hedge === undefined) continue;
    if (agent.capacity === 1)
      yield `the hedge of '${id}' never starts a second attempt: '${agent.name}' has one place. Raise its capacity.`;
    if (timeoutMs !== undefined && timeoutMs <= hedge.afterMs)
      yield `the hedge of '${id}' never starts a second attempt: its timeout ends the first before. Lower hedge.after.`;
  }
}

/** Results that no step and no output reads, because a later step writes the same name. */
function* overwritten({ steps, firstEdge, source, outputs, guards }: Program) {
  const read = new Set([...outputs.values()].map(({ tag }) => tag));
  steps.forEach(({ reads = {} }, i) => {
    // The edges of a step are its reads, and then the steps that it only waits for.
    const first = firstEdge[i] as number;
    for (const tag of source.subarray(first, first + Object.values(reads).flat().length)) read.add(tag);
  });
  // A step that is not performed keeps the earlier value.
  for (const { kept } of guards.values()) if (kept !== undefined) read.add(source[kept]!);
  const last = new Map<string, number>();
  for (const [i, step] of steps.entries()) {
    const name = step.writes ?? step.id;
    const before = last.get(name);
    if (before !== undefined && !read.has(before))
      yield { id: (steps[before] as StepPlan).id, name, by: step.id };
    last.set(name, i);
  }
}

/** A step's tag is the name that it writes and how often that name has been written. */
function tagsOf(steps: readonly StepPlan[]): string[] {
  const counts = new Map<string, number>();
  return steps.map((step) => {
    const name = step.writes ?? step.id;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return `${name}#${count}`;
  });
}

function* edgesOf({ firstEdge, source }: Program, step: number): Iterable<number> {
  yield* new Set(source.subarray(firstEdge[step], firstEdge[step + 1]));
}

function text(name: string, program: Program): string {
  const longest = Math.max(0, ...program.remaining);
  const head = `${count(program.steps.length, 'step')}, ${count(program.source.length, 'dependence')}, longest path ${longest}`;
  return `${clean(name)}: ${head}\n${linesOf(program, '').join('\n')}\n`;
}
function linesOf(program: Program, indent: string): string[] {
  const tags = tagsOf(program.steps);
  return program.steps.flatMap((step, i) => {
    const reads = [...edgesOf(program, i)].map((tag) => (tag === INPUT ? 'input' : tags[tag]));
    const line = `${step.id} (${step.agent.name}) → ${tags[i]}${reads.length > 0 ? `  reads ${reads.join(', ')}` : ''}`;
    const how = wordsOf(step);
    const inner = step.scope === undefined ? [] : linesOf(step.scope.body, `${indent}  `);
    const downbeat = step.downbeat ? [`${indent}── downbeat ──`] : [];
    return [...downbeat, `${indent}${clean(line)}${how === '' ? '' : `  ${clean(how)}`}`, ...inner];
  });
}

/** How a scope or a step with a condition is performed. */
function wordsOf(step: StepPlan): string {
  const { scope, when, otherwise, hedge, join: reads } = step;
  const words: string[] = [];
  if (joinsSome(step))
    words.push(typeof reads === 'object' ? `any ${reads.quorum} of its reads` : `${reads} of its reads`);
  if (hedge !== undefined) words.push(`a second attempt after ${hedge.afterMs / 1_000} s`);
  if (otherwise === true) words.push('otherwise');
  if (when !== undefined) words.push(`when ${when.text ?? 'its condition holds'}`);
  if (scope?.kind === 'map') {
    const { join = 'all', concurrency } = scope;
    words.push(`for each element, join ${typeof join === 'string' ? join : `quorum ${join.quorum}`}`);
    if (concurrency !== undefined) words.push(`at most ${concurrency} at once`);
  } else if (scope?.kind === 'repeat') words.push(`at most ${count(scope.max, 'round')}`);
  return words.join(', ');
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

const label = (value: string): string => JSON.stringify(value.replaceAll('"', "'"));

function mermaid(program: Program): string {
  return `flowchart TD\n${flowOf(program, 's', '  ').join('\n')}\n`;
}
/** A scope is drawn around its steps; what has a condition is a rhombus.
 *  @param prefix what the names of the nodes begin with */
function flowOf(program: Program, prefix: string, indent: string): string[] {
  const tags = tagsOf(program.steps);
  const nodes = program.steps.flatMap((step, i) => {
    const how = wordsOf(step);
    const name = label(how === '' ? step.id : `${step.id}: ${how}`);
    const conditional = step.when !== undefined || step.otherwise === true;
    const node = `${indent}${prefix}${i}`;
    if (step.scope === undefined) return [conditional ? `${node}{${name}}` : `${node}[${name}]`];
    const inner = flowOf(step.scope.body, `${prefix}${i}_`, `${indent}  `);
    return [`${indent}subgraph ${prefix}${i}[${name}]`, ...inner, `${indent}end`];
  });
  const arrows = program.steps.flatMap((_, i) =>
    [...edgesOf(program, i)].flatMap((tag) => {
      if (tag !== INPUT) return [`${indent}${prefix}${tag} -- ${label(tags[tag]!)} --> ${prefix}${i}`];
      return prefix === 's' ? [`${indent}input([input]) --> ${prefix}${i}`] : []; // inside, the frame is the input
    }),
  );
  return [...nodes, ...arrows];
}
