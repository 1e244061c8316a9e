/** Claims that litmus tests cannot check, each with the fault that it catches seeded once: INC ‖ INC, a CAS against
 *  a hold, duplicates of every type, a reclaim with a late PUT, write skew, the read-only anomaly, a moved agent. */
import { afterEach, describe, expect, it } from 'vitest';
import { coherence, ConflictError, type Coherence } from 'tutti';
import { FencedError } from '../../src/coherence/errors.ts';
import type { Entry } from 'tutti/actors';
import type { Faults } from '../../actors/coherence/faults.ts';
import { fromSignal } from '../../actors/coherence/entry.ts';
import type { Schema } from '../../src/score/schema.ts';
import type { Signal } from 'tutti/machines';
import { LaggingLog, ManualClock, pump, settle } from '../../specs/harness/lagging.ts';

const number: Schema<number, number> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as number }) },
};
type Shared = Coherence<{ x: number; y: number }>;
const open: Shared[] = [];
afterEach(() => open.splice(0).forEach((shared) => shared.stop()));

/** So many replicas on one lagging log. */
function world(count: number, faults: Faults = {}, readers: 'wait' | 'committed' = 'wait') {
  const log = new LaggingLog({ direct: true });
  const clock = new ManualClock();
  const spaces = Array.from({ length: count }, (_, index) => {
    const options = { bus: log.view(), schema: { x: number, y: number }, initial: { x: 0, y: 0 } };
    return coherence({ ...options, clock, leaseMs: 100, session: `r${index}`, faults, readers });
  });
  open.push(...spaces);
  return { log, clock, spaces: spaces as unknown as [Shared, Shared, Shared] };
}
const value = (shared: Shared, key: 'x' | 'y') => shared.replica.memory.cells.get(key)!.value;
const ops = (log: LaggingLog) => log.log.map(({ signal }) => (fromSignal('shared', signal) as Entry).op);

describe('coherence: INC ‖ INC', () => {
  const run = async (faults: Faults) => {
    const { log, spaces } = world(2, faults);
    const [a, b] = [spaces[0].agent('a'), spaces[1].agent('b')];
    await pump(log, a.read('x'));
    await pump(log, a.evict('x')); // no agent has a copy; both will ask at once
    const both = Promise.all([a.write('x', (x) => x + 1), b.write('x', (x) => x + 1)]);
    // Each computes on what its own replica has: the first owner's grant arrives late at the other.
    await settle();
    for (const view of [1, 0, 1, 0]) {
      for (let n = 0; n < 2; n++) log.views[view]!.deliver();
      await settle();
    }
    await pump(log, both);
    return value(spaces[0], 'x');
  };
  it('both count', async () => expect(await run({})).toBe(2));
  it('a PUT without checks, and holds that exclude no agent, lose one: caught', async () => {
    expect(await run({ ignoreEpoch: true, ignoreVersion: true, noHold: true })).not.toBe(2);
  });
});

describe('coherence: a compare-and-set against a hold', () => {
  const run = async (faults: Faults) => {
    const { log, spaces } = world(1, faults);
    const [a, b] = [spaces[0].agent('a'), spaces[0].agent('b')];
    const hold = await pump(log, a.hold('x'));
    const refused = await pump(log, b.compareAndSet('x', 0, 7)).then(
      () => undefined,
      (error: unknown) => error,
    );
    const written = await pump(
      log,
      hold.write((x) => x + 1),
    ).catch((error: unknown) => error);
    return { refused, written, x: value(spaces[0], 'x') };
  };
  it('is refused, and the holder keeps its work', async () => {
    const { refused, written, x } = await run({});
    expect(refused).toBeInstanceOf(ConflictError);
    expect((refused as ConflictError).reason).toBe('held');
    expect([written, x]).toEqual([1, 1]);
  });
  it('one that ignores the hold destroys the holder’s work: caught', async () => {
    expect((await run({ ignoreHoldInCas: true })).written).toBeInstanceOf(FencedError);
  });
});

