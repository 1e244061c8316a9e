/** A grid of any size of which only what is in sight is made; arrows walk it, and its edges stay in sight. */
import type { ComponentChild } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useSight } from './sight.ts';

export interface GridCell {
  readonly text: string;
  readonly class: string;
  readonly name: string;
}
export interface GridProps {
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cell: (row: number, column: number) => GridCell;
  /** Beneath a column's name. */
  readonly note: (column: number) => string;
  readonly row: number;
  readonly column: number;
  readonly onSelect: (row: number, column: number) => void;
}
const WIDTH = 92;
const HEIGHT = 30;
const TOP = 44;

export function Grid(props: GridProps) {
  const { label, rows, columns, row, column, onSelect } = props;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ left: 0, top: 0, width: 600, height: 300 });
  const side = sight.width < 480 ? 96 : 150;
  useSight(box, setSight);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const into = (at: number, size: number, from: number, room: number) =>
      at < from ? at : at + size > from + room ? at + size - room : from;
    if (column >= 0)
      element.scrollLeft = into(column * WIDTH, WIDTH, element.scrollLeft, element.clientWidth - side);
    if (row >= 0)
      element.scrollTop = into(row * HEIGHT, HEIGHT, element.scrollTop, element.clientHeight - TOP);
  }, [row, column, side]);
  const [firstRow, lastRow] = [
    Math.floor(sight.top / HEIGHT),
    Math.min(rows.length - 1, Math.ceil((sight.top + sight.height - TOP) / HEIGHT)),
  ];
  const [firstColumn, lastColumn] = [
    Math.floor(sight.left / WIDTH),
    Math.min(columns.length - 1, Math.ceil((sight.left + sight.width - side) / WIDTH)),
  ];
  const seen = { rows: [firstRow, lastRow], columns: [firstColumn, lastColumn] } as const;
  const across = headsIn(props, seen, side);
  const down = rowsIn(props, seen, side, id);
  const onKeyDown = (event: KeyboardEvent) => {
    const by: Record<string, readonly [number, number]> = {
      ArrowDown: [1, 0],
      ArrowUp: [-1, 0],
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
    };
    const move = by[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const within = (value: number, most: number) => Math.max(0, Math.min(most - 1, value));
    onSelect(within(row + move[0], rows.length), within(column + move[1], columns.length));
  };
  const active = row >= firstRow && row <= lastRow && column >= firstColumn && column <= lastColumn;
  return (
    <div
      ref={box}
      class="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length + 1}
      tabIndex={0}
      {...(active ? { 'aria-activedescendant': `${id}-${row}-${column}` } : {})}
      onKeyDown={onKeyDown}
    >
      <div
        role="presentation"
        class="tall"
        style={{ height: `${TOP + rows.length * HEIGHT}px`, width: `${side + columns.length * WIDTH}px` }}
      >
        <div role="row" aria-rowindex={1} class="heads" style={{ height: `${TOP}px` }}>
          <div role="columnheader" aria-colindex={1} class="corner" style={{ width: `${side}px` }}>
            Agent
          </div>
          {across}
        </div>
        {down}
      </div>
    </div>
  );
}

interface Seen {
  readonly rows: readonly [first: number, last: number];
  readonly columns: readonly [first: number, last: number];
}

function headsIn({ columns, note, row, column, onSelect }: GridProps, seen: Seen, side: number) {
  const [firstColumn, lastColumn] = seen.columns;
  const across: ComponentChild[] = [];
  for (let c = firstColumn; c <= lastColumn; c++)
    across.push(
      <div
        key={c}
        role="columnheader"
        aria-colindex={c + 2}
        class={c === column ? 'chosen' : ''}
        style={{ left: `${side + c * WIDTH}px`, width: `${WIDTH}px` }}
        title={columns[c]}
        onClick={() => onSelect(row, c)}
      >
        <b>{columns[c]}</b>
        <small>{note(c)}</small>
      </div>,
    );
  return across;
}

function rowsIn({ rows, cell, row, column, onSelect }: GridProps, seen: Seen, side: number, id: string) {
  const [firstRow, lastRow] = seen.rows;
  const [firstColumn, lastColumn] = seen.columns;
  const down: ComponentChild[] = [];
  for (let r = firstRow; r <= lastRow; r++) {
    const cells: ComponentChild[] = [];
    for (let c = firstColumn; c <= lastColumn; c++) {
      const { text, class: kind, name } = cell(r, c);
      const chosen = r === row && c === column;
      cells.push(
        <div
          key={c}
          id={`${id}-${r}-${c}`}
          role="gridcell"
          aria-colindex={c + 2}
          aria-selected={chosen}
          aria-label={name}
          class={`cell ${kind} ${chosen ? 'chosen' : ''}`}
          style={{ left: `${side + c * WIDTH}px`, width: `${WIDTH}px` }}
          onClick={() => onSelect(r, c)}
        >
          {text}
        </div>,
      );
    }
    down.push(
      <div
        key={r}
        role="row"
        aria-rowindex={r + 2}
        class="line"
        style={{ top: `${TOP + r * HEIGHT}px`, height: `${HEIGHT}px` }}
      >
        <div
          role="rowheader"
          aria-colindex={1}
          class={r === row ? 'chosen' : ''}
          style={{ width: `${side}px` }}
          title={rows[r]}
        >
          {rows[r]}
        </div>
        {cells}
      </div>,
    );
  }
  return down;
}
