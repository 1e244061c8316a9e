/** For every machine: its alphabet with the data that guards look at, and bounds that keep its graph finite. */
import type { AnyStateMachine, EventObject } from 'xstate';
import { joinOf } from '../../machines/tomasulo/join.ts';
import * as machines from '../../machines/index.ts';

export interface Subject {
  readonly machine: AnyStateMachine;
  readonly events: readonly EventObject[];
  readonly input?: unknown;
  readonly within?: (context: any) => boolean;
  /** States that this input never reaches. */
  readonly never?: readonly string[];
}

const of = (...types: string[]): EventObject[] => types.map((type) => ({ type }));
const issues = [0, 1, 2].flatMap((missing) =>
  [0, 1].flatMap((holds) =>
    [false, true].flatMap((tolerant) =>
      [false, true].map((fallback) => ({
        type: 'ISSUE',
        tag: 1,
        missing,
        holds,
        retries: 1,
        repeats: 1,
        tolerant,
        fallback,
      })),
    ),
  ),
);

export const subjects: Record<string, Subject> = {
  'reservation-station': {
    machine: machines.reservationStation as unknown as AnyStateMachine,
    input: { station: 0 },
    events: [
      ...issues,
      ...of('OPERAND', 'FAULT', 'WRITTEN', 'UNSENT', 'GRANT_UNIT', 'DONE', 'FAILED'),
      ...of('HOLD', 'RESUME', 'REFUSE', 'SQUASH'),
      { type: 'VAMP', rounds: 1 } as EventObject,
      { type: 'DONE', again: true } as EventObject,
      { type: 'DONE', again: true, capFails: true } as EventObject,
      { type: 'FAILED', retryable: false } as EventObject,
    ],
    within: ({ missing, holds }) => missing >= 0 && missing <= 2 && holds >= 0 && holds <= 2,
  },
  'functional-unit': {
    machine: machines.functionalUnit as unknown as AnyStateMachine,
    input: { unit: 'u', capacity: 3 },
    events: of('ACQUIRE', 'WITHDRAW', 'RELEASE', 'TRY', 'TACET', 'WAKE'),
    within: ({ inUse, queued }) => inUse >= 0 && queued >= 0 && queued <= 4,
  },
  'functional-unit with one place': {
    machine: machines.functionalUnit as unknown as AnyStateMachine,
    input: { unit: 'u', capacity: 1 },
    never: ['busy'],
    events: of('ACQUIRE', 'WITHDRAW', 'RELEASE', 'TRY', 'TACET', 'WAKE'),
    within: ({ inUse, queued }) => inUse >= 0 && queued >= 0 && queued <= 4,
  },
  ...Object.fromEntries(
    (['wait', 'committed'] as const).map((readers) => [
      `cache-line, readers: ${readers}`,
      {
        machine: machines.cacheLine as unknown as AnyStateMachine,
        input: { line: 0, readers },
        events: of(
          ...['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT', 'SNOOP_GETS', 'SNOOP_GETM', 'SNOOP_PUT'],
          ...['GRANT_S', 'GRANT_E', 'GRANT_M', 'ACCEPTED', 'REFUSED', 'RELEASED', 'RECLAIMED'],
        ),
      },
    ]),
  ),
  hedge: {
    machine: machines.hedge as unknown as AnyStateMachine,
    events: of('LENT', 'SUCCEEDED', 'FAILED', 'STOP'),
  },
  ...Object.fromEntries(
    (['all', 'allSettled', 'any', { quorum: 2 }] as const).flatMap((kind) =>
      [0, 3].map((parts) => [
        `join, ${JSON.stringify(kind)} of ${parts}`,
        {
          machine: machines.join as unknown as AnyStateMachine,
          input: joinOf(kind, parts),
          events: of('OPEN', 'SUCCEEDED', 'FAILED', 'CANCEL'),
          ...(parts === 0
            ? { never: ['open', 'failed'] }
            : kind === 'allSettled'
              ? { never: ['failed'] }
              : {}),
        },
      ]),
    ),
  ),
  conductor: {
    machine: machines.conductor as unknown as AnyStateMachine,
    events: of('DOWNBEAT', 'CAESURA', 'STALL', 'PROGRESS', 'SETTLED', 'STALL_TIMEOUT', 'GRACE_OVER'),
  },
};
