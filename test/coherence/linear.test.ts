/** Claim: in process, every history is linearisable: what an operation saw or wrote is at least as new as everything that
 *  had ended before it began. */
import { expect, it } from 'vitest';
import { Random } from '../../specs/harness/random.ts';
import { ConflictError, coherence, createBus } from '../../src/index.ts';
import { anything } from '../../src/verify/shared-values.ts';

const OPERATIONS = process.env.TUTTI_DEEP === undefined ? 4_000 : 100_000;
const [AGENTS, KEYS] = [8, 5];

interface Operation {
  readonly key: string;
  readonly kind: 'read' | 'write';
  readonly version: number;
  readonly begun: number;
  readonly ended: number;
}

/** What is not linearisable, in words. Versions give the order of the writes of a key. */
function violations(operations: readonly Operation[]): string[] {
  const found: string[] = [];
  for (const key of new Set(operations.map((operation) => operation.key))) {
    const own = operations.filter((operation) => operation.key === key);
    const writes = own.filter(({ kind }) => kind === 'write').map(({ version }) => version);
    if (new Set(writes).size !== writes.length) found.push(`${key}: two writes made one version`);
    const ended = own.toSorted((a, b) => a.ended - b.ended);
    let [next, newest] = [0, 0];
    for (const { kind, version, begun } of own.toSorted((a, b) => a.begun - b.begun)) {
      for (; next < ended.length && ended[next]!.ended < begun; next++)
        newest = Math.max(newest, ended[next]!.version);
      if (version < newest || (kind === 'write' && version === newest))
        found.push(`${key}: a ${kind} has version ${version}, and ${newest} had ended before it began`);
    }
  }
  return found;
}

it('random histories of readers, writers and holders are linearisable', { timeout: 600_000 }, async () => {
  const random = new Random(7);
  const keys = Array.from({ length: KEYS }, (_, i) => `k${i}`);
  const space = coherence({
    bus: createBus(),
    schema: Object.fromEntries(keys.map((key) => [key, anything<{ count: number }>()])),
    initial: Object.fromEntries(keys.map((key) => [key, { count: 0 }])),
  });
  const operations: Operation[] = [];
  let [clock, refused, started] = [0, 0, 0];
  const pause = () => (random.below(3) === 0 ? new Promise<void>(setImmediate) : Promise.resolve());
  const live = async (name: string): Promise<void> => {
    const agent = space.agent(name);
    while (started++ < OPERATIONS) {
      const key = keys[random.below(KEYS)]!;
      const begun = ++clock;
      const note = (kind: Operation['kind'], version: number) =>
        operations.push({ key, kind, version, begun, ended: ++clock });
      const way = random.below(10);
      try {
        if (way < 4) {
          const { value, version } = await agent.copy(key);
          note('read', version);
          expect(value.count).toBe(version); // every write counts one
        } else if (way < 7) note('write', await agent.write(key, (value) => void value.count++));
        else if (way === 7)
          note('write', await agent.update(key, async ({ count }) => (await pause(), { count: count + 1 })));
        else if (way === 8) {
          const { value, version } = await agent.copy(key);
          await pause();
          note('write', await agent.compareAndSet(key, version, { count: value.count + 1 }));
        } else {
          const hold = await agent.hold(key);
          await pause();
          note('write', await hold.write({ count: hold.value.count + 1 }));
        }
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        refused++;
      }
      await pause();
    }
  };
  await Promise.all(Array.from({ length: AGENTS }, (_, i) => live(`agent${i}`)));
  console.log(`linearisable: ${operations.length} operations, ${refused} refused, 0 hangs`);
  expect(violations(operations)).toEqual([]);
  expect(operations.length + refused).toBe(OPERATIONS);
  expect(operations.filter(({ kind }) => kind === 'write').length).toBe(
    [...space.replica.memory.cells.values()].reduce((sum, { version }) => sum + version, 0),
  );
  space.stop();
});

it('the checker finds a read of an old version, and a version that was made twice', () => {
  const write = { key: 'k', kind: 'write', version: 1, begun: 1, ended: 2 } as const;
  expect(violations([write, { ...write, kind: 'read', version: 0, begun: 3, ended: 4 }])).toHaveLength(1);
  expect(violations([write, { ...write, begun: 1, ended: 3 }])).toHaveLength(1);
});
