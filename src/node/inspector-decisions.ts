/** Decisions of the person at the page: which steps are held, and what is done with them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { messageOf } from '../../actors/tomasulo/errors.ts';
import { AnswerError, type HeldStep } from '../../actors/tomasulo/questions.ts';
import { say, sendJson } from './inspector-routes.ts';

/** What decides about held steps: a performance. */
export interface DecidingRun {
  readonly holds: readonly HeldStep[];
  cue(
    stepId: string,
    answer?: unknown,
    edit?: { readonly operands?: Readonly<Record<string, unknown>> },
  ): unknown;
  refuse(stepId: string, reason?: string): void;
}

/** A larger decision is refused. */
const MOST_BYTES = 1 << 20;

const decision = z.strictObject({
  stepId: z.string().min(1),
  decision: z.enum(['cue', 'refuse']),
  answer: z.json().optional(),
  operands: z.record(z.string(), z.json()).optional(),
  reason: z.string().optional(),
});

/** The held steps as the page gets them. */
export const heldAsJson = ({ holds }: DecidingRun): unknown[] =>
  holds.map(({ answer, ...held }) => ({
    ...held,
    needsAnswer: answer !== undefined,
    schema: answer === undefined ? undefined : jsonSchemaOf(answer),
  }));

/** The JSON Schema of an answer, where its library is zod; undefined elsewhere. */
function jsonSchemaOf(schema: object): unknown {
  if (!(schema instanceof z.ZodType)) return undefined;
  try {
    return z.toJSONSchema(schema, { io: 'input' });
  } catch {
    return undefined; // what JSON Schema cannot say
  }
}

/** Does what a request asks for. Answers 204, or why not: 400 for what is no decision, 409 for one that does not fit. */
export async function decide(
  run: DecidingRun,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let wanted: z.infer<typeof decision>;
  try {
    wanted = decision.parse(JSON.parse(await bodyOf(request)));
  } catch (error) {
    return say(response, 400, `no decision: ${messageOf(error)}`);
  }
  const { stepId, decision: what, answer, operands, reason } = wanted;
  try {
    if (!run.holds.some((held) => held.stepId === stepId))
      throw new AnswerError(stepId, `step '${stepId}' is not held now.`);
    if (what === 'refuse') run.refuse(stepId, reason);
    else await run.cue(stepId, answer, operands === undefined ? {} : { operands });
    response.writeHead(204).end();
  } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    say(response, 409, error.message);
  }
}

export const sendHeld = (run: DecidingRun | undefined, response: ServerResponse): void =>
  sendJson(response, run === undefined ? [] : heldAsJson(run));

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MOST_BYTES) throw new Error(`it is longer than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
