/** Claim: in every interleaving and with every lag, agents on separate replicas see what one memory would show them,
 *  and all that it may show occurs. What one memory shows is computed apart; the real replicas do the rest. */
import { describe, expect, it, test } from 'vitest';
import type { Bounds, LitmusFile } from '../../specs/harness/claim.ts';
import {
  checkLitmus,
  checkTest,
  checkTests,
  litmusClaims,
  READERS,
} from '../../specs/coherence/litmus/litmus.ts';
import { exploreLitmus, STARTS } from '../../specs/coherence/litmus/explore.ts';
import { LitmusFileError, parseLitmus } from '../../specs/coherence/litmus/file.ts';
import { oneMemory } from '../../specs/coherence/litmus/model.ts';
import type { LitmusFaults } from '../../specs/coherence/litmus/played-thread.ts';
import { Schedules } from '../../specs/coherence/litmus/random.ts';
import { replayLitmus } from '../../specs/coherence/litmus/replay.ts';
import { shape, SHAPES } from '../../specs/coherence/litmus/shapes.ts';

const DEEP = process.env.TUTTI_DEEP !== undefined;
const bounds: Bounds = { agents: 3, lines: 1, runs: DEEP ? 10_000 : 300, seed: 1 };
const named = (name: string) => SHAPES.find((one) => one.name === name)!;

/** What is explored, from all three kinds of copies at the start; and how many outcomes there are. */
const COUNTED: Readonly<Record<string, readonly [wait: number, committed: number, outcomes: number]>> = {
  SB: [202, 174, 3],
  MP: [144, 134, 3],
  LB: [139, 133, 3],
  '2+2W': [417, 417, 3],
  S: [220, 217, 3],
  R: [305, 289, 3],
  CoRR: [44, 32, 3],
  CoWR: [90, 72, 3],
  CoRW: [130, 102, 5],
  WRC: [2_250, 2_276, 7],
  RWC: [2_367, 2_187, 7],
  ISA2: [2_284, 2_198, 7],
  IRIW: [55_913, 57_208, 15],
};

describe.each(READERS)("mesi: litmus, readers '%s'", (readers) => {
  it.each(SHAPES)('$name shows what one memory may show, all of it and nothing else', async (one) => {
    const report = await checkTest(one, readers, bounds);
    expect(report.counterexample).toBeUndefined();
    const [wait, committed, outcomes] = COUNTED[one.name]!;
    expect([report.states, report.reached, report.partial]).toEqual([
      readers === 'wait' ? wait : committed,
      outcomes,
      [],
    ]);
    expect(report.runs).toBe(bounds.runs);
  });

  it('word by word shows the same as step by step with nothing left out', async () => {
    let [words, steps] = [0, 0];
    for (const one of SHAPES.filter(({ threads }) => threads.length < (DEEP ? 4 : 3))) {
      for (const start of STARTS) {
        const limit = 1_000_000;
        const some = await exploreLitmus(one, { readers, start, faults: {}, limit });
        const all = await exploreLitmus(one, { readers, start, faults: {}, limit, everyStep: true });
        expect([...all.outcomes!.keys()].sort(), `${one.name} ${start}`).toEqual(
          [...some.outcomes!.keys()].sort(),
        );
        [words, steps] = [words + some.states, steps + all.states];
        for (const [outcome, moves] of all.outcomes!)
          expect(replayLitmus(one, moves, { readers, faults: {}, everyStep: true }).outcome).toBe(outcome);
      }
    }
    expect(steps).toBeGreaterThan(3 * words);
  });
});

describe('mesi: litmus, broken', () => {
  const fails = async (name: string, faults: LitmusFaults) =>
    (await checkTests([named(name)], bounds, { faults })).counterexample;

  it.each(['SB', 'MP', 'R', 'RWC', 'CoWR', 'CoRW'])(
    'a write that is done when it was sent is detected by %s',
    async (name) => {
      const seen = await fails(name, { doneAtPublish: true });
      expect(seen!.what).toMatch(/^\S+: \S+ is not what one memory would show\.$/);
      expect(seen!.transcript.length).toBeGreaterThan(5);
    },
  );
  it.each(['LB', 'CoRR', 'WRC'])(
    'and not by %s, whose threads send only one word, as their last step',
    async (name) => {
      expect(await fails(name, { doneAtPublish: true })).toBeUndefined();
    },
  );
  it.each(['SB', 'MP', 'WRC'])('a stale copy that is not dropped is seen by %s', async (name) => {
    expect((await fails(name, { deaf: true }))!.what).toContain('is not what one memory would show');
  });
  it('a random schedule that fails is drawn again by its seed', async () => {
    const seen = await fails('MP', { deaf: true });
    expect(seen!.seed).toBeGreaterThan(0);
    const again = await checkTests(
      [named('MP')],
      { ...bounds, runs: 1, seed: seen!.seed! },
      { faults: { deaf: true } },
    );
    expect(again.counterexample).toEqual(seen);
  });
  it('readers that memory forgets wait indefinitely, and that is reported', async () => {
    const seen = await fails('MP', { memory: { leaveReaders: true } });
    expect(seen!.what).toBe('MP: waits indefinitely: no thread has anything left to send.');
    expect(seen!.transcript.at(-1)!.from).toBe('log');
  });
});

