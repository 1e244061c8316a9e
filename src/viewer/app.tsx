/** The page: what is open, the views, and the replay below them. */
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks';
import { Help } from './parts/help.tsx';
import { HeldSteps } from './parts/holds.tsx';
import { onKey } from './keys.ts';
import { VIEWS, type ViewName } from './look.ts';
import { SearchBox } from './parts/search.tsx';
import { Transport } from './parts/transport.tsx';
import { count } from './parts/words.ts';
import type { ViewerSession } from './session.ts';
import { Charts } from './views/charts.tsx';
import { Governor } from './views/governor.tsx';
import { Lines } from './views/lines.tsx';
import { Messages } from './views/messages.tsx';
import { NotesView } from './views/notes.tsx';
import { ScoreView } from './views/score.tsx';
import { Welcome } from './views/welcome.tsx';

const NAMES: Readonly<Record<ViewName, string>> = {
  score: 'Score',
  lines: 'Lines',
  governor: 'Governor',
  charts: 'Statecharts',
  messages: 'Messages',
  notes: 'Notes',
};
const BODIES = {
  score: ScoreView,
  lines: Lines,
  governor: Governor,
  charts: Charts,
  messages: Messages,
  notes: NotesView,
};

export function App({ session }: { session: ViewerSession }) {
  const [, again] = useState(0);
  const [help, setHelp] = useState(false);
  const [dropping, setDropping] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  useEffect(() => session.subscribe(() => again((times) => times + 1)), [session]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => onKey(event, session, () => setHelp(true));
    const moved = () => session.readAddress();
    addEventListener('keydown', pressed);
    addEventListener('hashchange', moved);
    return () => {
      removeEventListener('keydown', pressed);
      removeEventListener('hashchange', moved);
    };
  }, [session]);
  const { view } = session.look;
  useEffect(
    () => document.querySelector(`#tab-${view}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' }),
    [view],
  );
  const open = (files: FileList | null | undefined) => {
    const [chosen] = files ?? [];
    if (chosen !== undefined) void session.open(chosen.name, chosen);
  };
  const { opened, look } = session;
  return (
    <div
      class={dropping ? 'page dropping' : 'page'}
      onDragOver={(event) => {
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={(event) => {
        event.preventDefault();
        setDropping(false);
        open(event.dataTransfer?.files);
      }}
    >
      <header class="top">
        <h1>
          tutti <span>{opened?.source.name ?? 'viewer'}</span>
        </h1>
        <LiveMark session={session} />
        <SearchBox session={session} />
        <div class="buttons">
          <input
            ref={file}
            type="file"
            class="hidden"
            tabIndex={-1}
            aria-label="Trace file"
            accept=".jsonl,.ndjson,.json,application/json"
            onChange={({ currentTarget }) => open(currentTarget.files)}
          />
          <button type="button" onClick={() => file.current?.click()}>
            Open…
          </button>
          <CopyLink session={session} />
          <button
            type="button"
            onClick={() => setHelp(true)}
            aria-label="Help and keys"
            title="Help and keys (?)"
          >
            ?
          </button>
        </div>
      </header>
      <Tabs session={session} />
      <HeldSteps session={session} />
      <main>
        <div id="view" role="tabpanel" aria-labelledby={`tab-${look.view}`} class={`view ${look.view}`}>
          <Headline session={session} />
          {opened === undefined ? (
            <Welcome session={session} open={() => file.current?.click()} />
          ) : (
            <Body key={look.view} session={session} />
          )}
        </div>
      </main>
      <Transport session={session} />
      {help ? <Help close={() => setHelp(false)} /> : null}
    </div>
  );
}

function Tabs({ session }: { session: ViewerSession }) {
  const { look, opened } = session;
  const notes = opened?.notes.count ?? 0;
  return (
    <nav class="tabs" role="tablist" aria-label="Views">
      {VIEWS.map((name, index) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={look.view === name}
          aria-controls="view"
          tabIndex={look.view === name ? 0 : -1}
          onClick={() => session.go({ view: name })}
          onKeyDown={(event) => {
            const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
            const to = VIEWS[(index + step + VIEWS.length) % VIEWS.length];
            if (step === 0 || to === undefined) return;
            event.preventDefault();
            event.stopPropagation();
            session.go({ view: to });
            document.querySelector<HTMLElement>(`#tab-${to}`)?.focus();
          }}
        >
          {NAMES[name]}
          {name === 'notes' && notes > 0 ? <span class="badge">{count(notes)}</span> : null}
        </button>
      ))}
    </nav>
  );
}

/** A view that fails is one view that fails. */
function Body({ session }: { session: ViewerSession }) {
  const [error, retry] = useErrorBoundary();
  if (error !== undefined)
    return (
      <div class="trouble" role="alert">
        <p>{`This view cannot be drawn: ${error instanceof Error ? error.message : String(error)}`}</p>
        <button type="button" onClick={retry}>
          Try again
        </button>
      </div>
    );
  const View = BODIES[session.look.view];
  return <View session={session} />;
}

function Headline({ session }: { session: ViewerSession }) {
  const { opened, parts, trouble, reading, look } = session;
  return (
    <>
      {trouble === '' ? null : (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      {reading === undefined ? null : (
        <div class="reading">
          <progress max={1} value={reading} aria-label="Reading the trace" />
        </div>
      )}
      {parts.length > 1 ? (
        <label class="parts">
          <span>Counter-example</span>
          <select
            value={String(look.part)}
            onChange={({ currentTarget }) => void session.choose(Number(currentTarget.value))}
          >
            {parts.map((what, part) => (
              <option key={part} value={String(part)}>{`${part + 1} of ${parts.length}: ${what}`}</option>
            ))}
          </select>
        </label>
      ) : null}
      {opened?.counterexample === undefined ? null : <p class="headline">{opened.counterexample.what}</p>}
    </>
  );
}

function LiveMark({ session }: { session: ViewerSession }) {
  const { live, look } = session;
  if (live === 'off') return null;
  const words = { connecting: 'connecting', on: 'live', lost: 'ended' }[live];
  const behind = live === 'on' && look.at !== undefined;
  return (
    <span class={`live ${live}`} role="status">
      <span aria-hidden="true">{live === 'on' ? '●' : '○'}</span> {words}
      {behind ? (
        <button type="button" onClick={() => session.seek(session.length - 1)}>
          Follow
        </button>
      ) : null}
    </span>
  );
}

function CopyLink({ session }: { session: ViewerSession }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    const link = session.link();
    try {
      await navigator.clipboard.writeText(link);
      setSaid('Copied');
    } catch {
      setSaid('In the address bar');
    }
    setTimeout(() => setSaid(''), 2_000);
  };
  return (
    <button
      type="button"
      onClick={() => void copy()}
      disabled={session.opened === undefined}
      title="A link that keeps this view"
    >
      <span aria-live="polite">{said === '' ? 'Link' : said}</span>
    </button>
  );
}
