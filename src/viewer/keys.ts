/** The keys that work anywhere but where one types. */
import { VIEWS } from './look.ts';
import type { ViewerSession } from './session.ts';

export const KEYS: readonly (readonly [key: string, what: string])[] = [
  ['Space', 'play or pause'],
  ['← →', 'one message back or on; with Shift a hundred'],
  ['Home, End', 'to the start, to the end'],
  ['F, Shift+F', 'to the next fault, to the one before'],
  ['1 … 6', 'Score, Lines, Governor, Statecharts, Messages, Notes'],
  ['+ −', 'see less or more of the time'],
  ['/', 'search'],
  ['?', 'this help'],
];

export function onKey(event: KeyboardEvent, session: ViewerSession, help: () => void): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target instanceof HTMLElement ? event.target : undefined;
  if (document.querySelector('dialog[open]') !== null) return;
  if (target?.matches('input:not([type=range]), textarea, select')) return;
  if (event.key === ' ' && target?.matches('button, [role=tab], summary')) return; // it presses that
  const { cursor, length, look } = session;
  const stride = event.shiftKey ? 100 : 1;
  const scrubber = target?.matches('input[type=range]') === true;
  const view = VIEWS[Number(event.key) - 1];
  const actions: Record<string, () => void> = {
    ' ': () => session.play(),
    ArrowLeft: () => session.seek(cursor - stride),
    ArrowRight: () => session.seek(cursor + stride),
    Home: () => session.seek(-1),
    End: () => session.seek(length - 1),
    f: () => session.fault(1),
    F: () => session.fault(-1),
    '+': () => session.go({ zoom: Math.min(4_096, look.zoom * 2) }),
    '-': () => session.go({ zoom: Math.max(1, look.zoom / 2) }),
    '/': () => document.querySelector<HTMLElement>('#search')?.focus(),
    '?': help,
  };
  const action = view === undefined ? actions[event.key] : () => session.go({ view });
  // The scrubber moves by its own keys, and a list by its arrows.
  if (action === undefined || (scrubber && !event.shiftKey && /^(Arrow|Home|End)/.test(event.key))) return;
  event.preventDefault();
  action();
}
