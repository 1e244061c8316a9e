/** The common writer of all parts of a trace: numbers messages, samples them, and records what was left out. */
import { realClock, type Clock } from '../../actors/bus/clock.ts';
import { Definitions } from './definitions.ts';
import { Shower } from './digest.ts';
import {
  TRACE_SESSION,
  TRACE_VERSION,
  type ShownEvent,
  type TraceFooter,
  type TraceHeader,
  type TraceLimits,
} from './format.ts';
import { MessageFrame } from './frame.ts';
import { Sampling } from './sampling.ts';
import { hider } from './secrets.ts';
import { Writer, type TraceSink, type WaitingRows } from './writer.ts';

/** `"sessionId":…,"rootId":…` of an actor of ours, which is its own root. */
export const whoIs = (session: string): string => {
  const name = JSON.stringify(session);
  return `"sessionId":${name},"rootId":${name}`;
};
const TRACE = whoIs(TRACE_SESSION);

/** Makes the text of a row of numbers. */
export type RowText = (waiting: WaitingRows, row: number, end: MessageFrame['end']) => string;

export interface RecorderOptions {
  readonly limits: TraceLimits;
  readonly secrets: readonly string[] | undefined;
  readonly clock: Clock;
  /** By kind of row. */
  readonly rows: readonly { readonly kind: number; readonly messages: number; readonly text: RowText }[];
}

export class Recorder {
  readonly limits: TraceLimits;
  readonly shower: Shower;
  readonly definitions: Definitions;
  readonly writer: Writer;
  readonly sampling: Sampling;
  /** Steps whose result was a fault, and actors that ended in an error. */
  faults = 0;
  readonly #sink: TraceSink;
  #slow = 0;
  #actors = 0;

  constructor(sink: TraceSink, { limits, secrets, clock, rows }: RecorderOptions) {
    this.#sink = sink;
    this.limits = limits;
    const hide = hider(secrets);
    this.shower = new Shower(limits, hide);
    this.definitions = new Definitions(hide);
    this.sampling = new Sampling(limits.messages);
    const real = clock === realClock;
    const frame = new MessageFrame(real ? performance.timeOrigin : 0);
    const end: MessageFrame['end'] = (id, time) => frame.end(id, time);
    this.writer = new Writer({
      sink,
      clock,
      rows: Math.ceil(limits.waiting / 2),
      frame,
      render: (waiting, row) => {
        const kind = (waiting.numbers[row * 4] as number) & 15;
        const found = rows.find((one) => one.kind === kind);
        if (found === undefined) throw new Error(`trace: a row of kind ${kind}`);
        this.writer.written += found.messages;
        return found.text(waiting, row, end);
      },
    });
    const header: TraceHeader = {
      format: 'tutti.trace',
      version: TRACE_VERSION,
      clock: real ? 'real' : 'virtual',
      limits,
    };
    this.actor(TRACE, 'trace', JSON.stringify(header));
  }

  /** @param text a message but for its end, or what makes it when it is written */
  say(text: string | (() => string)): void {
    if (this.writer.hasLost) this.#tellLost();
    if (!this.writer.push(++this.sampling.count, text)) this.writer.lose(1);
  }
  event(who: string, event: ShownEvent): void {
    this.say(`{"type":"@xstate.event",${who},"event":${this.shower.json(event)}`);
  }
  /** An actor of ours. */
  actor(who: string, name: string, context?: string): void {
    const more = context === undefined ? '' : `,"context":${context}`;
    this.say(
      `{"type":"@xstate.actor",${who},"name":${JSON.stringify(name)},"snapshot":{"status":"active"${more}}`,
    );
  }
  /** Leaves messages out because of sampling. */
  skip(messages: number): void {
    this.sampling.count += messages;
    this.sampling.sampled += messages;
  }
  /** Called before a message: records a change of the sampling rate. */
  turn(): void {
    if (this.sampling.turns)
      this.event(TRACE, { type: 'tutti.leftOut', why: 'sampled', keeps: this.sampling.rate });
  }
  /** A message of an actor beyond the limit. */
  skipActor(): void {
    this.sampling.count++;
    if (this.#actors++ > 0) return;
    this.event(TRACE, { type: 'tutti.leftOut', why: 'actors', limit: this.limits.actors });
  }
  /** No error of the trace may reach the traced program: a throw would block an actor's mailbox. */
  fail(error: unknown): void {
    this.writer.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** Writes what waits and the last line, and closes the sink.
   *  @throws what the sink threw. */
  async finish(): Promise<void> {
    const { writer, sampling } = this;
    await writer.drain();
    if (writer.hasLost) this.#tellLost();
    await writer.drain();
    const footer: TraceFooter = {
      messages: writer.written + 1,
      leftOut: { sampled: sampling.sampled, slow: this.#slow, actors: this.#actors },
      faults: this.faults,
    };
    this.say(
      `{"type":"@xstate.snapshot",${TRACE},"event":{"type":"tutti.end"},"snapshot":{"status":"done","context":${JSON.stringify(footer)}}`,
    );
    await writer.drain();
    await this.#sink.close?.();
    if (writer.failure !== undefined) throw writer.failure;
  }
  #tellLost(): void {
    const messages = this.writer.takeLost();
    this.#slow += messages;
    this.event(TRACE, { type: 'tutti.leftOut', why: 'slow', messages });
  }
}
