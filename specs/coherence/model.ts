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

/** @returns what the line does, or `never` where it cannot receive such an event.
 *  @param keeps whether readers keep their copies while another agent holds the key. */
export function hears(line: ModelLine, event: string, keeps: boolean): Answer | 'never' {
  const { copy, owns, asked } = line;
  const idle = asked === 'nothing';
  const says = (...words: string[]): Answer => ({ line, says: words });
  const becomes = (change: Partial<ModelLine>, ...words: string[]): Answer => ({
    line: { ...line, ...change },
    says: words,
  });
  switch (event) {
    // ── its agent: a hit costs nothing, and while one request is under way there is no second
    case 'LOAD':
      if (copy) return says('hit');
      return idle ? becomes({ asked: 'copy' }, 'requestShared') : says('stall');
    case 'STORE':
      if (!idle) return says('stall');
      if (owns === 'no') return becomes({ asked: 'ownership' }, 'requestModified');
      return becomes({ owns: 'no', asked: 'write' }, 'put'); // the answer to the write decides about the ownership
    case 'HOLD':
      if (!idle) return says('stall');
      return owns === 'held'
        ? says('granted')
        : becomes({ owns: 'no', asked: 'ownership' }, 'requestModified');
    case 'RELEASE': // gives back what it has, or its place in the queue; the bus answers
      return owns === 'held' || asked === 'ownership' ? says('release') : says();
    case 'EVICT':
      if (!idle) return says('stall');
      return copy ? becomes({ copy: false, owns: 'no' }, 'evict') : says();
    // ── another agent's request, when it was ordered
    case 'SNOOP_GETS':
      return owns === 'alone' ? becomes({ owns: 'no' }) : says();
    case 'SNOOP_GETM':
      if (owns === 'held') return 'never'; // it would have queued
      return keeps ? becomes({ owns: 'no' }) : invalidated(line);
    case 'SNOOP_PUT':
      return owns === 'held' ? 'never' : invalidated(line);
    // ── the bus, about the line's own requests
    case 'GRANT_S':
      return asked === 'copy' ? becomes({ copy: true, asked: 'nothing' }, 'fill') : 'never';
    case 'GRANT_E':
      return asked === 'copy' ? becomes({ copy: true, owns: 'alone', asked: 'nothing' }, 'fill') : 'never';
    case 'GRANT_M': {
      if (asked !== 'ownership') return 'never';
      const held = { copy: true, owns: 'held', asked: 'nothing' } as const;
      return copy ? becomes(held, 'granted') : becomes(held, 'fill', 'granted');
    }
    case 'ACCEPTED': // the write, or an atomic publish that wrote the key while it was held
      if (asked !== 'write' && owns !== 'held') return 'never';
      return becomes({ copy: true, owns: 'alone', asked: 'nothing' }, 'done');
    case 'REFUSED':
      return asked === 'write' ? becomes({ asked: 'ownership' }, 'requestModified') : 'never';
    case 'RELEASED':
      if (asked === 'ownership') return becomes({ asked: 'nothing' });
      return owns === 'held' ? becomes({ owns: 'alone' }) : 'never';
    case 'RECLAIMED':
      if (!idle || !copy) return says(); // it has let go already, or will be refused
      if (owns === 'no') return 'never';
      return owns === 'held' ? becomes({ owns: 'no' }, 'lost') : becomes({ owns: 'no' });
    default:
      return 'never';
  }
}

/** A newer version exists, or is being made. A line without a copy has nothing to drop. */
function invalidated(line: ModelLine): Answer {
  return { line: { ...line, copy: false, owns: 'no' }, says: line.copy ? ['drop'] : [] };
}
