/** A list of any length of which only what is in sight is made. One stop of the Tab key; arrows choose within. */
import type { ComponentChild } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useSight, type Sight } from './sight.ts';

export interface ListProps {
  readonly label: string;
  readonly count: number;
  readonly rowHeight: number;
  readonly selected: number;
  readonly onSelect: (index: number) => void;
  readonly row: (index: number) => ComponentChild;
  /** Spoken in place of the row's text. */
  readonly name?: (index: number) => string;
  readonly class?: string;
  /** Told which rows are in sight, after every scroll. */
  readonly onSight?: (first: number, last: number, top: number, height: number) => void;
  /** Drawn behind the rows, and stays in sight. */
  readonly behind?: ComponentChild;
  /** Comes into sight when it changes, as what is chosen does. */
  readonly follow?: number;
  /** Said where there is nothing to list. */
  readonly empty: string;
}

export function List(props: ListProps) {
  const {
    label,
    count,
    rowHeight,
    selected,
    onSelect,
    row,
    name,
    behind,
    empty,
    onSight,
    follow = -1,
  } = props;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState<Pick<Sight, 'top' | 'height'>>({ top: 0, height: 400 });
  useSight(box, setSight, count > 0);
  const first = Math.max(0, Math.floor(sight.top / rowHeight) - 4);
  const last = Math.min(count - 1, Math.ceil((sight.top + sight.height) / rowHeight) + 4);
  useLayoutEffect(() => onSight?.(first, last, sight.top, sight.height));
  const see = (index: number) => {
    const element = box.current;
    if (element === null || index < 0) return;
    const top = index * rowHeight;
    if (top < element.scrollTop || top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = Math.max(0, top - element.clientHeight / 2 + rowHeight / 2);
  };
  // What is chosen elsewhere comes into sight here.
  useEffect(() => see(selected), [selected, rowHeight, count > 0]);
  useEffect(() => see(follow), [follow]);
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(sight.height / rowHeight) - 1);
    const moves: Record<string, number> = {
      ArrowDown: selected + 1, ArrowUp: selected - 1, PageDown: selected + page, PageUp: selected - page,
      Home: 0, End: count - 1,
    }; // prettier-ignore
    const to = moves[event.key];
    if (to === undefined || count === 0) return;
    event.preventDefault();
    event.stopPropagation();
    onSelect(Math.max(0, Math.min(count - 1, to)));
  };
  const rows: ComponentChild[] = [];
  for (let index = first; index <= last; index++) {
    rows.push(
      <div
        key={index}
        id={`${id}-${index}`}
        role="option"
        aria-selected={index === selected}
        aria-setsize={count}
        aria-posinset={index + 1}
        {...(name === undefined ? {} : { 'aria-label': name(index) })}
        class="row"
        style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
        onClick={() => onSelect(index)}
      >
        {row(index)}
      </div>,
    );
  }
  const active = selected >= first && selected <= last ? `${id}-${selected}` : undefined;
  if (count === 0) return <p class="empty">{empty}</p>;
  return (
    <div class={`list ${props.class ?? ''}`}>
      {behind}
      <div
        ref={box}
        class="scroll"
        role="listbox"
        aria-label={label}
        tabIndex={0}
        {...(active === undefined ? {} : { 'aria-activedescendant': active })}
        onKeyDown={onKeyDown}
      >
        <div class="tall" role="presentation" style={{ height: `${count * rowHeight}px` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}
