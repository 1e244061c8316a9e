/** Claim: what the viewer knows of a trace is what the trace says, at every moment. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readChart, type Chart } from '../../src/viewer/chart/definition.ts';
import { draw } from '../../src/viewer/chart/layout.ts';
import { FIRST_LOOK, fromHash, toHash, VIEWS, type Look } from '../../src/viewer/look.ts';
import { actorFamily } from '../../src/viewer/model/actors.ts';
import { MessageTable } from '../../src/viewer/model/bus.ts';
import { openOf } from '../../src/viewer/model/opened.ts';
import { fileSource } from '../../src/viewer/model/source.ts';
import { LoadedTrace } from '../../src/viewer/model/trace.ts';
import { moments } from '../../src/viewer/parts/words.ts';
import { activePaths, valueText } from '../../src/viewer/model/value.ts';
import { exportedMachines } from '../../scripts/tables.ts';
import { radio, smallTrace } from './traces.ts';

const nowhere = { offset: 0, length: 0, line: 1 };
const opened = (lines: readonly string[]) => {
  const all = openOf(fileSource('test', new Blob()));
  for (const line of lines) expect(all.trace.append(JSON.parse(line), nowhere)).toBeUndefined();
  return all;
};

test('the state of every actor at every moment is that of its last snapshot until then', () => {
  const { lines } = smallTrace();
  const { trace } = opened(lines);
  const states = new Map<string, string>();
  lines.forEach((line, row) => {
    const { sessionId, snapshot } = JSON.parse(line);
    if (snapshot !== undefined) states.set(sessionId, valueText(snapshot.value) || snapshot.status);
    for (const actor of trace.actors)
      expect(trace.stateAt(actor, row), `${actor.session} at ${row}`).toBe(states.get(actor.session) ?? '');
  });
});

test('what is known while a trace comes in is what is known of it afterwards', () => {
  const { lines } = smallTrace();
  const whole = opened(lines);
  const growing = openOf(fileSource('test', new Blob()));
  lines.forEach((line, row) => {
    growing.trace.append(JSON.parse(line), nowhere);
    for (const step of growing.score.steps) {
      const same = whole.score.steps[step.index]!;
      expect(growing.score.statusAt(step, row)).toBe(whole.score.statusAt(same, row));
    }
    expect(growing.governors.spentAt(row)).toEqual(whole.governors.spentAt(row));
  });
});

test('the critical path is the longest chain of what steps really took', () => {
  const { score } = opened(smallTrace().lines);
  const { steps, length } = score.critical();
  expect([...steps.keys()].reverse().map((step) => score.steps[step]?.id)).toEqual([
    'files',
    'security',
    'draft',
    'revise',
  ]);
  expect(length).toBe(89 + 289 + 289 + 189);
});

test('times never run back, for any clock', () => {
  const trace = new LoadedTrace();
  const at = (createdAt: unknown) =>
    trace.append({ type: '@xstate.event', sessionId: 'x', createdAt, event: { type: 'E' } }, nowhere);
  for (const time of ['1000', '1500.5', '900', 'garbage', 1_600, '1970-01-01T00:00:02.000Z', undefined])
    at(time);
  expect(Array.from({ length: 7 }, (_, row) => trace.time(row))).toEqual([
    0, 500.5, 500.5, 500.5, 600, 1_000, 1_000,
  ]);
  expect(trace.rowAt(550)).toBe(3);
  expect(trace.rowAt(-1)).toBe(-1);
});

test('a link keeps every look', () => {
  const name = fc.string({ maxLength: 12 });
  const look: fc.Arbitrary<Look> = fc.record({
    view: fc.constantFrom(...VIEWS),
    at: fc.option(fc.integer({ min: -1, max: 999_999 }), { nil: undefined }),
    actor: name, step: name, key: name, agent: name,
    zoom: fc.integer({ min: 1, max: 4_096 }), span: fc.integer({ min: 10, max: 200 }), part: fc.integer({ min: 0, max: 99 }),
    order: fc.constantFrom('agent' as const, 'program' as const),
  }); // prettier-ignore
  fc.assert(
    fc.property(look, (given) => {
      expect(fromHash(toHash(given))).toEqual(given);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (garbage) => {
      expect(Object.keys(fromHash(garbage))).toEqual(Object.keys(FIRST_LOOK));
    }),
  );
});

test('active states are the leaves and all that hold them', () => {
  expect(valueText({ a: { b: 'c' }, d: 'e' })).toBe('a.b.c · d.e');
  expect([...activePaths('a.b.c · d.e')].sort()).toEqual(['a', 'a.b', 'a.b.c', 'd', 'd.e']);
  expect(valueText(undefined)).toBe('');
});

/** The boxes of siblings never overlap, every box is within its parent's, and every arrow ends at its two boxes. */
function checkPicture(chart: Chart): void {
  const { boxes, arrows, width, height } = draw(chart);
  expect(boxes.length).toBe(chart.byPath.size - 1);
  const of = new Map(boxes.map((box) => [box.state, box]));
  for (const a of boxes) {
    const parent = a.state.parent === undefined ? undefined : of.get(a.state.parent);
    const around = parent ?? { x: 0, y: 0, width, height };
    expect(a.x).toBeGreaterThanOrEqual(around.x - 0.5);
    expect(a.x + a.width).toBeLessThanOrEqual(around.x + around.width + 0.5);
    expect(a.y + a.height).toBeLessThanOrEqual(around.y + around.height + 0.5);
    for (const b of boxes) {
      if (a === b || a.state.parent !== b.state.parent) continue;
      const apart =
        a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect(apart, `${a.state.path} and ${b.state.path}`).toBe(true);
    }
  }
  for (const { from, to, points } of arrows) {
    for (const [state, point] of [
      [from, points[0]],
      [to, points.at(-1)],
    ] as const) {
      const box = of.get(state)!;
      const [dx, dy] = [
        Math.max(box.x - point!.x, 0, point!.x - box.x - box.width),
        Math.max(box.y - point!.y, 0, point!.y - box.y - box.height),
      ];
      expect(Math.hypot(dx, dy), `${from.path} to ${to.path}`).toBeLessThan(1.5);
    }
  }
}