describe('coherence: duplicates', () => {
  /** A history that has every type of entry in it. */
  const story = async (faults: Faults) => {
    const { log, clock, spaces } = world(2, faults);
    const [a, b] = [spaces[0].agent('a'), spaces[1].agent('b')];
    await pump(log, a.read('x'));
    await pump(log, b.read('x'));
    await pump(
      log,
      b.write('x', (x) => x + 1),
    );
    await pump(log, a.read('x'));
    await pump(log, a.evict('x'));
    await pump(log, a.compareAndSet('y', 0, 5));
    const hold = await pump(log, a.hold('y'));
    await pump(log, hold.renew());
    await pump(log, hold.release());
    const session = await b.session(['x', 'y']);
    await session.write('y', session.read('x') + session.read('y'));
    await pump(log, session.publish());
    const late = await pump(log, a.hold('x', { maxMs: 0 }));
    const next = b.write('x', (x) => x + 1);
    await settle();
    log.drain();
    clock.advance(100);
    await pump(log, next);
    await pump(log, late.write(9)).catch(() => undefined);
    await pump(log, spaces[0].agent('gone').read('x'));
    await pump(log, spaces[0].agent('gone').close());
    await pump(log, spaces[0].define('z', number, { initial: 0 }));
    return { log, spaces };
  };
  it('of every type change nothing, at any later time, on any replica', async () => {
    const { log, spaces } = await story({});
    const types: Entry['op'][] = [
      'gets',
      'getm',
      'put',
      'cas',
      'publish',
      'release',
      'evict',
      'reclaim',
      'renew',
      'leave',
      'define',
    ];
    expect([...new Set(ops(log))].sort()).toEqual([...types].sort());
    const before = JSON.stringify(spaces.map(({ replica }) => replica.memory.snapshot().cells));
    for (let index = 0, length = log.log.length; index < length; index++) log.repeat(index);
    log.drain();
    expect(JSON.stringify(spaces.map(({ replica }) => replica.memory.snapshot().cells))).toBe(before);
    expect(
      await pump(
        log,
        spaces[1].agent('b').write('x', (x) => x + 1),
      ),
    ).toBeGreaterThan(0); // no agent is stuck
  });
  it('a duplicated GETM that is applied again leaves a hold that never ends: caught', async () => {
    const { log, spaces } = world(1, { applyDuplicates: true });
    const a = spaces[0].agent('a');
    await pump(log, a.write('x', 1));
    log.repeat(ops(log).indexOf('getm'));
    log.drain();
    expect(spaces[0].replica.memory.cells.get('x')!.held).toBe(true);
  });
});

describe('coherence: reclaim', () => {
  const run = async (faults: Faults) => {
    const { log, clock, spaces } = world(2, faults);
    const [a, b] = [spaces[0].agent('a'), spaces[1].agent('b')];
    const hold = await pump(log, a.hold('x', { maxMs: 0 }));
    const next = b.write('x', (x) => x + 10);
    await settle();
    log.views[1]!.cut = false;
    while (log.views[1]!.deliver());
    clock.advance(100); // b's replica asks for a reclaim; a's has not applied the queue yet
    await settle();
    const late = hold.write((x) => x + 1).catch((error: unknown) => error); // a wakes up, and does not know
    await settle();
    const wrote = await pump(log, next);
    return { wrote, late: await pump(log, late), x: value(spaces[0], 'x'), log, spaces };
  };
  it('gives the line to the next, and refuses the late PUT', async () => {
    const { wrote, late, x, log } = await run({});
    expect(late).toBeInstanceOf(FencedError);
    expect([wrote, x]).toEqual([1, 10]);
    expect(ops(log).filter((op) => op === 'reclaim').length).toBe(1);
  });
  it('a PUT without an epoch check revives the dead: caught', async () => {
    const { late, x } = await run({ ignoreEpoch: true, ignoreVersion: true });
    expect([late, x]).toEqual([1, 10]); // told that it wrote version 1, which is lost
  });
  const twice = async (faults: Faults) => {
    const { log, clock, spaces } = world(1, faults);
    const [a, b] = [spaces[0].agent('a'), spaces[0].agent('b')];
    await pump(log, a.hold('x', { maxMs: 0 }));
    const newer = b.hold('x');
    await settle();
    log.drain();
    clock.advance(100);
    await pump(log, newer);
    const reclaim = log.log.find(({ signal }) => (fromSignal('shared', signal) as Entry).op === 'reclaim');
    const entry = { ...(fromSignal('shared', reclaim!.signal) as Entry), agent: 'memory@late', number: 0 };
    void log.publish({ ...reclaim!.signal, payload: { coherence: 'shared', entry } } as Signal);
    log.drain();
    return spaces[0].replica.memory.cells.get('x')!.owner;
  };
  it('of an older epoch never revokes a newer owner', async () => expect(await twice({})).toBe('b@r0.2'));
  it('without the epoch it does: caught', async () =>
    expect(await twice({ reclaimStale: true })).toBeUndefined());
  it('does not touch an owner that renews in time', async () => {
    const { log, clock, spaces } = world(1);
    const hold = await pump(log, spaces[0].agent('a').hold('x'));
    for (let times = 0; times < 5; times++) {
      clock.advance(60);
      await settle();
      log.drain();
      await pump(log, hold.renew());
    }
    expect(await pump(log, hold.write(3))).toBe(1);
  });
});

