/** Buses that are watched: their signals, in bus order. */
import type { Bus } from '../../actors/bus/bus.ts';
import { InProcessBus } from '../../actors/bus/in-process-bus.ts';
import type { Replica } from '../../actors/coherence/index.ts';
import type { Envelope } from '../../machines/hct/signal.ts';
import { whoIs, type Recorder, type RowText } from './recorder.ts';
import { BusRow, isSmall, pulseMark, pulseText, signalText } from './signals.ts';

interface Watched {
  readonly row: BusRow;
  hearing: { unsubscribe(): void };
}

export class Buses {
  readonly #recorder: Recorder;
  /** By number, for as long as a waiting row refers to them. */
  readonly #rows = new Map<number, BusRow>();
  #made = 0;
  readonly #watched = new Map<Bus, Watched>();
  readonly #replicas: Replica[] = [];

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }
  readonly text: RowText = (waiting, row, end) =>
    pulseText(waiting, row, this.#rows, this.#recorder.shower, end);

  watch(bus: Bus): void {
    if (this.#watched.has(bus)) return;
    // A bus in the process delivers at once: what follows an answer happens when the answer does.
    if (!(bus instanceof InProcessBus)) this.#recorder.writer.late = true;
    const row = new BusRow(this.#made++);
    this.#rows.set(row.index, row);
    this.#recorder.actor(whoIs(row.session), 'bus');
    this.#watched.set(bus, { row, hearing: this.#hear(bus, row) });
  }
  /** Records a space's entries with memory's state after each. Its replica must be subscribed to the bus first. */
  watchSpace(bus: Bus, replica: Replica): void {
    this.#replicas.push(replica);
    this.watch(bus);
    const watched = this.#watched.get(bus) as Watched;
    watched.hearing.unsubscribe();
    watched.hearing = this.#hear(bus, watched.row);
  }
  close(): void {
    for (const { hearing } of this.#watched.values()) hearing.unsubscribe();
  }

  #hear(bus: Bus, row: BusRow): { unsubscribe(): void } {
    return bus.signals.subscribe({
      next: (envelope) => {
        try {
          this.#signal(row, envelope);
        } catch (error) {
          this.#recorder.fail(error);
        }
      },
      complete: () => {
        this.#watched.delete(bus);
        this.#recorder.writer.after(() => void this.#rows.delete(row.index));
      },
    });
  }
  #signal(bus: BusRow, envelope: Envelope): void {
    const recorder = this.#recorder;
    const { sampling } = recorder;
    const { signal, seq } = envelope;
    recorder.turn();
    if (signal.type === 'pulse') {
      const { tag, fault } = signal;
      if (fault === undefined && typeof tag === 'number' && Number.isInteger(tag)) {
        if (!sampling.keeps(tag)) return recorder.skip(1);
        if (this.#takePulse(bus, envelope, tag, signal.value)) return;
      }
    } else if (sampling.rate > 1 && !sampling.keeps(seq)) return recorder.skip(1);
    recorder.say(signalText(bus, envelope, this.#replicas, recorder.shower));
  }
  /** @returns false when numbers are not enough to record it. */
  #takePulse(bus: BusRow, { seq, runId }: Envelope, tag: number, value: unknown): boolean {
    const { sampling, writer } = this.#recorder;
    const run = bus.run(runId);
    if (!isSmall(value) || seq >= 2 ** 31 || run >= 2 ** 27 || tag !== (tag | 0)) return false;
    const id = ++sampling.count;
    const row = writer.row();
    if (row < 0) {
      writer.lose(1);
      return true;
    }
    const { numbers, ids, times, refs } = writer.waiting;
    numbers[row * 4] = pulseMark(run);
    numbers[row * 4 + 1] = seq;
    numbers[row * 4 + 2] = tag;
    numbers[row * 4 + 3] = bus.index;
    refs[row] = value;
    ids[row] = id;
    times[row] = writer.now();
    return true;
  }
}