test('every machine of ours, and a nested one, has a picture in which nothing overlaps', () => {
  for (const machine of [...exportedMachines(), radio]) {
    const chart = readChart(JSON.stringify(machine.config));
    if (typeof chart === 'string') throw new Error(`${machine.id}: ${chart}`);
    expect(chart.faults).toEqual([]);
    checkPicture(chart);
    const transitions = [...chart.byPath.values()].flatMap((state) => state.transitions);
    expect(transitions.length).toBeGreaterThan(0);
  }
});

test('so has any machine', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const { node } = fc.letrec<{ node: object }>((tie) => ({
    node: fc.record(
      {
        type: fc.constantFrom('parallel', undefined),
        initial: key,
        on: fc.dictionary(
          fc.constantFrom('X', 'Y'),
          fc.oneof(
            key,
            fc.array(fc.record({ target: key, guard: key }), { maxLength: 3 }),
            fc.constantFrom('.a', '#m.b', '#m.a.b', 'a.b'),
          ),
        ),
        states: fc.dictionary(key, tie('node') as fc.Arbitrary<object>, {
          maxKeys: 4,
          depthIdentifier: 'states',
        }),
      },
      { requiredKeys: [] },
    ),
  }));
  fc.assert(
    fc.property(node, (definition) => {
      const chart = readChart({ ...definition, id: 'm' });
      if (typeof chart !== 'string') checkPicture(chart);
    }),
    { numRuns: 150 },
  );
});

test('of a machine with more than a picture can hold, what is left out is counted', () => {
  const names = Array.from({ length: 30 }, (_, index) => `s${index}`);
  const on = Object.fromEntries(names.map((name) => [`TO_${name}`, name]));
  const chart = readChart({ id: 'dense', states: Object.fromEntries(names.map((name) => [name, { on }])) });
  if (typeof chart === 'string') throw new Error(chart);
  const { arrows, left } = draw(chart);
  expect(arrows.length + left).toBe(30 * 29);
  expect(arrows.length).toBe(300);
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`s${index}`, {}]));
  const large = readChart({ id: 'large', states: many });
  expect(large).toMatchObject({ faults: ['600 states beyond the first 400 are not drawn'] });
});

test('any value at all is read as a chart, or refused with a reason', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.json(), fc.anything(), fc.record({ states: fc.dictionary(fc.string(), fc.anything()) })),
      (definition) => {
        const chart = readChart(definition);
        if (typeof chart === 'string') expect(chart).not.toBe('');
        else expect(chart.root.children.length + chart.faults.length).toBeGreaterThan(0);
      },
    ),
  );
});

test('actors that name each other as parents are each listed once', () => {
  const trace = new LoadedTrace();
  const actor = (sessionId: string, parentId?: string) =>
    trace.append({ type: '@xstate.actor', sessionId, name: sessionId, parentId, snapshot: {} }, nowhere);
  actor('a', 'b');
  actor('b', 'a');
  actor('self', 'self');
  actor('child', 'self');
  actor('orphan', 'gone');
  for (let depth = 0; depth < 20_000; depth++)
    actor(`deep ${depth}`, depth === 0 ? undefined : `deep ${depth - 1}`);
  const family = actorFamily(trace);
  expect(family.length).toBe(trace.actors.length);
  expect(new Set(family.map(({ actor: one }) => one.session)).size).toBe(family.length);
  expect(family.find(({ actor: one }) => one.session === 'child')?.depth).toBe(1);
});

test('a signal stands before its own effects, and after those of the signal before', () => {
  const bus = new MessageTable();
  const said = (text: string, about: string, effect?: boolean) =>
    bus.add({
      row: bus.length,
      from: 'x',
      to: 'y',
      text,
      about,
      ...(effect === undefined ? {} : { effect }),
    });
  said('of 1', 'k', true);
  said('1', 'k');
  said('of 2', 'k', true);
  said('of 2', 'k', true);
  said('2', 'k');
  said('of another', 'j', true);
  said('3', 'k');
  expect(bus.upTo(99, 99).map(({ text }) => text)).toEqual([
    '1',
    'of 1',
    '2',
    'of 2',
    'of 2',
    'of another',
    '3',
  ]);
  expect(bus.upTo(3, 2).map(({ text }) => text)).toEqual(['of 2', 'of 2']);
  expect(bus.upTo(99, 99, 'j').map(({ text }) => text)).toEqual(['of another']);
});

test('the words of an axis tell its ticks apart, however closely one looks', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      fc.integer({ min: -3, max: 7 }),
      fc.integer({ min: 2, max: 20 }),
      (from, power, wanted) => {
        const found = moments(from, from + 10 ** power, wanted);
        expect(found.length).toBeLessThanOrEqual(wanted + 2);
        expect(new Set(found.map(({ text }) => text)).size).toBe(found.length);
      },
    ),
  );
  expect(moments(0, 4_000, 4).map(({ text }) => text)).toEqual(['0 s', '1 s', '2 s', '3 s', '4 s']);
});
