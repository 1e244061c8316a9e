/** Play, pause, step, scrub, jump to a fault: the same for what is over and for what still happens. */
import { useMemo } from 'preact/hooks';
import { SPEEDS, type ViewerSession } from '../session.ts';
import { useCanvas } from './canvas.ts';
import { momentOf } from './moment.ts';
import { count, ms } from './words.ts';

export function Transport({ session }: { session: ViewerSession }) {
  const { opened, cursor, length } = session;
  const faults = opened?.trace.faults ?? [];
  const none = length === 0;
  const moment = opened === undefined ? ms(0) : momentOf(opened, cursor, session.time);
  const at = `message ${count(cursor + 1)} of ${count(length)}, ${moment}`;
  const buttons = buttonsOf(session, none, faults.length === 0);
  return (
    <footer class="transport" aria-label="Replay">
      <div class="buttons" role="group" aria-label="Replay">
        {buttons.map(({ does, keys, mark, kind, off, press }) => (
          <button
            key={keys}
            type="button"
            class={kind}
            disabled={off}
            onClick={press}
            aria-label={does}
            title={`${does} (${keys})`}
          >
            {mark}
          </button>
        ))}
      </div>
      <div class="scrub">
        <Density session={session} />
        <input
          type="range"
          aria-label="Moment"
          aria-valuetext={at}
          min={-1}
          max={Math.max(0, length - 1)}
          value={cursor}
          disabled={none}
          onInput={({ currentTarget }) => session.seek(Number(currentTarget.value))}
        />
      </div>
      <output class="now">
        <b>{moment}</b> <span>{`${count(cursor + 1)} of ${count(length)}`}</span>
      </output>
      <label class="speed">
        <span>Speed</span>
        <select
          value={String(session.speed)}
          onChange={({ currentTarget }) => {
            session.speed = Number(currentTarget.value);
            session.changed();
          }}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>{`${count(speed)}×`}</option>
          ))}
        </select>
      </label>
    </footer>
  );
}

interface TransportButton {
  readonly does: string;
  readonly keys: string;
  readonly mark: string;
  readonly kind?: string;
  readonly off: boolean;
  readonly press: () => void;
}
const buttonsOf = (session: ViewerSession, off: boolean, faultless: boolean): TransportButton[] => {
  const { cursor, length, playing } = session;
  const seek = (row: number) => () => session.seek(row);
  const jump = (direction: 1 | -1) => () => session.fault(direction);
  return [
    { does: 'To the start', keys: 'Home', mark: '|◂', off, press: seek(-1) },
    { does: 'One message back', keys: '←', mark: '◂', off, press: seek(cursor - 1) },
    {
      does: playing ? 'Pause' : 'Play',
      keys: 'space',
      mark: playing ? '❚❚' : '▶',
      kind: 'play',
      off,
      press: () => session.play(),
    },
    { does: 'One message on', keys: '→', mark: '▸', off, press: seek(cursor + 1) },
    { does: 'To the end', keys: 'End', mark: '▸|', off, press: seek(length - 1) },
    {
      does: 'To the fault before',
      keys: 'Shift+F',
      mark: '◂!',
      kind: 'fault',
      off: faultless,
      press: jump(-1),
    },
    { does: 'To the next fault', keys: 'F', mark: '!▸', kind: 'fault', off: faultless, press: jump(1) },
  ];
};

/** How much happened when, above the scrubber, with a mark for each fault. */
function Density({ session }: { session: ViewerSession }) {
  const { opened, length } = session;
  const faults = opened?.trace.faults.length ?? 0;
  const bars = useMemo(() => {
    const found = new Float32Array(160);
    if (opened === undefined || length === 0) return found;
    const { trace } = opened;
    // By message, as the scrubber is: how quickly time passes shows as the height.
    let most = 0;
    for (let bar = 0; bar < found.length; bar++) {
      const from = Math.floor((bar / found.length) * length);
      const to = Math.min(length - 1, Math.floor(((bar + 1) / found.length) * length));
      const took = trace.time(to) - trace.time(from);
      found[bar] = 1 / (took / Math.max(1, to - from) + trace.duration / length / 8 + 1e-9);
      most = Math.max(most, found[bar] as number);
    }
    return found.map((value) => value / Math.max(most, 1e-9));
  }, [opened, length >> 8, length < 256 ? length : 0]);
  const { ref } = useCanvas((context, width, height, colour) => {
    const step = width / bars.length;
    context.fillStyle = colour('density');
    if (length > 0)
      bars.forEach((value, bar) =>
        context.fillRect(bar * step, height - 2 - value * (height - 6), step - 0.5, 2 + value * (height - 6)),
      );
    if (opened === undefined || faults === 0) return;
    context.fillStyle = colour('fault');
    const drawn = new Set<number>();
    for (const row of opened.trace.faults) {
      const x = Math.round((row / Math.max(1, length - 1)) * width);
      if (drawn.has(x)) continue;
      drawn.add(x);
      context.beginPath();
      context.moveTo(x - 4, 0);
      context.lineTo(x + 4, 0);
      context.lineTo(x, 6);
      context.fill();
    }
  });
  return <canvas ref={ref} aria-hidden="true" class="density" />;
}
