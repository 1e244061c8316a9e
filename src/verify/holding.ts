/** Claims about holds: they exclude, they pass on in order, they end when their holder is gone, and a circle of waits is
 *  found. */
import { LaggingLog, ManualClock, settle } from '../../specs/harness/lagging.ts';
import type { Claim } from '../../specs/harness/claim.ts';
import {
  coherence,
  ConflictError,
  type Coherence,
  type SharedAgent,
  FencedError,
  HoldDeadlockError,
} from '../coherence/index.ts';
import type { ItemLists } from './memory-model.ts';
import { apiClaim, must, text } from './sample.ts';
import { anything } from './shared-values.ts';

const LEASE_MS = 100;
const MAX_MS = 400;

/** A space with two keys on a log that delivers at once, and its time. */
class Place {
  readonly clock = new ManualClock();
  readonly log = new LaggingLog();
  readonly space: Coherence<Record<'x' | 'y', ItemLists>>;

  constructor(readers: 'wait' | 'committed') {
    this.space = coherence({
      ...{ bus: this.log.view(), clock: this.clock, leaseMs: LEASE_MS, readers, session: 'r' },
      schema: { x: anything<ItemLists>(), y: anything<ItemLists>() },
      initial: { x: [], y: [] },
    });
  }
  /** Delivers, and lets time pass. */
  async wait(ms = 0): Promise<void> {
    for (let passed = 0; passed <= ms; passed += 10) {
      if (passed > 0) this.clock.advance(10);
      for (let turn = 0; turn < 4; turn++) {
        this.log.drain();
        await settle();
      }
    }
  }
  /** Until a request has ended. */
  async done<T>(request: Promise<T>): Promise<T> {
    const follow = follows(request);
    for (let turn = 0; turn < 50 && follow.state === 'waits'; turn++) await this.wait();
    must(
      (follow.state as string) !== 'waits',
      () => 'A request does not end, and nothing stands in its way.',
    );
    return request;
  }
  value(key: 'x' | 'y'): ItemLists {
    return this.space.checkpoint().memory.cells.find((cell) => cell.key === key)!.value as ItemLists;
  }
}
/** How a request has ended, if it has. */
interface Follow {
  state: 'waits' | 'done' | 'refused';
  error?: unknown;
}
function follows(request: Promise<unknown>): Follow {
  const follow: Follow = { state: 'waits' };
  request.then(
    () => (follow.state = 'done'),
    (error: unknown) => Object.assign(follow, { state: 'refused', error }),
  );
  return follow;
}

interface HoldCase {
  readonly readers: 'wait' | 'committed';
  /** How the others try to write meanwhile, in order. */
  readonly others: readonly ('write' | 'hold' | 'update' | 'cas' | 'session')[];
  readonly ends: 'write' | 'release' | 'close' | 'crash' | 'expires';
  /** Whether another agent reads before and meanwhile. */
  readonly reads: boolean;
}
async function excludes({ readers, others, ends, reads }: HoldCase): Promise<undefined> {
  const place = new Place(readers);
  const { space } = place;
  const reader = space.agent('reader');
  if (reads) await place.done(reader.read('x'));
  const holder = space.agent('holder');
  const session = await place.done(space.agent('session').session(['x']));
  const hold = await place.done(holder.hold('x', { maxMs: MAX_MS }));
  // Those that queue get their turn in the order in which they asked.
  const queued: string[] = [];
  const requests: Follow[] = [];
  for (const [i, kind] of others.entries()) {
    const name = `${kind}${i}`;
    const agent = space.agent(name);
    const append = (value: ItemLists) => [...value, name];
    if (kind !== 'cas' && kind !== 'session') queued.push(name);
    requests.push(
      follows(
        kind === 'cas'
          ? agent.compareAndSet('x', 0, [name])
          : kind === 'session'
            ? session.write('x', append).then(() => session.publish())
            : kind === 'write'
              ? agent.write('x', append)
              : kind === 'update'
                ? agent.update('x', append)
                : agent.hold('x').then((own) => own.write(append)),
      ),
    );
    await place.wait();
  }
  const reading = reads ? follows(reader.read('x')) : undefined;
  await place.wait(LEASE_MS * 2);
  must(text(place.value('x')) === '[]', () => `x is ${text(place.value('x'))} while it is held.`);
  others.forEach((kind, i) => {
    const { state, error } = requests[i]!;
    const refused = kind === 'cas' || kind === 'session';
    // An update computes without holding, is refused, and takes its place in the queue.
    must(
      state === (refused ? 'refused' : 'waits'),
      () => `${kind} of a key that another agent holds: it ${state}.`,
    );
    must(
      !refused || (error instanceof ConflictError && error.reason === 'held'),
      () => `${kind} of a key that another agent holds is refused as ${String(error)}.`,
    );
  });
  const owner = space.holders().find(({ key }) => key === 'x')!;
  must(owner.owner === 'holder' && owner.held, () => `x is held by ${owner.owner ?? 'no agent'}.`);
  if (reading !== undefined)
    must(
      reading.state === (readers === 'wait' ? 'waits' : 'done'),
      () => `A reader ${reading.state} while x is held.`,
    );

  if (ends === 'write') await place.done(hold.write((value) => [...value, 'holder']));
  else if (ends === 'release') await place.done(hold.release());
  else if (ends === 'close') await place.done(holder.close());
  else if (ends === 'crash') holder.abandon();
  await place.wait(MAX_MS + LEASE_MS * 3);
  if (ends === 'expires' && queued.length + Number(reads && readers === 'wait') > 0) {
    must(
      hold.fenced,
      () => 'A hold that lasted too long, and that another agent waited for, is still in force.',
    );
    const late = follows(hold.write((value) => [...value, 'late']));
    await place.wait();
    must(late.state === 'refused' && late.error instanceof FencedError, () => `The late write of a hold that was reclaimed: it ${late.state}.`); // prettier-ignore
  }
  if (ends === 'expires' && queued.length === 0) return void space.stop();
  const due = [...(ends === 'write' ? ['holder'] : []), ...queued];
  const found = place.value('x');
  must(sameUpToUpdates(found, due), () => `After the hold x is ${text(found)}, and has to be ${text(due)}.`);
  space.stop();
}
/** An update computes first and joins the queue after its conflict: its place among the others is not fixed. */
const sameUpToUpdates = (found: ItemLists, due: ItemLists): boolean => {
  const fixed = (items: ItemLists) => items.filter((name) => !name.startsWith('update'));
  return text(fixed(found)) === text(fixed(due)) && text(found.toSorted()) === text(due.toSorted());
};

