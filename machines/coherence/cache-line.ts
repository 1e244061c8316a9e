/** One cache line under MESI, snooping an ordered bus that may lag: one line per agent and key.
 *
 *  Hardware (Papamarcos & Patel 1984; the textbook's table):
 *
 *  | state | PrRd | PrWr | Evict | BusRd | BusRdX / BusUpgr |
 *  |---|---|---|---|---|---|
 *  | I | BusRd, to S or E | BusRdX, to M | | | |
 *  | S | hit | BusUpgr, to M | to I | S | to I |
 *  | E | hit | to M | to I | to S | to I |
 *  | M | hit | hit | flush, to I | flush, to S | flush, to I |
 *
 *  An S line that loses its BusUpgr to another's goes to I and retries with BusRdX: here SM to IM. Deviations, each
 *  with its reason in docs/decisions/0010:
 *  - the bus orders requests and delivers them later, so every request has a transient state: IS, IM, SM;
 *  - memory is written through (`PUT`), and a write is done when its own replica has applied it: MP;
 *  - M is ownership with a hold, E is ownership without one; the hold ends with the write, so M is left for E;
 *  - a snooped GETM never finds M: it queues behind the hold. What takes M away is `RECLAIMED`;
 *  - `HOLD` asks for M without a store, and `RELEASE` gives it back;
 *  - with `readers: 'committed'` a copy outlives another's hold, and dies with another's PUT.
 *
 *  The machine holds control only. The copy itself stays with the actor that owns the line. */
import { assign, setup } from 'xstate';

/** What readers do while another agent holds the key: wait for it, or go on with the committed value. */
export type ReaderPolicy = 'wait' | 'committed';

export interface LineContext {
  readonly readers: ReaderPolicy;
  /** Whether the copy that a write in flight would replace is still good (MP only). */
  readonly copy: boolean;
}

export type LineEvent =
  // from the agent
  | { type: 'LOAD' }
  | { type: 'STORE' }
  | { type: 'HOLD' }
  | { type: 'RELEASE' }
  | { type: 'EVICT' }
  // snooped on the bus: what another agent's entry did when it was applied
  | { type: 'SNOOP_GETS' } // it reads; a sole copy is now shared
  | { type: 'SNOOP_GETM' } // it was granted ownership; a queued request is not snooped
  | { type: 'SNOOP_PUT' } //  it wrote a new version
  // from the bus: what became of this line's own entries
  | { type: 'GRANT_S' }
  | { type: 'GRANT_E' }
  | { type: 'GRANT_M' }
  | { type: 'ACCEPTED' }
  | { type: 'REFUSED' }
  | { type: 'RELEASED' }
  | { type: 'RECLAIMED' }; // the lease of this line's ownership ran out

const act = () => {};
/** All contexts that there are, so that thousands of lines share a few snapshots. */
const contextsOf = (readers: ReaderPolicy) => ({
  none: Object.freeze({ readers, copy: false }),
  kept: Object.freeze({ readers, copy: true }),
});
const CONTEXTS = { wait: contextsOf('wait'), committed: contextsOf('committed') };

const { createMachine } = setup({
  types: {
    context: {} as LineContext,
    events: {} as LineEvent,
    input: {} as { readers?: ReaderPolicy } | undefined,
  },
  guards: {
    committed: ({ context }) => context.readers === 'committed',
    copy: ({ context }) => context.copy,
  },
  actions: {
    keep: assign(({ context }) => CONTEXTS[context.readers].kept),
    spoil: assign(({ context }) => CONTEXTS[context.readers].none),
    // given meaning by the actor
    requestShared: act, //   GETS
    requestModified: act, // GETM
    put: act, //             PUT: the value is on its way to memory
    release: act, //         RELEASE: the hold, or the place in the queue
    evict: act, //           EVICT: this agent shares the key no longer
    hit: act, //             satisfied locally
    stall: act, //           not now: wait for the entry in flight
    fill: act, //            install memory's value
    drop: act, //            the copy is stale
    granted: act, //         ownership is here: compute and store
    done: act, //            the own write is applied: install it
    lost: act, //            ownership was reclaimed while held
    impossible: act, //      the bus never does this
  },
});

// the cell words
const ignore = {}; //                                     observed, no effect
const hit = { actions: 'hit' } as const;
const stall = { actions: 'stall' } as const;
const impossible = { actions: 'impossible' } as const;
const load = { target: 'IS', actions: 'requestShared' } as const;
const own = (target: 'IM' | 'SM') => ({ target, actions: 'requestModified' }) as const;
const put = { target: 'MP', actions: ['keep', 'put'] } as const;
const drop = { target: 'I', actions: 'drop' } as const;
const lose = { target: 'IM', actions: 'drop' } as const; //     lost the race; the copy is stale
const spoil = { actions: ['spoil', 'drop'] } as const; //       the write in flight will be refused
const evict = { target: 'I', actions: 'evict' } as const;
const release = { actions: 'release' } as const;

