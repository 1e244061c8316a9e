/** A deadlock is reported exactly when agents wait for each other, and a copy that is fetched in advance is no wait. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { LaggingLog, settle } from '../../specs/harness/lagging.ts';
import { coherence, type Coherence } from '../../src/index.ts';
import { HoldDeadlockError } from '../../src/coherence/errors.ts';

const list = z.array(z.string());
const KEYS = ['a', 'b', 'c'] as const;
const schema = { a: list, b: list, c: list };
const initial = { a: [], b: [], c: [] };
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('agents that hold one key at a time and ask for nothing meanwhile', () => {
  const act = fc.record({
    agent: fc.nat(3),
    key: fc.constantFrom(...KEYS),
    kind: fc.constantFrom('hold', 'write', 'read', 'update'),
    turns: fc.nat(4),
  });
  const strategy = fc.constantFrom('eager', 'broadcast', 'lazy');

  it('are never in a deadlock, also when copies are fetched in advance', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 30 }), strategy, async (acts, how) => {
        const space = coherence({ bus: createBus(), schema, initial, strategy: how, readers: 'wait' });
        const tails = Array.from({ length: 4 }, () => Promise.resolve());
        acts.forEach(({ agent, key, kind, turns }, i) => {
          const shared = space.agent(`agent${agent}`);
          tails[agent] = tails[agent]!.then(async () => {
            for (let n = 0; n < turns; n++) await turn();
            if (kind === 'read') await shared.read(key);
            else if (kind === 'write') await shared.write(key, (items) => void items.push(String(i)));
            else if (kind === 'update')
              await shared.update(key, async (items) => (await turn(), [...items, String(i)]));
            else {
              const hold = await shared.hold(key);
              for (let n = 0; n < turns; n++) await turn();
              await hold.write((items) => void items.push(String(i)));
            }
          });
        });
        await Promise.all(tails);
        space.stop();
      }),
      { numRuns: 200 },
    );
  });
});

describe('a circle through a read', () => {
  const two = async (
    spaces: readonly Coherence<Record<'a' | 'b' | 'c', string[]>>[],
    pump: () => Promise<void>,
    reads = false,
  ) => {
    const [first, second] = [spaces[0]!.agent('first'), spaces.at(-1)!.agent('second')];
    const run = async <T>(work: Promise<T>): Promise<T> => {
      void work.catch(() => undefined);
      await pump();
      return work;
    };
    const held = [await run(first.hold('a')), await run(second.hold('b'))];
    const waits = Promise.allSettled([
      first.read('b'),
      reads ? second.read('a') : second.write('a', (items) => void items.push('x')),
    ]);
    await pump();
    const ended: unknown[] = [];
    void waits.then((all) => ended.push(...all));
    await pump();
    for (const hold of held) void hold.release().catch(() => undefined);
    await pump();
    return (await waits).filter((one) => one.status === 'rejected' && one.reason instanceof HoldDeadlockError)
      .length;
  };

  it.each([
    ['and a write', false],
    ['and another read', true],
  ])('%s is found once, in one replica and across two', async (_, reads) => {
    const settled = async () => {
      for (let i = 0; i < 5; i++) await settle();
    };
    for (const how of ['lazy', 'eager'] as const) {
      const alone = coherence({ bus: createBus(), schema, initial, readers: 'wait', strategy: how });
      expect(await two([alone], settled, reads)).toBe(1);
      alone.stop();
      const log = new LaggingLog();
      const apart = ['r0', 'r1'].map((session) =>
        coherence({ bus: log.view(), schema, initial, readers: 'wait', strategy: how, session }),
      );
      const delivered = async () => {
        for (let i = 0; i < 8; i++) {
          log.drain();
          await settle();
        }
      };
      expect(await two(apart, delivered, reads)).toBe(1);
      for (const space of apart) space.stop();
    }
  });
});
