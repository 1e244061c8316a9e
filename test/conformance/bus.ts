/** What every engine of the bus promises. A later engine passes this suite unchanged: `publish` may return a promise,
 *  delivery may come later; `settle` waits until what has been published has been delivered. */
import { filter, map } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { BusClosedError, BusHistoryError, BusOverflowError, type Bus } from '../../actors/bus/bus.ts';
import { pulse, type Envelope } from '../../machines/hct/signal.ts';

export interface BusUnderTest {
  make(options?: { retain?: number | 'all' }): Promise<Bus> | Bus;
  settle(bus: Bus): Promise<void>;
}

const tagsOf = (envelopes: Envelope[]) =>
  envelopes.map(({ signal }) => (signal.type === 'pulse' ? signal.tag : signal.type));

export function busConformance(name: string, { make, settle }: BusUnderTest): void {
  const record = (bus: Bus) => {
    const seen: Envelope[] = [];
    bus.signals.subscribe((envelope) => void seen.push(envelope));
    return seen;
  };
  const take = async (source: AsyncIterable<Envelope>, most = Infinity) => {
    const seen: Envelope[] = [];
    for await (const envelope of source) if (seen.push(envelope) >= most) break;
    return seen;
  };

  describe(`bus: ${name}`, () => {
    test('positions are 1, 2, 3 … without a gap, and publish returns them', async () => {
      const bus = await make();
      const seen = record(bus);
      const positions = [];
      for (const tag of ['a', 'b', 'c']) positions.push(await bus.publish(pulse(tag, 1)));
      await settle(bus);
      expect(positions).toEqual([1, 2, 3]);
      expect(seen.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(bus.tip).toBe(3);
      expect(seen.every(({ runId }) => runId === bus.runId)).toBe(true);
    });

    test('re-entrant publishing keeps one total order for all listeners', async () => {
      const bus = await make();
      const first: Envelope[] = [];
      bus.signals.subscribe((envelope) => {
        first.push(envelope);
        if (envelope.signal.type === 'pulse' && envelope.signal.tag === 'a') {
          void bus.publish(pulse('b', 1));
          void bus.publish(pulse('c', 1));
        }
      });
      const second = record(bus);
      const tagged: Envelope[] = [];
      bus.on('b').subscribe((envelope) => void tagged.push(envelope));
      await bus.publish(pulse('a', 1));
      await settle(bus);
      expect(tagsOf(first)).toEqual(['a', 'b', 'c']);
      expect(second).toEqual(first);
      expect(tagged).toEqual([first[1]]);
    });

    test('the snoop filter delivers what bears the tag, and nothing after unsubscribing', async () => {
      const bus = await make();
      const seen: Envelope[] = [];
      const subscription = bus.on(7).subscribe((envelope) => void seen.push(envelope));
      for (const tag of [7, 8, '7', 7]) await bus.publish(pulse(tag, 0));
      await settle(bus);
      subscription.unsubscribe();
      await bus.publish(pulse(7, 0));
      await settle(bus);
      expect(seen.map(({ seq }) => seq)).toEqual([1, 4]);
    });

    test('a late listener receives only what comes later', async () => {
      const bus = await make();
      await bus.publish(pulse('a', 1));
      await settle(bus);
      const seen = record(bus);
      await bus.publish(pulse('b', 1));
      await settle(bus);
      expect(tagsOf(seen)).toEqual(['b']);
    });

    test('a listener that throws, also behind an operator, harms no other listener and is reported', async () => {
      const bus = await make();
      const faults: unknown[] = [];
      bus.faults.subscribe(({ error }) => void faults.push((error as Error).message));
      bus.signals.subscribe(() => {
        throw new Error('direct');
      });
      bus.signals
        .pipe(
          map((envelope) => envelope.seq),
          filter((seq) => seq > 0),
        )
        .subscribe(() => {
          throw new Error('piped');
        });
      bus.on('a').subscribe(() => {
        throw new Error('tagged');
      });
      const seen = record(bus);
      await bus.publish(pulse('a', 1));
      await bus.publish(pulse('a', 2));
      await settle(bus);
      expect(seen).toHaveLength(2);
      expect(faults.filter((message) => message === 'direct')).toHaveLength(2);
      expect(faults).toContain('tagged');
      expect(faults).toContain('piped');
    });

    test('publishing twice under one key appends once and returns the first position', async () => {
      const bus = await make();
      const seen = record(bus);
      expect(await bus.publish(pulse('a', 1), { key: 'k' })).toBe(1);
      expect(await bus.publish(pulse('b', 1), { key: 'other' })).toBe(2);
      expect(await bus.publish(pulse('c', 1), { key: 'k' })).toBe(1);
      await settle(bus);
      expect(tagsOf(seen)).toEqual(['a', 'b']);
    });

    test('replay gives the history from any retained position, and a typed error past it', async () => {
      const bus = await make({ retain: 3 });
      for (let i = 1; i <= 10; i++) await bus.publish(pulse(i, i));
      await settle(bus);
      expect((await take(bus.replay(8))).map(({ seq }) => seq)).toEqual([8, 9, 10]);
      expect(await take(bus.replay(11))).toEqual([]);
      await expect(take(bus.replay(7))).rejects.toMatchObject({
        name: 'BusHistoryError',
        from: 7,
        oldest: 8,
      });
      await expect(take(bus.replay(12))).rejects.toBeInstanceOf(BusHistoryError);
    });

    test('following crosses the seam between history and live without loss or repetition', async () => {
      const bus = await make({ retain: 'all' });
      for (let i = 1; i <= 5; i++) await bus.publish(pulse(i, i));
      const reader = take(bus.replay(1, { follow: true }), 40);
      for (let i = 6; i <= 40; i++) {
        await bus.publish(pulse(i, i));
        if (i % 7 === 0) await Promise.resolve();
      }
      expect((await reader).map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    });

    test('a slow consumer is cut off with a typed error, and other listeners are not affected', async () => {
      const bus = await make({ retain: 'all' });
      const iterator = bus.replay(1, { follow: true, limit: 4 })[Symbol.asyncIterator]();
      const first = iterator.next();
      await bus.publish(pulse('a', 0));
      await first;
      const seen = record(bus);
      for (let i = 0; i < 20; i++) await bus.publish(pulse(i, i));
      await settle(bus);
      const rest = async () => {
        for (;;) if ((await iterator.next()).done) return;
      };
      await expect(rest()).rejects.toBeInstanceOf(BusOverflowError);
      expect(seen).toHaveLength(20);
    });

    test('a consumer that blocks holds an awaiting publisher back, and loses nothing', async () => {
      const bus = await make({ retain: 'all' });
      const got: number[] = [];
      let published = 0;
      let furthest = 0;
      const reading = (async () => {
        for await (const { seq } of bus.replay(1, { follow: true, limit: 4, overflow: 'block' })) {
          furthest = Math.max(furthest, published - got.length);
          got.push(seq);
          await new Promise((resolve) => setImmediate(resolve));
          if (got.length === 50) break;
        }
      })();
      await new Promise((resolve) => setImmediate(resolve));
      for (let i = 0; i < 50; i++) {
        await bus.publish(pulse(i, i));
        published++;
      }
      await reading;
      expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
      expect(furthest).toBeLessThanOrEqual(10);
    });

    test('a listener may leave, and another join, during delivery', async () => {
      const bus = await make();
      const joined: Envelope[] = [];
      const once = bus.signals.subscribe(() => {
        once.unsubscribe();
        bus.signals.subscribe((envelope) => void joined.push(envelope));
      });
      await bus.publish(pulse('a', 1));
      await bus.publish(pulse('b', 1));
      await settle(bus);
      expect(tagsOf(joined)).toEqual(['b']);
    });

    test('closing completes every listener and every pending iterator; publishing then is a typed error', async () => {
      const bus = await make({ retain: 'all' });
      let completed = 0;
      bus.signals.subscribe({ complete: () => completed++ });
      bus.on('a').subscribe({ complete: () => completed++ });
      await bus.publish(pulse('a', 1));
      const reader = take(bus.replay(1, { follow: true }));
      await new Promise((resolve) => setImmediate(resolve));
      await bus.close();
      await bus.close();
      expect((await reader).length).toBe(1);
      expect(completed).toBe(2);
      bus.signals.subscribe({ complete: () => completed++ });
      bus.on('a').subscribe({ complete: () => completed++ });
      expect(completed, 'a late subscriber is notified of the end').toBe(4);
      await expect((async () => bus.publish(pulse('b', 1)))()).rejects.toBeInstanceOf(BusClosedError);
    });

    test('a wake chain of 100,000 signals does not grow the stack', { timeout: 120_000 }, async () => {
      const bus = await make();
      const end = 100_000;
      let heard = 0;
      bus.signals.subscribe(({ signal }) => {
        heard++;
        const tag = (signal as { tag: number }).tag;
        if (tag < end) void bus.publish(pulse(tag + 1, 0));
      });
      await bus.publish(pulse(1, 0));
      await settle(bus);
      expect(heard).toBe(end);
      expect(bus.tip).toBe(end);
    });
  });
}