interface CircleCase {
  readonly readers: 'wait' | 'committed';
  readonly agents: 2 | 3;
  readonly asks: 'hold' | 'write';
  readonly together: boolean;
}
async function findsCircles({ readers, agents, asks, together }: CircleCase): Promise<undefined> {
  const place = new Place(readers);
  const { space } = place;
  const keys = ['x', 'y'] as const;
  const [a, b] = ['a', 'b'].map((name) => space.agent(name)) as [SharedAgent<Record<'x' | 'y', ItemLists>>, SharedAgent<Record<'x' | 'y', ItemLists>>]; // prettier-ignore
  const third = agents === 3 ? follows(space.agent('c').write('y', (value) => [...value, 'c'])) : undefined;
  if (third !== undefined) await place.wait();
  if (together) {
    const both = [a.holdAll(keys), b.holdAll(keys.toReversed())].map((taking, i) =>
      taking.then(async (held) => {
        await held.get('x').write((value) => [...value, String(i)]);
        await held.release();
      }),
    );
    for (const one of both) await place.done(one);
    must(
      place.value('x').length === 2,
      () => `Two agents that hold both keys leave x = ${text(place.value('x'))}.`,
    );
    return void space.stop();
  }
  const holds = [await place.done(a.hold('x')), await place.done(b.hold('y'))];
  const ask = (agent: typeof a, key: 'x' | 'y') =>
    follows(asks === 'hold' ? agent.hold(key).then((own) => own.release()) : agent.write(key, (value) => [...value, agent.name])); // prettier-ignore
  const first = ask(a, 'y');
  await place.wait();
  must(first.state === 'waits', () => `A request for a key that is held: it ${first.state}.`);
  const second = ask(b, 'x');
  await place.wait();
  must(
    second.state === 'refused' && second.error instanceof HoldDeadlockError,
    () => `The request that closes a circle of waits: it ${second.state}.`,
  );
  await place.done(holds[1]!.release());
  await place.wait();
  must(
    (first.state as Follow['state']) === 'done',
    () => `After the circle is broken, the first request ${first.state}.`,
  );
  space.stop();
}

export const holdClaims: readonly Claim[] = [
  apiClaim('mesi', 'invariant guarantees', {
    property:
      'While an agent holds a key no other agent writes it; those that wait follow in the order of their requests; a hold ends by its write, its release, the end of its agent or its lease, and then its late write is refused.',
    source: 'paper 4.4 (bus arbitration); docs/decisions/0010',
    bound: 'up to 4 other agents that write, hold, update, compare and set, or publish a session',
    share: 0.2,
    draw: (random): HoldCase => ({
      readers: random.pick(['wait', 'committed'] as const),
      others: Array.from({ length: random.below(5) }, () =>
        random.pick(['write', 'hold', 'update', 'cas', 'session'] as const),
      ).filter((kind, i, all) => kind !== 'session' || all.indexOf(kind) === i),
      ends: random.pick(['write', 'release', 'close', 'crash', 'expires'] as const),
      reads: random.below(2) === 0,
    }),
    judge: excludes,
    shown: (given) => [text(given)],
    smaller: function* (given) {
      for (let i = 0; i < given.others.length; i++) yield { ...given, others: given.others.toSpliced(i, 1) };
    },
  }),
  apiClaim('mesi', 'failure modes', {
    property:
      'Agents that wait for each other’s keys in a circle are found out: the request that closes the circle is refused, the others go on, and keys that are held together never make one.',
    source: 'Coffman et al. 1971 (circular wait); docs/decisions/0010',
    bound: '2 keys, 2 or 3 agents',
    share: 0.1,
    draw: (random): CircleCase => ({
      readers: random.pick(['wait', 'committed'] as const),
      agents: random.pick([2, 3] as const),
      asks: random.pick(['hold', 'write'] as const),
      together: random.below(3) === 0,
    }),
    judge: findsCircles,
    shown: (given) => [text(given)],
  }),
];
