/** The surroundings of a station: which events may reach it and when, and what it must answer. These are the promises of
 *  the orchestrator and of the bus; cells that are called impossible rest on them. */
import type { StationContext, StationEvent } from '../../machines/tomasulo/reservation-station.ts';
import type { Situation, Surroundings } from '../harness/walk.ts';

/** What goes on the bus at the end of a step. */
type Ending = 'value' | 'default' | 'fault';
type Issue = StationEvent & { type: 'ISSUE' };

/** What a station's surroundings have recorded about it. */
export interface AroundStation {
  readonly busy: boolean;
  /** Operands that have not passed on the bus. */
  readonly due: number;
  /** Holds that will be lifted, or run out. */
  readonly holds: number;
  readonly requested: boolean;
  readonly running: boolean;
  /** It was squashed while it ran; and it has notified the agent. */
  readonly stopped: boolean;
  readonly aborted: boolean;
  /** It was refused while it ran; and it has notified the agent. */
  readonly refused: boolean;
  readonly refusalSent: boolean;
  /** It was squashed, or its broadcast has passed, and it stayed. */
  readonly overdue: boolean;
  /** What it has to put on the bus, by the events it received; and what it did put there. */
  readonly owes: Ending | undefined;
  readonly wrote: Ending | undefined;
  readonly retries: number;
  readonly repeats: number;
  readonly tolerant: boolean;
  readonly fallback: boolean;
  /** It left and its request stayed. */
  readonly leaked: boolean;
}

const unused: AroundStation = {
  busy: false,
  due: 0,
  holds: 0,
  requested: false,
  running: false,
  stopped: false,
  aborted: false,
  refused: false,
  refusalSent: false,
  overdue: false,
  owes: undefined,
  wrote: undefined,
  retries: 0,
  repeats: 0,
  tolerant: false,
  fallback: false,
  leaked: false,
};

const flags = [false, true];
const issues: readonly Issue[] = [0, 1, 2].flatMap((missing) =>
  [0, 1].flatMap((holds) =>
    [0, 1].flatMap((retries) =>
      [0, 1].flatMap((repeats) =>
        flags.flatMap((tolerant) =>
          flags.map((fallback) => ({
            type: 'ISSUE' as const,
            tag: 1,
            missing,
            holds,
            retries,
            repeats,
            tolerant,
            fallback,
          })),
        ),
      ),
    ),
  ),
);
const answers: readonly StationEvent[] = [
  { type: 'DONE' },
  { type: 'DONE', again: true },
  { type: 'DONE', again: true, capFails: true },
  { type: 'FAILED' },
  { type: 'FAILED', retryable: false },
];

/** A station on a bus that delivers at any time, with at most two holds at a time. */
export const aroundStation: Surroundings<AroundStation, StationContext> = {
  initial: unused,
  may: ({ value, surroundings: { due, holds, requested, running, wrote, busy } }) => {
    const events: StationEvent[] = [{ type: 'SQUASH' }, { type: 'REFUSE' }, { type: 'VAMP', rounds: 1 }];
    if (!busy) events.push(...issues);
    if (due > 0) events.push({ type: 'OPERAND' }, { type: 'FAULT' });
    if (requested) events.push({ type: 'GRANT_UNIT' });
    if (running) events.push(...answers);
    if (wrote !== undefined) events.push({ type: 'WRITTEN' }, { type: 'UNSENT' });
    if (holds < 2) events.push({ type: 'HOLD' });
    if (holds > 0 || value !== 'held') events.push({ type: 'RESUME' }); // one that comes too late changes nothing
    return events;
  },
  after: ({ value, surroundings }, event, said) => {
    const leaves = said.indexOf('release');
    if (leaves >= 0) {
      const withdrawn = said.slice(0, leaves).includes('withdraw'); // afterwards it answers for no step
      return { ...unused, leaked: surroundings.leaked || (surroundings.requested && !withdrawn) };
    }
    const next: Draft = { ...surroundings };
    const change = EVENTS[event.type as StationEvent['type']] as Change | undefined;
    change?.(next, event, value);
    if (event.type === 'DONE' || event.type === 'FAILED') next.running = false;
    const writes = said.findIndex((word) => word.startsWith('broadcast'));
    if (said.includes('requestUnit')) next.requested = true;
    // A station gives its request back before it writes: afterwards it asks for nothing.
    if (next.requested && writes >= 0 && !said.slice(0, writes).includes('withdraw')) next.leaked = true;
    for (const [word, change] of WORDS) if (said.includes(word)) Object.assign(next, change);
    if (!next.running) next.refused = next.refusalSent = false;
    if (next.wrote !== undefined) next.holds = 0;
    return next;
  },
};