describe('mesi: litmus, transcripts', () => {
  it('show the writer, the order, when each thread received it, and what was read', async () => {
    const { outcomes } = await exploreLitmus(named('MP'), { readers: 'wait', start: 'S', faults: {} });
    const way = outcomes!.get('1:r0=0;1:r1=1;[x]=1;[y]=1')!;
    const { transcript } = replayLitmus(named('MP'), way, { readers: 'wait', faults: {} });
    expect(
      transcript.map(({ from, to, text }) => `${from}${to === undefined ? '' : ` > ${to}`}: ${text}`),
    ).toEqual([
      't0: has a copy of x',
      't0: has a copy of y',
      't1: has a copy of y',
      't1: has a copy of x',
      't0: writes x = 1',
      't0 > log: getm x',
      "log > t0: t0's getm x",
      't0 > log: put x = 1',
      "log > t0: t0's put x = 1",
      't0: writes y = 1',
      't0 > log: getm y',
      "log > t0: t0's getm y",
      't0 > log: put y = 1',
      't1: reads y = 0, its copy',
      "log > t1: t0's getm x",
      't1: reads x, and has no copy',
      't1 > log: gets x',
      "log > t0: t0's put y = 1",
      "log > t1: t0's put x = 1",
      "log > t1: t1's gets x; reads x = 1",
    ]);
  });
  it('a schedule that stops half-way shows no outcome', async () => {
    const { outcomes } = await exploreLitmus(named('SB'), { readers: 'wait', start: 'I', faults: {} });
    const [outcome, moves] = [...outcomes!][0]!;
    expect(replayLitmus(named('SB'), moves, { readers: 'wait', faults: {} }).outcome).toBe(outcome);
    expect(
      replayLitmus(named('SB'), moves.slice(0, -1), { readers: 'wait', faults: {} }).outcome,
    ).toBeUndefined();
  });
});

describe('mesi: litmus, one memory', () => {
  it('shows every order of the threads’ turns, and each order that it names shows its outcome', () => {
    for (const one of SHAPES) {
      const schedules = new Schedules(one, { readers: 'wait', faults: {} });
      for (const [outcome, turns] of oneMemory(one.init, one.threads))
        expect(schedules.inOrder(turns).outcome).toBe(outcome);
    }
    expect([...oneMemory({ x: 0 }, named('CoWR').threads).keys()].sort()).toEqual([
      '0:r0=1;[x]=1',
      '0:r0=1;[x]=2',
      '0:r0=2;[x]=2',
    ]);
  });
  it('reports when a test is too large for it', async () => {
    const large = shape('large', ...Array.from({ length: 12 }, (_, i) => `Wx${i} Rx Ry Wy${i}`));
    await expect(checkTests([large], bounds)).rejects.toThrow(
      /large: more than 500000 situations.*fewer operations/,
    );
  });
});

