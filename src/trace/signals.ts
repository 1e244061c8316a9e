/** Signals of a bus, as events of an actor that represents the bus. */
import { fromSignal, type Entry, type Replica } from '../../actors/coherence/index.ts';
import type { Envelope, Pulse } from '../../machines/hct/signal.ts';
import { cellState } from './actors.ts';
import type { Shower } from './digest.ts';
import type { CoherenceEntry } from './format.ts';
import { PULSE } from './stations.ts';
import type { WaitingRows } from './writer.ts';

/** A bus that is watched, with the names of the runs that it carries. */
export class BusRow {
  readonly index: number;
  readonly session: string;
  readonly start: string;
  readonly runs: string[] = [];
  #last = -1;

  constructor(index: number) {
    this.index = index;
    this.session = `bus:${index + 1}`;
    this.start = `{"type":"@xstate.event","sessionId":"${this.session}","rootId":"${this.session}","event":{"type":`;
  }
  /** The number of a run; mostly that of the signal before. */
  run(runId: string): number {
    if (this.runs[this.#last] !== runId) {
      this.#last = this.runs.indexOf(runId);
      if (this.#last < 0) this.#last = this.runs.push(runId) - 1;
    }
    return this.#last;
  }
}

/** Values that may wait as they are: they hold no more than themselves. */
export const isSmall = (value: unknown): boolean =>
  typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined;

/** The event of a plain pulse, from its row. */
export function pulseText(
  { numbers, refs, ids, times }: WaitingRows,
  row: number,
  buses: ReadonlyMap<number, BusRow>,
  shower: Shower,
  end: (id: number, time: number) => string,
): string {
  const at = row * 4;
  const bus = buses.get(numbers[at + 3] as number) as BusRow;
  const runId = bus.runs[(numbers[at] as number) >> 4] as string;
  const value = refs[row];
  const shown = value === undefined ? '' : `,"value":${shower.json(value)}`;
  return `${bus.start}"pulse","seq":${numbers[at + 1]},"runId":${JSON.stringify(runId)},"tag":${numbers[at + 2]}${shown}}${end(ids[row] as number, times[row] as number)}`;
}
export const pulseMark = (run: number): number => PULSE | (run << 4);

/** Any signal as text, but for the message's end. */
export function signalText(
  bus: BusRow,
  { seq, runId, signal }: Envelope,
  replicas: readonly Replica[],
  shower: Shower,
): string {
  const start = `${bus.start}"${signal.type}","seq":${seq},"runId":${shower.text(runId)}`;
  if (signal.type === 'pulse') return `${start},${pulseFields(signal, shower)}}`;
  const { source, targets, payload } = signal;
  let text = `${start},"source":${shower.text(source)},"targets":${shower.json(targets)}`;
  if ('intent' in signal) text += `,"intent":${JSON.stringify(signal.intent)}`;
  if ('key' in signal) text += `,"key":${shower.text(signal.key)}`;
  const entry = entryOf(signal, replicas);
  if (entry !== undefined) text += `,"coherence":${shower.json(entry)}`;
  else if (payload !== undefined) text += `,"payload":${shower.json(payload)}`;
  const { performance } = signal;
  if (performance !== undefined) text += `,"performance":${shower.json(performance)}`;
  return `${text}}`;
}

function pulseFields({ tag, value, fault }: Pulse, shower: Shower): string {
  const start = `"tag":${shower.json(tag)}`;
  if (fault === undefined) return value === undefined ? start : `${start},"value":${shower.json(value)}`;
  const { name, message, stepId } = fault as { name?: string; message?: string; stepId?: string };
  const shown = { name: name ?? 'Error', message: message ?? String(fault), ...(stepId ? { stepId } : {}) };
  return `${start},"fault":${shower.json(shown)}`;
}

function entryOf(signal: Envelope['signal'], replicas: readonly Replica[]): CoherenceEntry | undefined {
  const { coherence: scope } = ((signal as { payload?: unknown }).payload ?? {}) as { coherence?: unknown };
  if (typeof scope !== 'string') return undefined;
  const entry = fromSignal(scope, signal);
  if (entry === undefined) return undefined;
  const { op, agent, number } = entry;
  const keys =
    entry.op === 'publish' ? entry.writes.map(({ key }) => key) : 'key' in entry ? [entry.key] : [];
  // A replica subscribes to the bus before the trace does, so its memory has applied this entry.
  const memory = (replicas.find((replica) => replica.hosts(agent)) ?? replicas[0])?.memory;
  const after = keys.flatMap((key) => {
    const cell = memory?.cells.get(key);
    return cell === undefined ? [] : [cellState(cell)];
  });
  return { scope, op, agent, number, ...versionsOf(entry), keys, after };
}
const versionsOf = (entry: Entry): { base?: number; epoch?: number } => ({
  ...('base' in entry ? { base: entry.base } : {}),
  ...('epoch' in entry ? { epoch: entry.epoch } : {}),
});
