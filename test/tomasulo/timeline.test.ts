/** Claims: the critical path is the longest chain of steps that depend on each other, by what they took; a report says of
 *  a step what was noted, and nothing that was not. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DynamicProgram } from '../../actors/tomasulo/dynamic-program.ts';
import { rename, type StepPlan } from '../../actors/tomasulo/program.ts';
import { Timeline } from '../../actors/tomasulo/timeline.ts';

const agent = { name: 'agent', run: () => 1 };

const drawn = fc.array(
  fc.record({
    reads: fc.array(fc.nat(20), { maxLength: 3 }),
    took: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
    downbeat: fc.boolean(),
  }),
  { maxLength: 10 },
);

test('no chain of dependent steps took longer than the critical path, which is one', () => {
  fc.assert(
    fc.property(drawn, (list) => {
      const steps = list.map(({ reads, downbeat }, i): StepPlan => {
        const all = reads.map((read) => (i === 0 ? 'input' : `s${read % i}`));
        return { id: `s${i}`, agent, reads: { all }, downbeat };
      });
      const timeline = new Timeline(new DynamicProgram(rename(steps)));
      list.forEach(({ took }, i) => {
        if (took === undefined) return;
        timeline.started(i, 100 + i);
        timeline.ended(i, 100 + i + took, 'done');
      });
      const took = (i: number): number => list[i]!.took ?? 0;
      const needs = (i: number): number[] => {
        const barrier = list.findLastIndex(({ downbeat }, k) => k <= i && downbeat);
        const reads = list[i]!.reads.flatMap((read) => (i === 0 ? [] : [read % i]));
        return [...reads, ...Array.from({ length: Math.max(0, barrier) }, (_, k) => k)];
      };
      const lengths: number[] = [];
      list.forEach((_, i) => lengths.push(took(i) + Math.max(0, ...needs(i).map((k) => lengths[k]!))));
      const { length, steps: path } = timeline.criticalPath();
      expect(length).toBe(Math.max(0, ...lengths));
      const places = path.map((id) => Number(id.slice(1)));
      expect(places.reduce((sum, i) => sum + took(i), 0)).toBe(length);
      places.forEach((i, k) => k === 0 || expect(needs(i)).toContain(places[k - 1]));
      expect(path.length > 0).toBe(list.length > 0);
    }),
  );
});

test('a report says what was noted, and nothing that was not', () => {
  const steps: StepPlan[] = [
    { id: 'a', agent },
    { id: 'b', agent, reads: { x: 'a', y: ['a', 'input'] } },
    { id: 'c', agent },
  ];
  const timeline = new Timeline(new DynamicProgram(rename(steps)));
  timeline.issued(0, 1);
  timeline.started(0, 2);
  expect(timeline.report(0)).toMatchObject({ status: 'running', issued: 1, start: 2, end: undefined });
  timeline.rested(0);
  expect([timeline.status(0), timeline.isIssued(0)]).toEqual(['waiting', true]);
  timeline.started(0, 5);
  timeline.wrote(0, 7);
  timeline.ended(0, 9, 'done');
  timeline.issued(1, 3);
  timeline.because(1, 'why');
  timeline.ended(1, 4, 'skipped');
  const nothing = { issued: undefined, start: undefined, end: undefined };
  expect(timeline.reports()).toEqual([
    { id: 'a', agent: 'agent', status: 'done', issued: 1, start: 2, end: 7, waitedFor: [], attempts: 2 },
    { ...{ id: 'b', agent: 'agent', status: 'skipped', issued: 3, start: undefined, end: 4 }, waitedFor: ['a'], attempts: 0, reason: 'why' }, // prettier-ignore
    { id: 'c', agent: 'agent', status: 'pending', ...nothing, waitedFor: [], attempts: 0 },
  ]);
  expect([timeline.makespan, timeline.isIssued(2), timeline.reasonOf(1), timeline.reasonOf(0)]).toEqual([
    ...[9, false, 'why', undefined],
  ]);
});

test('what an earlier life has noted is there again; times that are not known stay open', () => {
  const steps = ['a', 'b'].map((id): StepPlan => ({ id, agent }));
  const timeline = new Timeline(new DynamicProgram(rename(steps)));
  timeline.restore(0, 3, 10, 30, 'failed');
  timeline.restore(1, 2, 5);
  expect(timeline.reports()).toMatchObject([
    { status: 'failed', start: 10, end: 30, attempts: 3 },
    { status: 'pending', start: 5, end: undefined, attempts: 2 },
  ]);
  timeline.started(1, 40);
  timeline.ended(1, 50, 'done');
  expect(timeline.report(1)).toMatchObject({ status: 'done', start: 5, end: 50, attempts: 3 });
});