describe('mesi: litmus, a file', () => {
  const mp = {
    name: 'MP',
    init: { x: 0, y: 0 },
    threads: [
      [{ op: 'W', loc: 'x', val: 1 }, { op: 'W', loc: 'y', val: 1 }],
      [{ op: 'R', loc: 'y', reg: 'r0' }, { op: 'R', loc: 'x', reg: 'r1' }],
    ],
  }; // prettier-ignore
  const outcomesSC = ['0', '1']
    .map((r1) => `1:r0=0;1:r1=${r1};[x]=1;[y]=1`)
    .concat('1:r0=1;1:r1=1;[x]=1;[y]=1');
  const file = (...tests: unknown[]): LitmusFile => ({ name: 'some.json', tests });

  it('is judged by what one memory shows, and not by the outcomes that it states', async () => {
    const odd = { name: 'odd', init: { flag: -7, z: 3 }, threads: [[{ op: 'R', loc: 'flag', reg: 'EAX' }, { op: 'R', loc: 'flag', reg: 'EAX' }], [{ op: 'W', loc: 'flag', val: 40 }], [{ op: 'W', loc: 'flag', val: 41 }]] }; // prettier-ignore
    const { verdict, bound } = await checkLitmus(file({ ...mp, arch: 'any', outcomesSC }, odd), bounds);
    expect(verdict).toBe('holds');
    expect(bound).toContain('2 tests of up to 3 threads');
  });
  it.each([
    ['lacks', [], "lacks '1:r0="],
    ['lacks', outcomesSC.slice(1), "lacks '1:r0=0;1:r1=0;[x]=1;[y]=1', which one memory may show"],
    [
      'has',
      [...outcomesSC, '1:r0=1;1:r1=0;[x]=1;[y]=1'],
      "has '1:r0=1;1:r1=0;[x]=1;[y]=1', which one memory never",
    ],
  ])('whose own list %s an outcome is reported', async (_, stated, what) => {
    const finding = await checkLitmus(file({ ...mp, outcomesSC: stated }), bounds);
    expect(finding.verdict).toBe('fails');
    expect(finding.counterexample!.what).toContain(`MP: the file's outcomesSC ${what}`);
    expect(finding.bound).toContain('fails: MP');
  });
  it('may name its outcomes by registers alone, and in any order', async () => {
    const stated = ['1:r1=0;1:r0=0', '1:r0=0;1:r1=1', '1:r0=1;1:r1=1'];
    expect((await checkLitmus(file({ ...mp, outcomesSC: stated }), bounds)).verdict).toBe('holds');
  });
  it.each([
    ['no list', { name: 'some.json', tests: undefined } as never, "some.json: has no list 'tests'"],
    ['an empty list', file(), "some.json: 'tests' is empty"],
    ['no test', file(7), 'some.json: test 1: the test'],
    ['no threads', file({ ...mp, threads: [] }), 'some.json: MP: threads'],
    ['no init', file({ ...mp, init: { x: 0 } }), "MP: threads[0][1] uses 'y', to which init gives no value"],
    ['a fence', file(mp, { ...mp, name: 'MP+mb', threads: [[...mp.threads[0]!, { op: 'F' }]] }), 'MP+mb: threads[0][2] is {"op":"F"}; only plain reads (R) and writes (W)'],
    ['no register', file({ ...mp, threads: [[{ op: 'R', loc: 'x' }]] }), 'MP: threads[0][0].reg of {"op":"R","loc":"x"}'],
    ['no value', file({ ...mp, threads: [[{ op: 'W', loc: 'x', val: '1' }]] }), 'MP: threads[0][0].val'],
    ['an ordering', file({ ...mp, threads: [[{ op: 'R', loc: 'x', reg: 'r0', order: 'acquire' }]] }), '"order"'],
    [
      'an outcome of another form',
      file({ ...mp, outcomesSC: ['1:r0 1'] }),
      "some.json: MP: outcomesSC has '1:r0 1'; it takes parts such as",
    ],
    ['many operations', file({ ...mp, threads: [Array.from({ length: 65 }, () => mp.threads[0]![0])] }), 'MP: has 65 operations; 64 is the most'],
  ] as const)('with %s is refused: which test, which place', (_, wrong, message) => {
    expect(() => parseLitmus(wrong)).toThrow(LitmusFileError);
    expect(() => parseLitmus(wrong)).toThrow(message);
  }); // prettier-ignore
  it('with a test too large to explore is judged by random schedules, and by each order of one memory', async () => {
    const { verdict, bound } = await checkTests([named('IRIW')], { ...bounds, runs: 5 }, { limit: 100 });
    expect([verdict, bound.includes('but IRIW: too large for all')]).toEqual(['holds', true]);
  });
});

test('the claims hold, and stop when they are aborted', async () => {
  for (const claim of litmusClaims)
    expect((await claim.check({ ...bounds, runs: 5 })).verdict).toBe(claim.expected);
  const controller = new AbortController();
  const progress = (part: number) => part > 0.2 && controller.abort(new Error('enough'));
  await expect(
    (async () => litmusClaims[0]!.check({ ...bounds, signal: controller.signal, progress }))(),
  ).rejects.toThrow('enough');
});
