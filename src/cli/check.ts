/** `tutti check`: whether a score is sound, and which step waits for which after renaming. */
import { INPUT, type Program, type StepPlan } from '../../actors/tomasulo/program.ts';
import { loadScore } from '../node/load-score.ts';
import { clean } from './terminal.ts';

export async function checkCommand(
  file: string,
  { format }: { format: 'text' | 'mermaid' },
): Promise<number> {
  const { score, warnings } = await loadScore(file);
  const { program } = score;
  for (const { id, name, by } of unread(program))
    process.stderr.write(
      clean(`warning: no step reads what '${id}' writes: '${by}' writes '${name}' again.`) + '\n',
    );
  process.stdout.write(format === 'mermaid' ? mermaid(program) : text(score.name, program));
  for (const warning of warnings) process.stderr.write(`warning: ${clean(warning)}\n`);
  return 0;
}

/** Results that no step and no output reads, because a later step writes the same name. */
function* unread({ steps, firstEdge, source, outputs }: Program) {
  const read = new Set([...outputs.values()].map(({ tag }) => tag));
  steps.forEach(({ reads = {} }, i) => {
    // The edges of a step are its reads, and then the steps that it only waits for.
    const first = firstEdge[i] as number;
    for (const tag of source.subarray(first, first + Object.values(reads).flat().length)) read.add(tag);
  });
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
  const tags = tagsOf(program.steps);
  const lines = program.steps.map((step, i) => {
    const reads = [...edgesOf(program, i)].map((tag) => (tag === INPUT ? 'input' : tags[tag]));
    const line = `${step.id} (${step.agent.name}) → ${tags[i]}${reads.length > 0 ? `  reads ${reads.join(', ')}` : ''}`;
    return `${step.downbeat ? '── downbeat ──\n' : ''}${clean(line)}`;
  });
  const longest = Math.max(0, ...program.remaining);
  return `${clean(name)}: ${count(program.steps.length, 'step')}, ${count(program.source.length, 'dependence')}, longest path ${longest}\n${lines.join('\n')}\n`;
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function mermaid(program: Program): string {
  const tags = tagsOf(program.steps);
  const label = (value: string) => JSON.stringify(value.replaceAll('"', "'"));
  const nodes = program.steps.map((step, i) => `  s${i}[${label(step.id)}]`);
  const arrows = program.steps.flatMap((_, i) =>
    [...edgesOf(program, i)].map((tag) =>
      tag === INPUT ? `  input([input]) --> s${i}` : `  s${tag} -- ${label(tags[tag]!)} --> s${i}`,
    ),
  );
  return `flowchart TD\n${[...nodes, ...arrows].join('\n')}\n`;
}
