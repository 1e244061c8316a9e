/** Performances: their programs after renaming, how they end, and what models' calls took. */
import type { Program } from '../../actors/tomasulo/program.ts';
import type { CallReport } from '../budget/call-report.ts';
import type { Report, Run } from '../score/perform.ts';
import type { Shower } from './digest.ts';
import type { EndedEvent, ProgramStep, RunMessage, UsageEvent } from './format.ts';

/** The parts of a run that a trace needs. */
export type TracedRun = Pick<Run, 'id' | 'bus' | 'report'> & Partial<Pick<Run, 'onUsage'>>;
export interface TracedScore {
  readonly name: string;
  readonly program: Program;
}

/** Steps of a program in one message. */
const CHUNK = 256;

export const runEvent = (runId: string, { name, program }: TracedScore): RunMessage => ({
  type: 'tutti.run',
  runId,
  score: name,
  steps: program.steps.length,
});
/** @param ended a report, or why there is none */
export function endedEvent(ended: unknown): EndedEvent {
  const type = 'tutti.ended';
  if (ended instanceof Error || typeof ended !== 'object' || ended === null) {
    const message = ended instanceof Error ? ended.message : String(ended);
    return { type, status: 'failed', makespan: 0, calls: 0, retries: 0, stalls: 0, errors: [message] };
  }
  const { status, makespan, usage, errors } = ended as Report;
  return { type, status, makespan, ...usage, errors: errors.map(({ message }) => message) };
}

/** The program, some steps a message; each is put together when it is written. */
export function* programTexts(who: string, program: Program, shower: Shower): Generator<() => string> {
  const { length } = program.steps;
  for (let from = 0; from < length; from += CHUNK)
    yield () => {
      const shown: string[] = [];
      for (let tag = from; tag < Math.min(from + CHUNK, length); tag++)
        shown.push(stepText(program, tag, shower));
      return `{"type":"@xstate.event",${who},"event":{"type":"tutti.program","from":${from},"steps":[${shown.join(',')}]}`;
    };
}
function stepText({ steps, firstEdge, source }: Program, tag: number, shower: Shower): string {
  const { id, agent, writes, downbeat } = steps[tag]!;
  const reads = [...new Set(source.subarray(firstEdge[tag], firstEdge[tag + 1]))];
  const more: Partial<ProgramStep> = {
    ...(writes === undefined || writes === id ? {} : { writes: shower.plain(writes) }),
    ...(downbeat === true ? { downbeat } : {}),
  };
  return JSON.stringify({ id: shower.plain(id), agent: shower.plain(agent.name), ...more, reads });
}
export function usageEvent({ stepId, model, usage, usd, estimated, failed }: CallReport): UsageEvent {
  return {
    type: 'tutti.usage',
    stepId,
    model,
    inputTokens: usage.inputTokens.total ?? 0,
    outputTokens: usage.outputTokens.total ?? 0,
    ...(usd === undefined ? {} : { usd }),
    ...(estimated ? { estimated } : {}),
    ...(failed ? { failed } : {}),
  };
}
