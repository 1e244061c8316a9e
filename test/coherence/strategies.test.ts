/** Claims: each strategy keeps its staleness bound, per key or per agent; deltas are sent when they are smaller; the
 *  ledger counts by agent, key and cause; costs stay within the analytical bounds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { coherence, createBus } from 'tutti';
import { accessCount, lease, stalenessBound, type StrategyOption } from '../../src/coherence/strategy.ts';
import { broadcastTokens, coherentBounds, leastSavings, TokenLedger } from '../../src/coherence/ledger.ts';
import { estimate, gptTokenizer } from '../../src/coherence/counter.ts';
import { ManualClock } from '../../specs/harness/lagging.ts';

const schema = { n: z.number(), m: z.number() };
function make(strategy: StrategyOption) {
  const clock = new ManualClock();
  const ledger = new TokenLedger();
  const shared = coherence({
    bus: createBus({ clock }),
    schema,
    initial: { n: 0, m: 0 },
    strategy,
    clock,
    ledger,
  });
  return { clock, ledger, shared, reader: shared.agent('reader'), writer: shared.agent('writer') };
}

describe('coherence: strategies', () => {
  it.each(['lazy', 'eager', 'broadcast'] as const)('%s reads nothing stale', async (strategy) => {
    const { shared, reader, writer } = make(strategy);
    for (let i = 1; i <= 5; i++) {
      await reader.read('n');
      await writer.write('n', (n) => n + 1);
      expect(await reader.read('n')).toBe(i);
    }
    expect(shared.counts.staleHits).toBe(0);
    expect(stalenessBound({ name: strategy })).toBe('0');
  });
  it('lease reads a stale copy for its time, and not longer', async () => {
    const { clock, shared, reader, writer } = make(lease({ ttlMs: 100 }));
    await reader.read('n');
    await writer.write('n', 1);
    clock.advance(100);
    expect([await reader.read('n'), shared.counts.staleHits]).toEqual([0, 1]);
    clock.advance(1);
    expect([await reader.read('n'), shared.counts.staleHits]).toEqual([1, 1]);
    expect(stalenessBound(lease({ ttlMs: 100 }))).toBe('100 ms');
  });
  it('accessCount reads a stale copy so often, and not once more', async () => {
    const { shared, reader, writer } = make(accessCount({ reads: 3 }));
    await reader.read('n');
    await writer.write('n', 1);
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) seen.push(await reader.read('n'));
    expect([seen, shared.counts.staleHits]).toEqual([[0, 0, 0, 1], 3]);
    expect(stalenessBound(accessCount({ reads: 3 }))).toBe('3 reads');
  });
  it('a stale copy is gone with what was given up', async () => {
    const { shared, reader, writer } = make(accessCount({ reads: 3 }));
    await reader.read('n');
    await writer.write('n', 1);
    await reader.evict('n');
    expect([await reader.read('n'), shared.counts.staleHits]).toEqual([1, 0]);
  });
  it('a stale copy never becomes a write unseen', async () => {
    const { reader, writer } = make(lease({ ttlMs: 1_000 }));
    await reader.read('n');
    await writer.write('n', 5);
    const stale = await reader.read('n');
    await expect(reader.write('n', stale + 1)).rejects.toMatchObject({
      name: 'ConflictError',
      expected: 0,
      actual: 1,
    });
    expect(await reader.write('n', (n) => n + 1)).toBe(2); // a recipe computes from what is current
    expect(await writer.read('n', { fresh: true })).toBe(6);
  });
  it('eager fetches again at once; lazy only when asked', async () => {
    for (const strategy of ['lazy', 'eager'] as const) {
      const { reader, writer } = make(strategy);
      await reader.read('n');
      await writer.write('n', 1);
      expect(reader.has('n')).toBe(strategy === 'eager');
    }
  });
  it('broadcast pushes to agents that never asked', async () => {
    const { ledger, reader, writer } = make('broadcast');
    await writer.write('n', 1);
    expect(reader.peek('n')).toBe(1);
    expect(ledger.report().byCause.broadcast).toBeGreaterThan(0);
  });
  it('may differ by key, and by agent before key', async () => {
    const shared = coherence({
      ...{ bus: createBus(), schema, initial: { n: 0, m: 0 }, strategy: 'lazy' },
      keys: { n: 'eager' },
      agents: { sloth: accessCount({ reads: 1 }) },
    });
    expect(shared.strategyFor('x', 'm').name).toBe('lazy');
    expect(shared.strategyFor('x', 'n').name).toBe('eager');
    expect(shared.strategyFor('sloth', 'n').name).toBe('accessCount');
  });
});

describe('coherence: the ledger', () => {
  const doc = { text: z.object({ parts: z.array(z.string()) }) };
  const parts = Array.from({ length: 20 }, (_, i) => `part ${i}: ${'words '.repeat(30)}`);
  it('sends the difference when that is smaller than the value, and the value when it is not', async () => {
    const ledger = new TokenLedger();
    const shared = coherence({ bus: createBus(), schema: doc, initial: { text: { parts } }, ledger });
    const [a, b] = [shared.agent('a'), shared.agent('b')];
    const whole = estimate.count({ parts });
    await a.read('text');
    await b.read('text');
    await b.write('text', (text) => void (text.parts[3] = 'new'));
    await a.read('text');
    expect(ledger.report().rows).toEqual([
      { agent: 'a', key: 'text', cause: 'coldFetch', tokens: whole, events: 1 },
      { agent: 'a', key: 'text', cause: 'invalidation', tokens: 12, events: 1 },
      {
        agent: 'a',
        key: 'text',
        cause: 'delta',
        tokens: estimate.count([{ op: 'replace', path: ['parts', 3], value: 'new' }]),
        events: 1,
      },
      { agent: 'b', key: 'text', cause: 'coldFetch', tokens: whole, events: 1 },
    ]);
    await b.write('text', { parts: ['all', 'new'] }, { blind: true });
    await a.read('text');
    expect(ledger.report().rows.find(({ cause }) => cause === 'reFetch')).toMatchObject({
      agent: 'a',
      events: 1,
    });
    const { tokens, byAgent, byCause, byKey } = ledger.report();
    for (const sums of [byAgent, byCause, byKey])
      expect(Object.values(sums).reduce((x, y) => x + y)).toBe(tokens);
  });
  it('patches since any version make the current value', async () => {
    const { applyPatches } = await import('immer');
    const { patchesSince } = await import('../../actors/coherence/changes.ts');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(3), fc.string(), fc.nat(4)), { minLength: 1, maxLength: 12 }),
        async (edits) => {
          const shared = coherence({
            bus: createBus(),
            schema: doc,
            initial: { text: { parts: ['', '', '', ''] } },
          });
          const agent = shared.agent('a');
          const values: unknown[] = [await agent.read('text')];
          for (const [place, word, kind] of edits) {
            await agent.write('text', (text) => {
              if (kind === 0) text.parts.push(word);
              else if (kind === 1 && text.parts.length > 1) text.parts.splice(place % text.parts.length, 1);
              else text.parts[place % text.parts.length] = word;
            });
            values.push(await agent.read('text'));
          }
          const cell = shared.replica.memory.cells.get('text')!;
          values.forEach((value, version) => {
            expect(applyPatches(value as object, patchesSince(cell, version) as never)).toEqual(
              values.at(-1),
            );
          });
          shared.stop();
        },
      ),
      { numRuns: 100 },
    );
  });
  it('counts with a tokenizer when one is asked for', async () => {
    const counter = await gptTokenizer();
    expect(counter.count('hello world')).toBe(2);
    expect(counter.count({ a: 1 })).toBeGreaterThan(2);
  });
  it('knows the bounds', () => {
    expect(broadcastTokens({ agents: 5, steps: 50, artifacts: [8_192, 8_192, 8_192] })).toBe(6_144_000);
    expect(coherentBounds({ agents: 4, writes: 3, tokens: 10 })).toEqual({ tight: 70, always: 160 });
    expect(leastSavings({ agents: 4, writes: 2, steps: 40 })).toBe(0.85);
  });
  it('costs no more than n·|d| + W·n·|d| for any history, notices apart', async () => {
    const step = fc.record({ agent: fc.nat(3), write: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const ledger = new TokenLedger({ counter: { name: 'one', count: () => 100 }, invalidationTokens: 0 });
        const shared = coherence({ bus: createBus(), schema, initial: { n: 0, m: 0 }, ledger, delta: false });
        let writes = 0;
        for (const { agent, write } of steps) {
          if (write) writes = await shared.agent(`a${agent}`).write('n', (n) => n + 1);
          else await shared.agent(`a${agent}`).read('n');
        }
        expect(ledger.tokens).toBeLessThanOrEqual(coherentBounds({ agents: 4, writes, tokens: 100 }).always);
        shared.stop();
      }),
      { numRuns: 100 },
    );
  });
});