type Change = (next: Draft, event: object, value: string) => void;
type Draft = { -readonly [K in keyof AroundStation]: AroundStation[K] };

const owesBad = (next: Draft): void => void (next.owes = next.fallback ? 'default' : 'fault');
const hasBegun = (next: Draft): boolean => next.running || next.wrote !== undefined;
const isOverdue = (next: Draft): void => void (next.overdue = true);

/** What each event changes, apart from what the station answers. */
const EVENTS: {
  readonly [T in StationEvent['type']]?: (
    next: Draft,
    event: StationEvent & { type: T },
    value: string,
  ) => void;
} = {
  ISSUE(next, { missing: due, holds = 0, retries = 0, repeats = 0, tolerant = false, fallback = false }) {
    Object.assign(next, { busy: true, due, holds, retries, repeats, tolerant, fallback });
  },
  OPERAND(next) {
    next.due--;
  },
  FAULT(next) {
    next.due--;
    if (!next.tolerant && next.owes === undefined) owesBad(next);
  },
  GRANT_UNIT(next) {
    next.requested = false;
  },
  DONE(next, { again, capFails }) {
    if (next.aborted) return;
    if (again === true && next.repeats > 0) next.repeats--;
    else if (again === true && capFails === true) owesBad(next);
    else next.owes = 'value';
  },
  FAILED(next, { retryable }) {
    if (next.aborted) return;
    if (next.running && retryable !== false && next.retries > 0) next.retries--;
    else owesBad(next);
  },
  WRITTEN: isOverdue,
  UNSENT: isOverdue,
  REFUSE(next) {
    if (next.busy && !hasBegun(next)) owesBad(next);
    if (next.running && !next.aborted) next.refused = true;
  },
  VAMP(next, { rounds }) {
    if (next.busy && next.wrote === undefined && !next.aborted) next.repeats = rounds;
  },
  SQUASH(next) {
    if (next.running) next.stopped = true;
    else next.overdue = next.busy && next.wrote === undefined;
  },
  // What has begun is not held, and what waits for its broadcast has begun.
  HOLD(next, _, value) {
    if (['waiting', 'ready', 'held'].includes(value)) next.holds++;
  },
  RESUME(next, _, value) {
    if (value === 'held') next.holds--;
  },
};

/** What each answer of the station changes, in this order. */
const WORDS: readonly (readonly [word: string, change: Partial<AroundStation>])[] = [
  ['withdraw', { requested: false }],
  ['start', { running: true }],
  ['abort', { aborted: true }],
  ['refuse', { refusalSent: true }],
  ['backOff', { holds: 1 }], // the rest before a retry ends like a hold
  ['broadcast', { wrote: 'value' }],
  ['broadcastDefault', { wrote: 'default' }],
  ['broadcastFault', { wrote: 'fault' }],
];

/** The station is in the state that its surroundings expect, and has done what it owes. */
export const stationAgrees = ({
  value,
  context,
  surroundings: s,
}: Situation<AroundStation, StationContext>): boolean =>
  !s.leaked &&
  !s.overdue &&
  s.stopped === s.aborted &&
  s.refused === s.refusalSent &&
  s.wrote === s.owes &&
  (value === 'free') === !s.busy &&
  (value === 'ready') === s.requested &&
  (value === 'executing') === (s.running && !s.aborted) &&
  (value === 'squashed') === (s.running && s.aborted) &&
  (value === 'writing') === ['value', 'default'].includes(s.wrote ?? '') &&
  (value === 'poisoned') === (s.wrote === 'fault') &&
  (value === 'held') === s.holds > 0 &&
  (value !== 'held' || context.holds === s.holds) &&
  (!['waiting', 'held', 'ready'].includes(value) || context.missing === s.due) &&
  (value !== 'waiting' || s.due > 0) &&
  (value === 'free' || (context.retries === s.retries && context.repeats === s.repeats));
