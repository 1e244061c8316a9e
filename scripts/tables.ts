/** Writes docs/machines from the machines: a page each with its table and its chart. `npm run docs:tables`. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { AnyStateMachine } from 'xstate';
import * as machines from '../machines/index.ts';
import { alphabet, tableCells, type TableCell, type Transition } from '../specs/harness/cells.ts';

/** Every machine that `tutti/machines` exports, by name. */
export const exportedMachines = (): AnyStateMachine[] =>
  (Object.values(machines) as unknown[])
    .filter(
      (value): value is AnyStateMachine =>
        typeof value === 'object' && value !== null && 'implementations' in value && 'states' in value,
    )
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** The file of a machine, which has the machine's name, in whichever room. */
function fileOf(machine: AnyStateMachine): string {
  const folder = new URL('../machines/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) =>
    file.replaceAll('\\', '/'),
  );
  const found = files.find((file) => file.endsWith(`/${machine.id}.ts`));
  if (found === undefined)
    throw new Error(`No file in machines/ is named after the machine '${machine.id}'.`);
  return `machines/${found}`;
}

/** Every page, by file name. */
export async function pages(): Promise<Map<string, string>> {
  const found = exportedMachines();
  const options = { ...(await resolveConfig('docs/machines/x.md')), parser: 'markdown' } as const;
  const written = await Promise.all(
    found.map(async (machine) => [`${machine.id}.md`, await format(page(machine), options)] as const),
  );
  const list = found.map(({ id }) => `- [${id}](${id}.md)`).join('\n');
  const index = `# Machines\n\nGenerated from the machines themselves.\n\n${list}\n`;
  return new Map([...written, ['README.md', await format(index, options)]]);
}

function page(machine: AnyStateMachine): string {
  const events = alphabet(machine);
  const table = tableCells(machine);
  const at = (state: string, event: string) =>
    table.find((cell) => cell.state === state && cell.event === event)!;
  const states = Object.keys(machine.states);
  const kinds = ['live', 'ignore', 'impossible'].map(
    (kind) => `${table.filter((cell) => cell.kind === kind).length} ${kind}`,
  );
  return `# ${machine.id}

Generated from \`${fileOf(machine)}\` by \`npm run docs:tables\`. ${states.length} states × ${events.length} events =
${table.length} cells: ${kinds.join(', ')}.

${states.map((state) => `- **${state}**: ${machine.states[state]!.config.description ?? ''}`).join('\n')}

## Table

A cell says where the event leads (nothing: it stays) and what is done. A guard in brackets comes first. A dot: observed,
no effect. A dash: the machine's surroundings never do this.

| event | ${states.join(' | ')} |
| --- | ${states.map(() => '---').join(' | ')} |
${events.map((event) => `| ${event} | ${states.map((state) => show(at(state, event))).join(' | ')} |`).join('\n')}

## Chart

\`\`\`mermaid
stateDiagram-v2
  [*] --> ${String(machine.root.initial.target[0]!.key)}
${arrows(table).join('\n')}
\`\`\`
`;
}

function show({ kind, transitions }: TableCell): string {
  if (kind === 'ignore') return '·';
  if (kind === 'impossible') return '–';
  return transitions.map(line).join('<br>');
}
function line({ guard, target, actions }: Transition): string {
  const parts = [
    guard === undefined ? '' : `[${guard}]`,
    target === undefined ? '' : `**${target}**`,
    actions.join(', '),
  ];
  return parts.filter((part) => part !== '').join(' ') || '·';
}

function arrows(table: readonly TableCell[]): string[] {
  const labels = new Map<string, Set<string>>();
  for (const { state, event, transitions } of table) {
    for (const { target } of transitions) {
      if (target === undefined || target === state) continue;
      const arrow = `${name(state)} --> ${name(target)}`;
      labels.set(arrow, (labels.get(arrow) ?? new Set()).add(event));
    }
  }
  return [...labels].map(([arrow, events]) => `  ${arrow}: ${[...events].join(', ')}`);
}
const name = (state: string): string => state.replaceAll(/\W/g, '_');

if (import.meta.main) {
  mkdirSync('docs/machines', { recursive: true });
  for (const [file, text] of await pages()) writeFileSync(`docs/machines/${file}`, text);
}
