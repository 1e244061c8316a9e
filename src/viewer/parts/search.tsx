/** A box to type into, and what it found below it. */
import { useId, useMemo, useState } from 'preact/hooks';
import { find } from '../model/find.ts';
import type { ViewerSession } from '../session.ts';

/** Found by the key that leads to it. */
export const SEARCH_BOX = 'search';

export function SearchBox({ session }: { session: ViewerSession }) {
  const id = useId();
  const [typed, setTyped] = useState('');
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const { opened } = session;
  const hits = useMemo(
    () => (opened === undefined || !open ? [] : find(opened, typed)),
    [opened, typed, open],
  );
  const shown = open && typed.trim() !== '';
  const choose = (index: number) => {
    const hit = hits[index];
    if (hit === undefined) return;
    session.go(hit.look);
    setOpen(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') setOpen(false);
    else if (event.key === 'Enter') choose(active);
    else if (event.key === 'ArrowDown') setActive(Math.min(hits.length - 1, active + 1));
    else if (event.key === 'ArrowUp') setActive(Math.max(0, active - 1));
    else return;
    event.preventDefault();
  };
  return (
    <div class="search">
      <input
        id={SEARCH_BOX}
        type="text"
        placeholder="Step, agent, key, tag"
        aria-label="Search by step, agent, key, tag or actor"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={shown}
        aria-controls={`${id}-hits`}
        {...(shown && hits.length > 0 ? { 'aria-activedescendant': `${id}-${active}` } : {})}
        autocomplete="off"
        value={typed}
        disabled={opened === undefined}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value);
          setActive(0);
          setOpen(true);
        }}
        onKeyDown={onKeyDown}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
      />
      <div id={`${id}-hits`} class="hits" role="listbox" aria-label="Found" hidden={!shown}>
        {hits.map((hit, index) => (
          <div
            key={index}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            // Before the box loses the focus, and with it the list its place.
            onMouseDown={(event) => {
              event.preventDefault();
              choose(index);
            }}
          >
            <small>{hit.kind}</small> <b>{hit.name}</b> <span>{hit.more}</span>
          </div>
        ))}
        {shown && hits.length === 0 ? (
          <div role="option" aria-selected={false} aria-disabled="true">
            Nothing of that name
          </div>
        ) : null}
      </div>
    </div>
  );
}
