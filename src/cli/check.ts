/** `tutti check`: is this score sound, and who waits for whom once its names are renamed? */
import { INPUT, type Program, type StepPlan } from '../../actors/program.ts';
import { loadScore } from '../node/load-score.ts';

export async function checkCommand(
  file: string,
  { format }: { format: 'text' | 'mermaid' },
): Promise<number> {
  const { score, warnings } = await loadScore(file);
  const { program } = score;
  process.stdout.write(format === 'mermaid' ? mermaid(program) : text(score.name, program));
  for (const warning of warnings) process.stderr.write(`warning: ${clean(warning)}\n`);
  return 0;
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

/** No escape sequence of a name reaches the terminal. */
const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
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
