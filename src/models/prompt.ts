/** What a model is asked, made from what a step reads. */
import type { ModelMessage } from 'ai';
import type { AgentContext } from '../../actors/tomasulo/program.ts';

/** A text, or a function of the operands. In a text, `{operand}` stands for an operand. */
export type PromptSource<Operands> =
  string | ((operands: Operands, context: AgentContext) => string | readonly ModelMessage[]);

/** Fills the operands in. */
export function ask<Operands>(
  source: PromptSource<Operands>,
  operands: Operands,
  context: AgentContext,
): string | readonly ModelMessage[] {
  if (typeof source === 'function') return source(operands, context);
  const given = operands as Record<string, unknown>;
  return source.replace(/\{([A-Za-z_][\w-]*)\}/g, (whole, key: string) => {
    if (!Object.hasOwn(given, key)) return whole;
    const value = given[key];
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

/** What the estimator reads: the prompt, or the texts of the messages. */
export function promptText(asked: string | readonly ModelMessage[]): string {
  if (typeof asked === 'string') return asked;
  return asked
    .flatMap(({ content }) =>
      typeof content === 'string' ? [content] : content.map((part) => ('text' in part ? part.text : '')),
    )
    .join('\n');
}
