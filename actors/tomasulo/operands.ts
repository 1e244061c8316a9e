/** Operands in, outputs out: what a step is handed, and what a performance returns. */
import type { StepError } from './errors.ts';
import { setOwn } from '../bus/freeze.ts';
import type { JoinedReads } from './joins.ts';
import type { DynamicProgram } from './dynamic-program.ts';
import { INPUT, type OutputPlan, type StepPlan } from './program.ts';
import type { TagTable } from './tag-table.ts';

/** A read names a property that the value does not have. */
export class OperandError extends Error {
  override name = 'OperandError';
}

/** How an operand looks to a step that joins `allSettled`. */
export type Settled<V = unknown> =
  | { readonly status: 'fulfilled'; readonly value: V }
  | { readonly status: 'rejected'; readonly reason: StepError };

/** Gathers the operands of a step from the tag table, under the step's own names for them.
 *  @param joined which reads there are, where the step waits for some of them
 *  @throws {OperandError} when a read follows a property that is not there. */
export function operandsOf(
  program: DynamicProgram,
  tags: TagTable,
  whole: unknown,
  index: number,
  joined?: JoinedReads,
): Record<string, unknown> {
  const step = program.steps[index] as StepPlan;
  const input = program.inputOf(index, whole);
  if (step.spread === true) return { ...(input as Record<string, unknown>) };
  const operands: Record<string, unknown> = {};
  let edge = program.firstEdge[index] as number;
  for (const name in step.reads) {
    const reads = step.reads[name] as string | readonly string[];
    if (joined !== undefined) {
      const taken = [reads].flat().flatMap(() => {
        const read = edge++;
        return joined.taken.has(read) ? [operand(program, tags, input, index, read)] : [];
      });
      if (typeof reads !== 'string') setOwn(operands, name, taken);
      else if (taken.length > 0) setOwn(operands, name, taken[0]);
    } else if (typeof reads === 'string')
      setOwn(operands, name, operand(program, tags, input, index, edge++));
    else
      setOwn(
        operands,
        name,
        reads.map(() => operand(program, tags, input, index, edge++)),
      );
  }
  return operands;
}

function operand(
  program: DynamicProgram,
  tags: TagTable,
  input: unknown,
  index: number,
  edge: number,
): unknown {
  const step = program.steps[index] as StepPlan;
  const tag = program.source[edge] as number;
  const settled = step.join === 'allSettled' && tag !== INPUT;
  if (settled && tags.isFaulty(tag)) return { status: 'rejected', reason: tags.fault(tag) } satisfies Settled;
  const whole = tag === INPUT ? input : tags.value(tag);
  const path = program.pathOf(edge, index);
  const value = path === undefined ? whole : follow(whole, path, () => writerOf(program, tag));
  return settled ? ({ status: 'fulfilled', value } satisfies Settled) : value;
}

/** The outputs that can be had, by name; what is faulty is left out.
 *  @param plans the outputs of the score, or of a body
 *  @param first the tag of the first step of that body */
export function outputsOf(
  program: DynamicProgram,
  tags: TagTable,
  input: unknown,
  plans: ReadonlyMap<string, OutputPlan> = program.outputs,
  first = 0,
): Record<string, unknown> {
  const outputs: Record<string, unknown> = {};
  for (const [name, { tag: place, path }] of plans) {
    const tag = place === INPUT ? INPUT : first + place;
    if (tag !== INPUT && (tags.isPending(tag) || tags.isFaulty(tag))) continue;
    const whole = tag === INPUT ? input : tags.value(tag);
    setOwn(
      outputs,
      name,
      follow(whole, path, () => writerOf(program, tag)),
    );
  }
  return outputs;
}

/** Output names by the tag that they read. */
export const outputTags = (outputs: ReadonlyMap<string, OutputPlan>): Set<number> =>
  new Set([...outputs.values()].map(({ tag }) => tag));

function follow(whole: unknown, path: readonly string[] | undefined, writer: () => string): unknown {
  let value = whole;
  for (const key of path ?? []) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      const has =
        typeof value === 'object' && value !== null
          ? Object.keys(value).slice(0, 12).join(', ')
          : typeof value;
      throw new OperandError(
        `${writer()} has no '${(path as string[]).join('.')}'; '${key}' is missing (it has: ${has}).`,
      );
    }
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

const writerOf = (program: DynamicProgram, tag: number): string =>
  tag === INPUT ? 'the input' : `the result of '${program.idOf(tag)}'`;