describe('coherence: sessions', () => {
  /** Both read x and y, and each writes the one that the other does not. */
  const skew = async (faults: Faults) => {
    const { log, spaces } = world(2, faults);
    const [one, two] = await Promise.all([spaces[0].agent('a').session(), spaces[1].agent('b').session()]);
    await one.write('x', one.read('x') + one.read('y') + 1);
    await two.write('y', two.read('x') + two.read('y') + 1);
    return pump(log, Promise.allSettled([one.publish(), two.publish()]));
  };
  it('admit no write skew: one of two is refused, with what changed', async () => {
    const outcomes = await skew({});
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')!.reason as ConflictError;
    expect(refused).toMatchObject({ name: 'ConflictError', key: 'x', expected: 0, actual: 1 });
  });
  it('that validate only what they write admit it: caught', async () => {
    expect((await skew({ ignoreReadSet: true })).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
    ]);
  });

  /** Fekete, O'Neil and O'Neil 2004: x checking, y savings; a withdrawal with overdraft, a deposit, and a report. */
  const anomaly = async (faults: Faults) => {
    const { log, spaces } = world(2, faults);
    const [shared, lagging] = spaces;
    const withdrawal = await lagging.agent('withdrawal').session();
    log.views[1]!.cut = true;
    const total = withdrawal.read('x') + withdrawal.read('y');
    const deposit = await shared.agent('deposit').session();
    await deposit.write('y', deposit.read('y') + 20);
    await pump(log, deposit.publish());
    const report = await shared.agent('report').session();
    const reported = [report.read('x'), report.read('y')];
    await pump(log, report.publish());
    await withdrawal.write('x', -10 - (total - 10 < 0 ? 1 : 0)); // a fee for the overdraft
    const published = withdrawal.publish();
    await settle();
    log.views[1]!.cut = false;
    const outcome = await pump(log, published).then(
      () => 'accepted',
      () => 'refused',
    );
    return { reported, outcome };
  };
  it('admit no read-only anomaly: after a report of the deposit, the old overdraft cannot come', async () => {
    expect(await anomaly({})).toEqual({ reported: [0, 20], outcome: 'refused' });
  });
  it('that validate only what they write admit it: caught', async () => {
    expect((await anomaly({ ignoreReadSet: true })).outcome).toBe('accepted');
  });
  it('serve a consistent cut while others write, where reads of single keys tear', async () => {
    const { log, spaces } = world(1);
    const [a, b] = [spaces[0].agent('a'), spaces[0].agent('b')];
    const cut = await a.session();
    const x = cut.read('x');
    const first = await pump(log, a.read('x'));
    const both = await b.session();
    await both.write('x', 1);
    await both.write('y', 1);
    await pump(log, both.publish());
    expect([first, await pump(log, a.read('y'))]).toEqual([0, 1]); // torn
    expect([x, cut.read('y')]).toEqual([0, 0]);
  });
  it('publish all or nothing', async () => {
    const { log, spaces } = world(1);
    const session = await spaces[0].agent('a').session();
    await session.write('x', 1);
    await session.write('y', 1);
    await pump(log, spaces[0].agent('b').write('y', 5));
    await expect(pump(log, session.publish())).rejects.toThrow(ConflictError);
    expect([value(spaces[0], 'x'), value(spaces[0], 'y')]).toEqual([0, 5]);
  });
});

describe('coherence: an agent that moves', () => {
  const run = async (withPassport: boolean) => {
    const { log, spaces } = world(2);
    const here = spaces[0].agent('a');
    await pump(log, spaces[1].agent('a').read('x')); // a copy was there already
    await pump(log, spaces[1].agent('a').read('y'));
    const other = spaces[1].agent('b');
    await pump(log, other.read('x'));
    log.views[1]!.cut = true; // the new replica lags
    await pump(log, here.write('x', 1, { overwrite: true }));
    const passport = await here.leave();
    const there = withPassport ? spaces[1].agent('traveller', { passport }) : other;
    const read = there.read('x');
    await settle();
    log.views[1]!.cut = false;
    return pump(log, read);
  };
  it('sees at the new replica what it saw at the old one', async () => expect(await run(true)).toBe(1));
  it('without the position it has seen, it reads its own past: caught', async () =>
    expect(await run(false)).toBe(0));
});

describe('coherence: a linearisable read', () => {
  it('is as new as the log when it began; a plain one may lag', async () => {
    const { log, spaces } = world(2);
    const [a, b] = [spaces[0].agent('a'), spaces[1].agent('b')];
    await pump(log, b.read('x'));
    log.views[1]!.cut = true;
    await pump(log, a.write('x', 1, { overwrite: true }));
    expect(await b.read('x')).toBe(0);
    const fresh = b.read('x', { fresh: true });
    log.views[1]!.cut = false;
    expect(await pump(log, fresh)).toBe(1);
  });
});
