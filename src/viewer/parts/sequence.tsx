/** A sequence diagram: a row for each message, with an arrow from its sender to its receiver. The rows are a list for
 *  screen readers, and buttons that move the cursor. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { MessageRow } from '../model/bus.ts';
import { clip, many } from './words.ts';

const HEIGHT = 34;

export interface SequenceProps {
  readonly label: string;
  readonly messages: readonly MessageRow[];
  readonly cursor: number;
  /** Columns in this order; a participant that is not listed gets a column with its first message. */
  readonly participants?: readonly string[];
  /** When a message was, in words. */
  readonly when: (row: number) => string;
  readonly isFault: (row: number) => boolean;
  /** What a message is that `isFault`. */
  readonly fault: string;
  readonly onSelect: (row: number) => void;
  readonly empty: string;
}

export function Sequence(props: SequenceProps) {
  const { label, messages, cursor, participants = [], when, isFault, onSelect, empty } = props;
  const box = useRef<HTMLDivElement>(null);
  const newest = messages.at(-1)?.row;
  useLayoutEffect(() => {
    const element = box.current;
    if (element !== null) element.scrollTop = element.scrollHeight;
  }, [newest, messages.length]);
  if (messages.length === 0) return <p class="empty">{empty}</p>;
  // The bus and memory, which exchange messages with every agent, come first.
  const lanes = new Map<string, number>();
  for (const name of ['bus', 'memory'])
    if (participants.includes(name) || messages.some(({ from, to }) => from === name || to === name))
      lanes.set(name, lanes.size);
  for (const name of participants) if (!lanes.has(name)) lanes.set(name, lanes.size);
  for (const { from, to } of messages) {
    if (!lanes.has(from)) lanes.set(from, lanes.size);
    if (to !== undefined && !lanes.has(to)) lanes.set(to, lanes.size);
  }
  // Few have room for more words.
  const lane = lanes.size <= 3 ? 210 : lanes.size <= 5 ? 165 : 132;
  const x = (name: string) => ((lanes.get(name) ?? 0) + 0.5) * lane;
  const width = lanes.size * lane;
  const all = [...lanes.values()].map((place) => `M${(place + 0.5) * lane} 0v${HEIGHT}`).join('');
  return (
    <div
      ref={box}
      class="sequence"
      role="region"
      aria-label={`${label}: ${many(messages.length, 'message')} between ${many(lanes.size, 'participant')}`}
      tabIndex={0}
    >
      <div class="lanes" style={{ width: `${width + 76}px` }} aria-hidden="true">
        <span class="when" />
        {[...lanes.keys()].map((name) => (
          <b key={name} title={name} style={{ width: `${lane}px` }}>
            {clip(name, 17)}
          </b>
        ))}
      </div>
      <ol style={{ width: `${width + 76}px` }}>
        {messages.map(({ row, from, to, text }, index) => {
          const fault = isFault(row);
          const now = row === cursor;
          const spoken = `: ${to === undefined || to === from ? `${from} notes` : `${from} to ${to}`}: ${text}${fault ? `; ${props.fault}` : ''}`;
          return (
            <li key={index} class={`${fault ? 'fault' : ''} ${now ? 'now' : ''}`}>
              <button
                type="button"
                onClick={() => onSelect(row)}
                title={text}
                {...(now ? { 'aria-current': 'step' } : {})}
              >
                <span class="when">{when(row)}</span>
                <span class="hear">{spoken}</span>
                <svg width={width} height={HEIGHT} aria-hidden="true">
                  <path class="lane" d={all} />
                  <Arrow
                    from={x(from)}
                    to={to === undefined ? undefined : x(to)}
                    text={`${fault ? '✕ ' : ''}${text}`}
                  />
                </svg>
              </button>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Arrow({ from, to, text }: { from: number; to: number | undefined; text: string }) {
  const y = HEIGHT - 9;
  if (to === undefined) {
    const words = clip(text, 40);
    return (
      <g class="note">
        <rect x={from - 4} y={6} width={words.length * 6.4 + 14} height={HEIGHT - 12} rx={3} />
        <text x={from + 4} y={HEIGHT / 2 + 4}>
          {words}
        </text>
      </g>
    );
  }
  if (to === from)
    return (
      <g class="arrow">
        <path d={`M${from} 9 h22 v${y - 9} h-16`} />
        <path class="head" d={`M${from + 2} ${y} l8 -4 v8 z`} />
        <text x={from + 28} y={HEIGHT / 2 + 4}>
          {clip(text, 22)}
        </text>
      </g>
    );
  const way = to > from ? 1 : -1;
  const words = clip(text, Math.max(8, Math.floor((Math.abs(to - from) - 16) / 6.2)));
  // In the middle of a short arrow; at the left of a long one, since its middle may be out of sight.
  const half = Math.min(Math.abs(to - from) / 2, Math.max(90, words.length * 3.2 + 8));
  const x = Math.min(from, to) + half;
  return (
    <g class="arrow">
      <line x1={from} x2={to - way * 6} y1={y} y2={y} />
      <circle cx={from} cy={y} r={2.5} class="head" />
      <path class="head" d={`M${to} ${y} l${-way * 8} -4 v8 z`} />
      <text x={x} y={y - 6} text-anchor="middle">
        {words}
      </text>
    </g>
  );
}