// prettier-ignore
const machine = createMachine({
  id: 'cache-line',
  version: '1',
  initial: 'I',
  context: ({ input }) => CONTEXTS[input?.readers ?? 'wait'].none,
  states: {
    // ── stable
    I: {
      description: 'No copy.',
      on: {
        LOAD: load, STORE: own('IM'), HOLD: own('IM'), RELEASE: ignore, EVICT: ignore,
        SNOOP_GETS: ignore, SNOOP_GETM: ignore, SNOOP_PUT: ignore,
        GRANT_S: impossible, GRANT_E: impossible, GRANT_M: impossible,
        ACCEPTED: impossible, REFUSED: impossible, RELEASED: impossible,
        RECLAIMED: ignore, // evicted while it owned; the eviction is on its way
      },
    },
    S: {
      description: 'A copy of the current version; others may have one.',
      on: {
        LOAD: hit, STORE: own('SM'), HOLD: own('SM'), RELEASE: ignore, EVICT: evict,
        SNOOP_GETS: ignore, SNOOP_GETM: [{ guard: 'committed', ...ignore }, drop], SNOOP_PUT: drop,
        GRANT_S: impossible, GRANT_E: impossible, GRANT_M: impossible,
        ACCEPTED: impossible, REFUSED: impossible, RELEASED: impossible, RECLAIMED: impossible,
      },
    },
    E: {
      description: 'The only copy, owned without a hold: a write needs one entry instead of two.',
      on: {
        LOAD: hit, STORE: put, HOLD: own('SM'), RELEASE: ignore, EVICT: evict,
        SNOOP_GETS: 'S', SNOOP_GETM: [{ guard: 'committed', target: 'S' }, drop], SNOOP_PUT: drop,
        GRANT_S: impossible, GRANT_E: impossible, GRANT_M: impossible,
        ACCEPTED: impossible, REFUSED: impossible, RELEASED: impossible, RECLAIMED: 'S',
      },
    },
    M: {
      description: 'Owned with a hold: no other agent can write until it ends.',
      on: {
        LOAD: hit, STORE: put, HOLD: { actions: 'granted' }, RELEASE: release, EVICT: evict,
        SNOOP_GETS: ignore, SNOOP_GETM: impossible, SNOOP_PUT: impossible,
        GRANT_S: impossible, GRANT_E: impossible, GRANT_M: impossible,
        ACCEPTED: { target: 'E', actions: 'done' }, // an atomic publish that wrote this key, too
        REFUSED: impossible, RELEASED: 'E', RECLAIMED: { target: 'S', actions: 'lost' },
      },
    },
    // ── transient: a request is on its way
    IS: {
      description: 'Asked for a copy.',
      on: {
        LOAD: stall, STORE: stall, HOLD: stall, RELEASE: ignore, EVICT: stall,
        SNOOP_GETS: ignore, SNOOP_GETM: ignore, SNOOP_PUT: ignore,
        GRANT_S: { target: 'S', actions: 'fill' }, GRANT_E: { target: 'E', actions: 'fill' }, GRANT_M: impossible,
        ACCEPTED: impossible, REFUSED: impossible, RELEASED: impossible, RECLAIMED: ignore,
      },
    },
    IM: {
      description: 'Asked for ownership, without a copy.',
      on: {
        LOAD: stall, STORE: stall, HOLD: stall, RELEASE: release, EVICT: stall,
        SNOOP_GETS: ignore, SNOOP_GETM: ignore, SNOOP_PUT: ignore,
        GRANT_S: impossible, GRANT_E: impossible, GRANT_M: { target: 'M', actions: ['fill', 'granted'] },
        ACCEPTED: impossible, REFUSED: impossible, RELEASED: 'I', RECLAIMED: ignore,
      },
    },
    SM: {
      description: 'Asked for ownership, with a copy that is still good.',
      on: {
        LOAD: hit, STORE: stall, HOLD: stall, RELEASE: release, EVICT: stall,
        SNOOP_GETS: ignore, SNOOP_GETM: [{ guard: 'committed', ...ignore }, lose], SNOOP_PUT: lose,
        GRANT_S: impossible, GRANT_E: impossible, GRANT_M: { target: 'M', actions: 'granted' },
        ACCEPTED: impossible, REFUSED: impossible, RELEASED: 'S', RECLAIMED: ignore,
      },
    },
    MP: {
      description: 'The write is on its way; reads see the old value, never the new one.',
      on: {
        LOAD: [{ guard: 'copy', ...hit }, stall], STORE: stall, HOLD: stall, RELEASE: ignore, EVICT: stall,
        SNOOP_GETS: ignore,
        SNOOP_GETM: [{ guard: 'committed', ...ignore }, { guard: 'copy', ...spoil }, ignore],
        SNOOP_PUT: [{ guard: 'copy', ...spoil }, ignore],
        GRANT_S: impossible, GRANT_E: impossible, GRANT_M: impossible,
        ACCEPTED: { target: 'E', actions: 'done' },
        REFUSED: [{ guard: 'copy', ...own('SM') }, own('IM')],
        RELEASED: impossible, RECLAIMED: ignore, // the write will be refused
      },
    },
  },
});

type M = typeof machine;
/** See {@link cacheLine}. */
export interface CacheLineMachine extends M {}

/** The cache line.
 *  @example
 *  ```ts
 *  const line = createActor(cacheLine.provide({ actions: { requestShared: () => console.log('GETS') } })).start();
 *  line.send({ type: 'LOAD' }); //    prints 'GETS'
 *  line.send({ type: 'GRANT_E' }); // the only copy
 *  line.getSnapshot().value; //       'E'
 *  ``` */
export const cacheLine: CacheLineMachine = machine;
