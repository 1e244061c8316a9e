/** Claims about the small parts that the actors stand on: virtual time, queues, frozen results, forgotten values. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { perform, scoreOf, VirtualClock, type StepPlan } from 'tutti';
import { realClock, type Clock } from '../../actors/bus/clock.ts';
import { freeze, frozenCopy, setOwn } from '../../actors/bus/freeze.ts';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import { Heap } from '../../actors/tomasulo/heap.ts';
import { DynamicProgram } from '../../actors/tomasulo/dynamic-program.ts';
import { rename } from '../../actors/tomasulo/program.ts';
import { ReadyQueue } from '../../actors/tomasulo/ready-queue.ts';
import { TagTable } from '../../actors/tomasulo/tag-table.ts';

const quiet = (clock: VirtualClock, ms: number) => new Promise<void>((done) => clock.setTimeout(done, ms));

describe('virtual time', () => {
  test('fires timers by their time, those of one time in the order in which they were set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 }), async (delays) => {
        const clock = new VirtualClock();
        const fired: [at: number, index: number][] = [];
        delays.forEach((ms, index) => clock.setTimeout(() => fired.push([clock.now(), index]), ms));
        await quiet(clock, 21);
        const sorted = delays.map((ms, index): [number, number] => [ms, index]);
        expect(fired).toEqual(sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
      }),
    );
  });
  test('a timer that re-arms itself fires at each of its times, also within one step', async () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const tick = () => {
      fired.push(clock.now());
      if (fired.length < 10) clock.setTimeout(tick, 1_000);
    };
    clock.setTimeout(tick, 1_000);
    await quiet(clock, 10_000);
    expect(fired).toEqual(Array.from({ length: 10 }, (_, i) => (i + 1) * 1_000));
  });
  test('stands still while an agent works, and goes on when all agents wait', async () => {
    const clock = new VirtualClock();
    let fired = false;
    clock.work();
    clock.setTimeout(() => (fired = true), 1);
    for (let i = 0; i < 5; i++) await new Promise((done) => setImmediate(done));
    expect([fired, clock.now()]).toEqual([false, 0]);
    clock.rest();
    await quiet(clock, 1);
    expect([fired, clock.now()]).toEqual([true, 1]);
  });
  test('a timer set for now by another fires after the end of that instant', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    clock.setTimeout(() => {
      clock.setTimeout(() => order.push('second'), 0);
      clock.atEndOfInstant(() => order.push('end'));
      order.push('first');
    }, 5);
    await quiet(clock, 6);
    expect(order).toEqual(['first', 'end', 'second']);
  });
  test('a cleared timer never fires, and clearing twice is nothing', async () => {
    const clock = new VirtualClock();
    let fired = 0;
    const timer = clock.setTimeout(() => fired++, 5);
    clock.clearTimeout(timer);
    clock.clearTimeout(timer);
    await quiet(clock, 10);
    expect(fired).toBe(0);
  });
  test.each<[string, () => Clock]>([
    ['virtual', () => new VirtualClock()],
    ['real', () => realClock],
  ])('%s: the end of an instant comes after its microtasks, the next turn after that', async (name, make) => {
    const clock = make();
    const order: string[] = [];
    await new Promise<void>((done) => {
      clock.afterThisTurn(() => {
        order.push('next turn');
        done();
      });
      void Promise.resolve().then(() => order.push('microtask'));
      clock.atEndOfInstant(() => order.push('end of instant'));
    });
    expect(order[0]).toBe('microtask');
    expect(order.at(-1)).toBe(name === 'real' ? 'next turn' : 'end of instant');
    expect(order).toHaveLength(3);
  });
});

describe('the heap', () => {
  test('returns its items in order, also after items were removed from the middle', () => {
    const push = fc.record({ push: fc.integer({ min: -50, max: 50 }) });
    const command = fc.oneof(
      push,
      fc.record({ delete: fc.nat({ max: 30 }) }),
      fc.constant({ pop: true } as const),
    );
    fc.assert(
      fc.property(
        fc.array(push, { minLength: 30, maxLength: 40 }),
        fc.array(command, { minLength: 20, maxLength: 60 }),
        (pushes, commands) => {
          const before = (a: { key: number; id: number }, b: { key: number; id: number }) =>
            a.key - b.key || a.id - b.id;
          const ordered = new Heap<{ key: number; id: number }>((a, b) => before(a, b) < 0);
          let model: { key: number; id: number }[] = [];
          let id = 0;
          for (const step of [...pushes, ...commands]) {
            if ('push' in step) {
              const item = { key: step.push, id: id++ };
              ordered.push(item);
              model.push(item);
            } else if ('delete' in step) {
              const item = model[step.delete];
              expect(ordered.delete(item ?? { key: 0, id: -1 })).toBe(item !== undefined);
              model = model.filter((other) => other !== item);
            } else {
              const first = [...model].sort(before)[0];
              expect(ordered.pop()).toBe(first);
              model = model.filter((other) => other !== first);
            }
            expect(ordered.size).toBe(model.length);
            expect(ordered.peek()).toBe([...model].sort(before)[0]);
          }
          for (const item of model.sort(before)) expect(ordered.pop()).toBe(item);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the ready queue', () => {
  test('passes no station over more often than patience allows, and keeps the priority otherwise', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 10 }),
        (keys, patience) => {
          const items = keys.map((key, index) => ({ key, index }));
          const queue = new ReadyQueue<(typeof items)[number]>(
            (a, b) => a.key < b.key || (a.key === b.key && a.index < b.index),
            patience,
          );
          // One comes for each that goes, so that the queue never runs empty before the end.
          const [early, late] = [items.slice(0, 5), items.slice(5)];
          const passedOver = new Map<object, number>();
          const waiting = new Set<object>();
          const push = (item: (typeof items)[number]) => {
            queue.push(item);
            waiting.add(item);
          };
          early.forEach(push);
          for (let turn = 0; queue.size > 0; turn++) {
            const next = queue.pop()!;
            waiting.delete(next);
            for (const item of waiting) passedOver.set(item, (passedOver.get(item) ?? 0) + 1);
            if (late[turn] !== undefined) push(late[turn]!);
          }
          // Stations that reach the limit together go one by one: the queue's length bounds that.
          expect(Math.max(0, ...passedOver.values())).toBeLessThanOrEqual(patience + 5);
        },
      ),
    );
  });
});

describe('results', () => {
  test('are frozen all the way down, also when they are very deep or refer to themselves', () => {
    const deep: { next?: unknown } = {};
    let at: { next?: unknown } = deep;
    for (let i = 0; i < 100_000; i++) at = at.next = {} as { next?: unknown };
    at.next = deep;
    freeze(deep);
    expect(Object.isFrozen(deep) && Object.isFrozen(at)).toBe(true);
  });
  test('of classes and binary data stay as they are', () => {
    const value = { map: new Map([[1, 2]]), bytes: new Uint8Array(2), date: new Date(0), list: [{ x: 1 }] };
    freeze(value);
    value.map.set(3, 4);
    value.bytes[0] = 9;
    expect([value.map.size, value.bytes[0]]).toEqual([2, 9]);
    expect(() => (value.list[0]!.x = 2)).toThrow(TypeError);
  });
  test('whose reading fails are not taken for frozen the next time', () => {
    const inner = { x: 1 };
    let broken = true;
    const outer = Object.freeze({
      inner,
      get text(): string {
        if (broken) throw new Error('the stream has been read');
        return 'text';
      },
    });
    for (let i = 0; i < 2; i++) expect(() => freeze(outer)).toThrow('the stream has been read');
    broken = false;
    freeze(outer);
    expect(Object.isFrozen(inner)).toBe(true);
  });
  test('of an author who froze only the outside are frozen inside, too', () => {
    const value = Object.freeze({ list: [{ x: 1 }], bare: Object.assign(Object.create(null), { y: {} }) });
    freeze(value);
    for (const part of [value.list, value.list[0], value.bare, value.bare.y])
      expect(Object.isFrozen(part)).toBe(true);
  });
  test('are copied with their shape, and frozen; the originals stay as they are', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withDate: true, withMap: true }), (given) => {
        const copy = frozenCopy({ given });
        expect(copy).toStrictEqual({ given });
        expect(freeze(copy)).toBe(copy);
        if (Array.isArray(given)) {
          expect(Array.isArray(copy.given)).toBe(true);
          expect(Object.isFrozen(copy.given)).toBe(true);
          expect(Object.isFrozen(given)).toBe(false);
          expect(copy.given).not.toBe(given);
        }
      }),
    );
    const shared = { x: 1 };
    const ring: { shared: object; again: object; self?: object } = { shared, again: shared };
    ring.self = ring;
    const copy = frozenCopy(ring);
    expect([copy.self, copy.again]).toEqual([copy, copy.shared]);
    expect(copy.self).toBe(copy);
    expect(copy.again).toBe(copy.shared);
    expect([Object.isFrozen(copy), Object.isFrozen(copy.shared)]).toEqual([true, true]);
    const map = new Map();
    expect(frozenCopy({ map }).map).toBe(map);
  });
  test('keep an operand whose name is __proto__ as any other', () => {
    for (const name of ['x', '__proto__']) {
      const target = {};
      setOwn(target, name, 1);
      expect(Object.getOwnPropertyDescriptor(target, name)).toEqual({
        ...{ value: 1, enumerable: true, configurable: true, writable: true },
      });
      expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
    }
    const given = JSON.parse('{"__proto__": {"x": [1]}}') as object;
    expect(Object.keys(frozenCopy(given))).toEqual(['__proto__']);
  });
  test('are dropped when no step can read them any more', () => {
    const agent = { name: 'agent', run: () => 1 };
    const steps: StepPlan[] = [
      { id: 'a', agent },
      { id: 'b', agent, reads: { a: 'a' } },
      { id: 'c', agent, reads: { a: 'a' } },
      { id: 'unread', agent },
    ];
    const tags = new TagTable(new DynamicProgram(rename(steps, { c: 'c' })));
    tags.write(0, 'kept');
    tags.write(3, 'never kept');
    expect([tags.value(0), tags.value(3)]).toEqual(['kept', undefined]);
    tags.drop(0);
    expect(tags.value(0)).toBe('kept');
    tags.drop(0);
    expect(tags.value(0)).toBeUndefined();
  });
});

describe('the critical path', () => {
  const sleeper = (ms: number) => ({
    name: `sleeper-${ms}`,
    run: (_: unknown, context: { sleep(ms: number): Promise<void> }) => context.sleep(ms),
  });
  test('goes through a downbeat, although nothing is read across it', async () => {
    const score = scoreOf('two parts', [
      { id: 'short', agent: sleeper(10) },
      { id: 'long', agent: sleeper(50) },
      { id: 'after', agent: sleeper(20), reads: { x: 'short' }, downbeat: true },
    ]);
    const { timeline, criticalPath, makespan } = await perform(score, { clock: new VirtualClock() }).result;
    expect(timeline).toHaveLength(3);
    expect([criticalPath, makespan]).toEqual([{ length: 70, steps: ['long', 'after'] }, 70]);
  });
  test('a vamp of 300 rounds counts every one of them', async () => {
    const agent = {
      name: 'count',
      run: ({ previous }: Record<string, unknown>) => ((previous as number) ?? 0) + 1,
    };
    const vamp = { max: 1_000, until: (result: unknown) => result === 300 };
    const { outputs, timeline } = await perform(scoreOf('vamp', [{ id: 'v', agent, vamp }])).result;
    expect([outputs['v'], timeline[0]!.attempts, timeline[0]!.status]).toEqual([300, 300, 'done']);
  });
});

test('a governor refuses an unknown policy, mode and frequency', () => {
  const governor = new UnitGovernor({ unit: 'writers' });
  expect(() => governor.setMode('bogus' as never)).toThrow(/mode must be one of sprint/);
  expect(() => governor.setPolicy('bogus' as never)).toThrow(/policy must be one of/);
  expect(() => governor.setPolicy('userspace', -1)).toThrow(/frequency must be above 0/);
});
