/** Stations cause nearly all messages of a performance, so each of their messages is kept as five numbers.
 *
 *  For a plain step these numbers (event, state, tag, missing operands) are complete. Steps with holds, retries, vamps or
 *  failures are recorded in full. */
import type { StationContext } from '../../machines/tomasulo/reservation-station.ts';
import type { Sampling } from './sampling.ts';
import type { WaitingRows, Writer } from './writer.ts';

/** What rows of numbers mean: the first number. 0 is text. */
export const STATION = 1;
export const PULSE = 2;

const EVENTS = ['ISSUE', 'OPERAND', 'GRANT_UNIT', 'DONE', 'WRITTEN'] as const;
const STATES = ['free', 'waiting', 'ready', 'executing', 'writing'] as const;
const ISSUE = 0;
const DONE = 3;
const PLAIN = ',"holds":0,"retries":0,"repeats":0,"tolerant":false,"fallback":false}}';

/** The stations of one performance. */
export class Pool {
  readonly index: number;
  /** By number of the station. */
  readonly actors: object[] = [];
  readonly sessions: string[] = [];
  /** Whether the step that the station holds is kept. */
  readonly kept: boolean[] = [];
  /** The tag with which the station was last poisoned: operands may still pass, and the fault is one. */
  readonly poisoned: number[] = [];
  /** Stations that have not been stopped. */
  live = 0;
  untap: (() => void) | undefined;
  readonly #who: string[] = [];
  /** By station, event and state: how both messages begin. There are few, and each is used many times. */
  readonly #texts: (readonly [event: string, snapshot: string])[] = [];

  constructor(index: number) {
    this.index = index;
  }
  add(station: number, actor: object, session: string, rootId: string): void {
    this.live++;
    this.actors[station] = actor;
    this.sessions[station] = session;
    this.kept[station] = true;
    this.#who[station] = `"sessionId":${JSON.stringify(session)},"rootId":${JSON.stringify(rootId)}`;
  }
  texts(station: number, type: number, state: number): readonly [event: string, snapshot: string] {
    const place = (station * EVENTS.length + type) * STATES.length + state;
    return (this.#texts[place] ??= this.#begin(station, type, state));
  }
  #begin(station: number, type: number, state: number): readonly [event: string, snapshot: string] {
    const who = this.#who[station] as string;
    const event = `,"event":{"type":"${EVENTS[type]}"`;
    const snapshot = `},"snapshot":{"status":"active","value":"${STATES[state]}","context":{"station":${station},"tag":`;
    // ISSUE carries what the station then holds: a tag, and how many operands are missing.
    return type === ISSUE
      ? [
          flat(`{"type":"@xstate.event",${who}${event},"tag":`),
          flat(`{"type":"@xstate.snapshot",${who}${event},"tag":`),
        ]
      : [
          flat(`{"type":"@xstate.event",${who}${event}}`),
          flat(`{"type":"@xstate.snapshot",${who}${event}${snapshot}`),
        ];
  }
  /** What follows the event of an ISSUE. */
  issued(station: number, state: number): string {
    return `},"snapshot":{"status":"active","value":"${STATES[state]}","context":{"station":${station},"tag":`;
  }
}
/** A string in one piece: one that was put together is copied piece by piece whenever it is used. */
const flat = (text: string): string => JSON.parse(JSON.stringify(text)) as string;

/** Takes the message of a plain step.
 *  @returns false where it is not one, and nothing has been done. */
export function takeStation(
  pool: Pool,
  event: { readonly type: string; readonly again?: unknown },
  value: string,
  context: StationContext,
  writer: Writer,
  sampling: Sampling,
): boolean {
  const type = eventCode(event.type);
  const state = stateCode(value);
  if (type < 0 || state < 0 || context.retries !== 0 || context.repeats !== 0 || context.holds !== 0)
    return false;
  if (context.tolerant || context.fallback || (type === DONE && event.again !== undefined)) return false;
  const { station } = context;
  if (type === ISSUE) pool.kept[station] = sampling.keeps(context.tag);
  const id = sampling.count + 1;
  sampling.count += 2;
  if (pool.kept[station] !== true) {
    sampling.sampled += 2;
    return true;
  }
  const row = writer.row();
  if (row < 0) {
    writer.lose(2);
    return true;
  }
  const { numbers, ids, times } = writer.waiting;
  const at = row * 4;
  numbers[at] = STATION | (type << 4) | (state << 8) | (pool.index << 12);
  numbers[at + 1] = station;
  numbers[at + 2] = context.tag;
  numbers[at + 3] = context.missing;
  ids[row] = id;
  // An agent may have worked for long before its answer is here; what follows the answer follows at once.
  times[row] = type === DONE ? writer.lookAtClock() : writer.now();
  return true;
}

// Comparing with constants, the most frequent first, is several times faster than a map.
const eventCode = (type: string): number =>
  type === 'OPERAND'
    ? 1
    : type === 'ISSUE'
      ? 0
      : type === 'GRANT_UNIT'
        ? 2
        : type === 'DONE'
          ? 3
          : type === 'WRITTEN'
            ? 4
            : -1;
const stateCode = (value: string): number =>
  value === 'waiting'
    ? 1
    : value === 'ready'
      ? 2
      : value === 'executing'
        ? 3
        : value === 'writing'
          ? 4
          : value === 'free'
            ? 0
            : -1;

/** Both messages of a row. */
export function stationText(
  { numbers, ids, times }: WaitingRows,
  row: number,
  pools: ReadonlyMap<number, Pool>,
  end: (id: number, time: number) => string,
): string {
  const at = row * 4;
  const what = numbers[at] as number;
  const station = numbers[at + 1] as number;
  const held = `${numbers[at + 2]},"missing":${numbers[at + 3]}`;
  const id = ids[row] as number;
  const time = times[row] as number;
  const type = (what >> 4) & 15;
  const state = (what >> 8) & 15;
  const pool = pools.get(what >> 12) as Pool;
  const [event, snapshot] = pool.texts(station, type, state);
  const first = end(id, time);
  const second = end(id + 1, time);
  return type === ISSUE
    ? `${event}${held}}${first}${snapshot}${held}${pool.issued(station, state)}${held}${PLAIN}${second}`
    : event + first + snapshot + held + PLAIN + second;
}
