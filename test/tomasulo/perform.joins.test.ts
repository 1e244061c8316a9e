/** Claims: a step that waits for some of its reads starts when it has them, receives those, and stops what only it would
 *  have read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Join } from '../../machines/tomasulo/join.ts';
import type { AgentPlan, StepPlan } from '../../actors/tomasulo/program.ts';
import { checkDocument, scoreOfDocument } from '../../src/score/score-file.ts';
import { perform, score, scoreOf, ScoreError, VirtualClock, type AgentContext } from '../../src/index.ts';

/** A producer of a read: when it ends, and how. */
interface Part {
  readonly ms: number;
  readonly ok: boolean;
}

/** What the guide says, in a few lines: when a join is decided, with which reads. */
function decided(join: Join, parts: readonly Part[]): { at: number; taken?: number[] } {
  const order = parts.map((part, i) => ({ ...part, i })).sort((a, b) => a.ms - b.ms);
  const needed = typeof join === 'object' ? join.quorum : 1;
  const taken: number[] = [];
  let failed = 0;
  for (const { i, ms, ok } of order) {
    if (ok) taken.push(i);
    else failed++;
    if (taken.length === needed) return { at: ms, taken: taken.sort((a, b) => a - b) };
    if (join === 'first' || parts.length - failed < needed) return { at: ms };
  }
  throw new Error('never decided');
}

const producer = ({ ms, ok }: Part, i: number): AgentPlan => ({
  name: `p${i}`,
  run: async (_, { sleep }: AgentContext) => {
    await sleep(ms);
    if (!ok) throw new Error(`p${i} failed`);
    return i;
  },
});
const scene = (join: Join, parts: readonly Part[], asList: boolean, more: readonly StepPlan[] = []) => {
  const ids = parts.map((_, i) => `p${i}`);
  const reads = asList ? { list: ids } : Object.fromEntries(ids.map((id) => [id, id]));
  const steps: StepPlan[] = [
    ...parts.map((part, i): StepPlan => ({ id: `p${i}`, agent: producer(part, i) })),
    ...more,
    { id: 'joined', agent: { name: 'joined', run: (operands) => operands }, join, reads },
  ];
  return scoreOf('s', steps, { outputs: { joined: 'joined' } });
};
const joins = (parts: number) =>
  fc.oneof(
    fc.constantFrom<Join>('any', 'first'),
    fc.integer({ min: 1, max: parts }).map((quorum): Join => ({ quorum })),
  );
const cases = fc
  .uniqueArray(fc.record({ ms: fc.integer({ min: 0, max: 50 }), ok: fc.boolean() }), {
    minLength: 1,
    maxLength: 7,
    selector: ({ ms }) => ms,
  })
  .chain((parts) =>
    fc.tuple(fc.constant(parts), joins(parts.length), fc.boolean(), fc.integer({ min: 1, max: 9 })),
  );

test('a join of reads is decided when, and with what, the guide says, in a window of any size', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ([parts, join, asList, spare]) => {
      const { at, taken } = decided(join, parts);
      // All of the parts have to be under way at once for their times to be known.
      const window = parts.length + spare - 1;
      const { timeline, status, outputs } = await perform(scene(join, parts, asList), {
        clock: new VirtualClock(),
        window,
      }).report;
      const step = timeline.find(({ id }) => id === 'joined')!;
      if (taken === undefined) expect(status).toBe('failed');
      else {
        expect(step.start).toBe(at);
        const wanted = asList ? { list: taken } : Object.fromEntries(taken.map((i) => [`p${i}`, i]));
        expect(outputs['joined']).toEqual(wanted);
      }
      for (const [i, { ms, ok }] of parts.entries()) {
        const { status: ended, end } = timeline.find(({ id }) => id === `p${i}`)!;
        if (ms > at) expect([ended, end]).toEqual(['cancelled', at]);
        else if (ms < at) expect([ended, end]).toEqual([ok ? 'done' : 'failed', ms]);
      }
    }),
    { numRuns: 300 },
  );
});

