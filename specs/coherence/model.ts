/** A cache line as the protocol promises it, apart from any table: what a line has, what it has requested, and how it
 *  answers each event. It uses no names of states, and imports nothing, so that it cannot agree by accident.
 *
 *  Sources: Papamarcos & Patel 1984 (who may read and write, who is notified); Sorin, Hill & Wood, ch. 7 and 8 (what a
 *  line with a request under way does); docs/decisions/0010 (the hold, and the write through memory). */

/** What may be done with the key, and what is on its way. */
export interface ModelLine {
  /** There is a copy that may be read. */
  readonly copy: boolean;
  /** `alone`: no other agent has a copy, a write needs no permission. `held`: no other agent can get one before it
   *  ends. */
  readonly owns: 'no' | 'alone' | 'held';
  /** The one request under way. */
  readonly asked: 'nothing' | 'copy' | 'ownership' | 'write';
}

/** How a line reacts to an event. */
export interface Answer {
  readonly line: ModelLine;
  readonly says: readonly string[];
}

export const EMPTY: ModelLine = { copy: false, owns: 'no', asked: 'nothing' };

/** Its answer, or `never` where the line cannot receive such an event. `keeps`: see `hears`. */
type Reply = (line: ModelLine, keeps: boolean) => Answer | 'never';

const says = (line: ModelLine, ...words: string[]): Answer => ({ line, says: words });
const becomes = (line: ModelLine, change: Partial<ModelLine>, ...words: string[]): Answer => ({
  line: { ...line, ...change },
  says: words,
});
/** While one request is under way there is no second. */
const unlessBusy =
  (reply: Reply): Reply =>
  (line, keeps) =>
    line.asked === 'nothing' ? reply(line, keeps) : says(line, 'stall');

const REPLIES: Readonly<Record<string, Reply>> = {
  // ── its agent: a hit costs nothing
  LOAD: (line, keeps) =>
    line.copy
      ? says(line, 'hit')
      : unlessBusy(() => becomes(line, { asked: 'copy' }, 'requestShared'))(line, keeps),
  STORE: unlessBusy(
    (line) =>
      line.owns === 'no'
        ? becomes(line, { asked: 'ownership' }, 'requestModified')
        : becomes(line, { owns: 'no', asked: 'write' }, 'put'), // the answer to the write decides about the ownership
  ),
  HOLD: unlessBusy((line) =>
    line.owns === 'held'
      ? says(line, 'granted')
      : becomes(line, { owns: 'no', asked: 'ownership' }, 'requestModified'),
  ),
  // Gives back what it has, or its place in the queue; the bus answers.
  RELEASE: (line) =>
    line.owns === 'held' || line.asked === 'ownership' ? says(line, 'release') : says(line),
  EVICT: unlessBusy((line) => (line.copy ? becomes(line, { copy: false, owns: 'no' }, 'evict') : says(line))),
  // ── another agent's request, when it was ordered
  SNOOP_GETS: (line) => (line.owns === 'alone' ? becomes(line, { owns: 'no' }) : says(line)),
  SNOOP_GETM: (line, keeps) => {
    if (line.owns === 'held') return 'never'; // it would have queued
    return keeps ? becomes(line, { owns: 'no' }) : invalidated(line);
  },
  SNOOP_PUT: (line) => (line.owns === 'held' ? 'never' : invalidated(line)),
  // ── the bus, about the line's own requests
  GRANT_S: (line) =>
    line.asked === 'copy' ? becomes(line, { copy: true, asked: 'nothing' }, 'fill') : 'never',
  GRANT_E: (line) =>
    line.asked === 'copy' ? becomes(line, { copy: true, owns: 'alone', asked: 'nothing' }, 'fill') : 'never',
  GRANT_M: (line) => {
    if (line.asked !== 'ownership') return 'never';
    const held = { copy: true, owns: 'held', asked: 'nothing' } as const;
    return line.copy ? becomes(line, held, 'granted') : becomes(line, held, 'fill', 'granted');
  },
  // The write, or an atomic publish that wrote the key while it was held.
  ACCEPTED: (line) =>
    line.asked === 'write' || line.owns === 'held'
      ? becomes(line, { copy: true, owns: 'alone', asked: 'nothing' }, 'done')
      : 'never',
  REFUSED: (line) =>
    line.asked === 'write' ? becomes(line, { asked: 'ownership' }, 'requestModified') : 'never',
  RELEASED: (line) => {
    if (line.asked === 'ownership') return becomes(line, { asked: 'nothing' });
    return line.owns === 'held' ? becomes(line, { owns: 'alone' }) : 'never';
  },
  RECLAIMED: (line) => {
    if (line.asked !== 'nothing' || !line.copy) return says(line); // it has let go already, or will be refused
    if (line.owns === 'no') return 'never';
    return line.owns === 'held' ? becomes(line, { owns: 'no' }, 'lost') : becomes(line, { owns: 'no' });
  },
};

/** @returns what the line does, or `never` where it cannot receive such an event.
 *  @param keeps whether readers keep their copies while another agent holds the key. */
export const hears = (line: ModelLine, event: string, keeps: boolean): Answer | 'never' =>
  REPLIES[event]?.(line, keeps) ?? 'never';

/** A newer version exists, or is being made. A line without a copy has nothing to drop. */
function invalidated(line: ModelLine): Answer {
  return { line: { ...line, copy: false, owns: 'no' }, says: line.copy ? ['drop'] : [] };
}
