/** Watching a key: the value as this agent's replica has it, or a part of it, with a notice of each change. */
import { abortable } from './abort.ts';
import type { AgentState } from './agent-state.ts';
import { UsageError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';

export interface WatchOptions<V, T> {
  /** The part of the value that matters. Default: all of it. */
  readonly select?: (value: V) => T;
  /** Whether a part is the same as before, so that there is nothing to notice. Default `Object.is`. */
  readonly equal?: (a: T, b: T) => boolean;
}

/** What React's `useSyncExternalStore` takes. */
export interface Watched<T> {
  /** @returns the end of the subscription. */
  readonly subscribe: (listener: () => void) => () => void;
  /** The selected part; the same object until it changes; undefined before the first copy. */
  readonly getSnapshot: () => T | undefined;
  /** The version that the snapshot was taken from; −1 before the first copy. */
  readonly version: number;
}

export function watch<V, T>(agent: AgentState, key: string, options: WatchOptions<V, T> = {}): Watched<T> {
  refuseUnknown('watch', options, ['select', 'equal']);
  const { select = (value: V) => value as unknown as T, equal = Object.is } = options;
  const slot = agent.slot(key);
  const { line } = slot;
  let [seen, version] = [undefined as unknown, -1];
  let snapshot: T | undefined;
  /** Whether the selected part has changed. */
  const look = (): boolean => {
    if (agent.arriving !== undefined || !line.readable || line.value === undefined) return false;
    if (line.version === version && line.value === seen) return false;
    const value = slot.deliver(line);
    const next = select(value as V);
    const changed = version < 0 || !equal(next, snapshot);
    [seen, version] = [value, line.version];
    if (changed) snapshot = next;
    return changed;
  };
  const listeners = new Set<() => void>();
  let stop: (() => void) | undefined;
  const notice = (): void => {
    if (!look()) return;
    for (const listener of [...listeners]) guarded(listener, key);
  };
  const begin = (): void => {
    if (stop !== undefined || listeners.size === 0 || agent.closed) return;
    guarded(look, key); // what is current already is no change
    stop = slot.watch(() => guarded(notice, key));
  };
  return {
    subscribe: (listener) => {
      const own = () => listener();
      listeners.add(own);
      if (agent.arriving === undefined) begin();
      else abortable(agent.arriving, agent.whileOpen(undefined)).then(begin, () => undefined);
      return () => {
        listeners.delete(own);
        if (listeners.size > 0) return;
        stop?.();
        stop = undefined;
      };
    },
    getSnapshot: () => {
      look();
      return snapshot;
    },
    get version() {
      return version;
    },
  };
}

type Listener = (value: any, version: number) => void;
/** Calls back with every new value.
 *  @param given the listener, or the options, and then the listener */
export function listen(
  agent: AgentState,
  key: string,
  given: WatchOptions<any, any> | Listener,
  then?: Listener,
): () => void {
  const [options, listener] = typeof given === 'function' ? [undefined, given] : [given, then];
  if (listener === undefined) throw new UsageError("watch needs a listener: watch('key', (value) => …).");
  const watched = watch<any, any>(agent, key, options);
  return watched.subscribe(() => listener(watched.getSnapshot(), watched.version));
}

/** A listener that throws harms no other listener, and not the bus. */
function guarded(call: () => unknown, key: string): void {
  try {
    call();
  } catch (error) {
    console.error(`tutti: a watcher of '${key}' threw:`, error);
  }
}