test('reads that have ended before the step is issued count in the order in which they ended', async () => {
  const parts = [
    { ms: 30, ok: true },
    { ms: 20, ok: true },
    { ms: 10, ok: false },
  ];
  const taken = async (join: Join) => {
    const { steps } = scene(join, parts, true).program;
    const late = [...steps.slice(0, -1), { ...steps.at(-1)!, downbeat: true }];
    return (await perform(scoreOf('s', late), { clock: new VirtualClock() }).report).outputs['joined'];
  };
  expect([await taken('any'), await taken({ quorum: 2 }), await taken('first')]).toEqual([
    { list: [1] },
    { list: [0, 1] },
    undefined,
  ]);
});

test('a window of one part at a time gives the first in program order', async () => {
  const parts = [
    { ms: 30, ok: false },
    { ms: 20, ok: true },
    { ms: 1, ok: true },
  ];
  const { outputs, timeline } = await perform(scene('any', parts, true), {
    clock: new VirtualClock(),
    window: 1,
  }).report;
  expect(outputs['joined']).toEqual({ list: [1] });
  expect(timeline.map(({ id, start }) => [id, start])).toEqual([
    ['p0', 0],
    ['p1', 30],
    ['p2', 50],
    ['joined', 51],
  ]);
});

describe('what only a decided join would have read is cancelled', () => {
  const slow = async (_: {}, { sleep }: AgentContext) => sleep(100).then(() => 'slow');
  test('with what only that reads, and nothing that another step or an output reads', async () => {
    const built = score('s')
      .step('source', { agent: slow })
      .step('shared', { agent: slow })
      .step('far', {
        agent: (operands: { source: string; shared: string }) => operands,
        reads: { source: 'source', shared: 'shared' },
      })
      .step('near', { agent: () => 'near' })
      .step('best', {
        join: 'any',
        agent: ({ options }: { options: readonly unknown[] }) => options[0],
        reads: { options: ['far', 'near'] },
      })
      .step('other', { agent: ({ shared }: { shared: string }) => shared, reads: { shared: 'shared' } })
      .outputs({ best: 'best', other: 'other' });
    const { outputs, timeline, makespan } = await perform(built, { clock: new VirtualClock() }).result;
    expect(outputs).toEqual({ best: 'near', other: 'slow' });
    expect(timeline.map(({ id, status }) => `${id} ${status}`)).toEqual([
      ...['source cancelled', 'shared done', 'far cancelled', 'near done', 'best done', 'other done'],
    ]);
    expect(makespan).toBe(100);
  });
  test('but for a step that comes later in the program and reads it', async () => {
    const built = score('s')
      .step('a', { agent: slow })
      .step('b', { agent: () => 'b' })
      .step('best', {
        join: 'any',
        agent: (operands: { a?: string; b?: string }) => operands,
        reads: { a: 'a', b: 'b' },
      })
      .step('late', { agent: ({ a }: { a: string }) => a, reads: { a: 'a' } })
      .outputs({ best: 'best', late: 'late' });
    const { outputs } = await perform(built, { clock: new VirtualClock() }).result;
    expect(outputs).toEqual({ best: { b: 'b' }, late: 'slow' });
  });
});

test('an input that is read counts as a success, and a skipped step as a failure', async () => {
  const built = scoreOf(
    's',
    [
      { id: 'never', agent: { name: 'n', run: () => 1 }, when: { test: () => false } },
      {
        id: 'both',
        agent: { name: 'b', run: (operands) => operands },
        join: { quorum: 2 },
        reads: { a: 'never', b: 'input', c: 'input.x' },
      },
    ],
    { outputs: { both: 'both' } },
  );
  const { outputs } = await perform(built, { clock: new VirtualClock(), input: { x: 1 } }).result;
  expect(outputs).toEqual({ both: { b: { x: 1 }, c: 1 } });
});

test('a default stands in when a join cannot be met, and `after` is still waited for', async () => {
  const fails = { name: 'f', run: () => Promise.reject(new Error('no')) };
  const built = scoreOf('s', [
    { id: 'a', agent: fails },
    { id: 'b', agent: { name: 'b', run: (_, { sleep }) => sleep(50) } },
    {
      id: 'x',
      agent: { name: 'x', run: () => 1 },
      join: 'any',
      reads: { a: 'a' },
      fallback: { value: 'none' },
    },
    { id: 'y', agent: { name: 'y', run: () => 1 }, join: 'any', reads: { a: ['a', 'b'] }, after: ['b', 'x'] },
  ]);
  const { outputs, timeline } = await perform(built, { clock: new VirtualClock() }).report;
  expect(outputs).toMatchObject({ x: 'none', y: 1 });
  expect(timeline.at(-1)!.start).toBe(50);
});

test('a join in each element of a map, and in each round of a loop', async () => {
  const inner = score('inner')
    .step('slow', { agent: async (_: {}, { sleep }: AgentContext) => sleep(100).then(() => 'slow') })
    .step('fast', { agent: async (_: {}, { sleep }: AgentContext) => sleep(10).then(() => 'fast') })
    .step('best', {
      join: 'first',
      agent: ({ of }: { of: readonly string[] }) => of[0],
      reads: { of: ['slow', 'fast'] },
    })
    .outputs({ best: 'best' });
  const built = score('s')
    .step('list', { agent: () => [1, 2] })
    .map('all', { over: 'list', score: inner as never })
    .repeat('loop', { score: inner as never, until: (_, round) => round === 2, max: 3 });
  const { outputs, makespan } = await perform(built, { clock: new VirtualClock() }).result;
  expect(outputs).toMatchObject({ all: [{ best: 'fast' }, { best: 'fast' }], loop: { best: 'fast' } });
  expect(makespan).toBe(20);
});

describe('a join is refused', () => {
  const step = (options: object) => () =>
    score('s')
      .step('x', { agent: () => 1 })
      .step('a', { agent: () => 1, ...options } as never).program;
  test.each([
    [
      { join: { quorum: 2 }, reads: { x: 'x' } },
      'steps[1].join.quorum: is 2, and the step reads 1; lower it, or read more names.',
    ],
    [{ join: 'any' }, 'steps[1].join: has no reads to wait for; name some in `reads`, or drop the join.'],
    [{ join: { quorum: 0 }, reads: { x: 'x' } }, 'steps[1].join.quorum: must be a whole number from 1'],
    [{ join: {}, reads: { x: 'x' } }, 'steps[1].join.quorum: is missing.'],
    [
      { join: 'ani', reads: { x: 'x' } },
      "steps[1].join: must be one of all, allSettled, any, first; not 'ani'. Did you mean 'any'?",
    ],
  ])('%j', (options, message) => {
    expect(step(options)).toThrow(ScoreError);
    expect(step(options)).toThrow(message);
  });
  test('in a score file, with its place', async () => {
    const build = (join: string) => {
      const document = checkDocument(
        parse(`
score: s
agents: { one: { module: ./a.js } }
steps: [{ id: x, agent: one }, { id: y, agent: one }, { id: z, agent: one, join: ${join}, reads: { all: [x, y] } }]`),
      );
      const run = (operands: Record<string, unknown>) =>
        (operands['all'] as unknown[] | undefined)?.length ?? 'one';
      return scoreOfDocument(document, new Map([['one', { name: 'one', run }]]));
    };
    expect(() => build('{ quorum: 3 }')).toThrow('is 3, and the step reads 2');
    const { outputs } = await perform(build('{ quorum: 2 }'), { clock: new VirtualClock() }).result;
    expect(outputs['z']).toBe(2);
  });
});
