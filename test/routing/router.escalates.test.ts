/** Claim: escalation stops at the first accepted answer, climbs one step at a time, at most to the ceiling, and reports quality with cost. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { UnitGovernor } from '../../actors/governor/governor.ts';
import {
  DEFAULT_LADDER,
  relativeCost,
  type OperatingPoint,
} from '../../machines/governor/operating-point.ts';
import { governed } from '../../src/models/choose.ts';
import { escalate, EscalationError, type Escalated, type Verifier } from '../../src/models/escalate.ts';
import { escalatingAgent, modelVerifier } from '../../src/models/model-agent.ts';
import { perform } from '../../src/score/perform.ts';
import { Ledger } from '../../src/budget/budget.ts';
import { createRouter } from '../../src/routing/router.ts';
import { score } from '../../src/score/score.ts';
import { scriptedModel } from '../../src/testing/index.ts';
import { stepContext } from '../models/helpers.ts';

const rank = (point: OperatingPoint) =>
  DEFAULT_LADDER.findIndex(({ dynamics }) => dynamics === point.dynamics);

describe('the ladder', () => {
  test('starts at the governor’s point, climbs one step a rejection, at most to the ceiling', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.nat(6),
        async (difficulty, allowance, acceptsAt) => {
          const governor = new UnitGovernor({ unit: 'u' });
          governor.budget(allowance);
          const [start, top] = [rank(governor.pointFor(difficulty)), rank(governor.ceiling)];
          const ran: number[] = [];
          const run = async (point: OperatingPoint) => (
            ran.push(rank(point)),
            { value: rank(point), usd: relativeCost(point) }
          );
          const verify: Verifier<number>[] = [
            {
              name: 'v',
              kind: 'program',
              check: (value) => ({ accepted: value >= acceptsAt, quality: value / 4, reason: 'low' }),
            },
          ];
          const done = await escalate({ governor, difficulty, run, verify, onExhausted: 'accept' });
          const last = Math.min(Math.max(start, acceptsAt), top);
          expect(ran).toEqual(Array.from({ length: last - start + 1 }, (_, i) => start + i));
          expect(done.accepted).toBe(last >= acceptsAt);
          expect(done.quality).toBe(last / 4);
          expect(done.usd).toBeCloseTo(
            ran.reduce((sum, at) => sum + relativeCost(DEFAULT_LADDER[at]!), 0),
            9,
          );
          expect(done.attempts.map(({ accepted }) => accepted)).toEqual(ran.map((at) => at >= acceptsAt));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('programs run before models, and a model is not asked about what a program has rejected', async () => {
    const asked: string[] = [];
    const verifier = (name: string, kind: 'program' | 'model', accepted: boolean): Verifier<string> => ({
      name,
      kind,
      check: () => (
        asked.push(name),
        { accepted, usd: kind === 'model' ? 0.5 : 0, reason: `${name} says no` }
      ),
    });
    const run = async () => ({ value: 'x', usd: 1 });
    const governor = new UnitGovernor({ unit: 'u', policy: 'performance' });
    const done = await escalate({
      governor,
      run,
      verify: [verifier('model', 'model', true), verifier('program', 'program', true)],
    });
    expect(asked).toEqual(['program', 'model']);
    expect(done).toMatchObject({ accepted: true, quality: 1, usd: 1.5 });
    asked.length = 0;
    const refused = escalate({
      governor,
      run,
      verify: [verifier('model', 'model', true), verifier('program', 'program', false)],
    });
    await expect(refused).rejects.toThrow(
      /rejected by 'program' at presto\/ff: program says no; raise the budget or the ceiling/,
    );
    await expect(refused).rejects.toBeInstanceOf(EscalationError);
    expect(asked).toEqual(['program']);
  });

  test('without a verifier, or with a senseless limit, it says what to give', async () => {
    const common = { governor: new UnitGovernor({ unit: 'u' }), run: async () => ({ value: 1, usd: 0 }) };
    await expect(escalate({ ...common, verify: [] })).rejects.toThrow(/no verifier given; give at least one/);
    const verify: Verifier<number>[] = [{ name: 'v', kind: 'program', check: () => true }];
    await expect(escalate({ ...common, verify, maxAttempts: 0 })).rejects.toThrow(
      /maxAttempts must be a whole number from 1 to 64, not 0/,
    );
  });
});

test('in a score: a program checks first, a model of another family second, one ledger pays for all', async () => {
  const verdictSchema = z.object({ accepted: z.boolean(), reason: z.string() });
  const small = scriptedModel({ provider: 'a', modelId: 'small', script: ['no digits'] });
  const medium = scriptedModel({
    provider: 'b',
    modelId: 'medium',
    script: ['41', { object: { accepted: true, reason: '' } }],
  });
  const large = scriptedModel({
    provider: 'a',
    modelId: 'large',
    script: [{ object: { accepted: false, reason: 'off by one' } }, '42'],
  });
  const table = [
    { tempo: 'andante', dynamics: 'pp', model: 'a:small' },
    { tempo: 'moderato', dynamics: 'p', model: 'b:medium' },
    { tempo: 'allegro', dynamics: 'mf', model: 'a:large' },
  ] as const;
  const governor = new UnitGovernor({ unit: 'u' });
  const model = governed({
    governor,
    router: createRouter({ table, nearest: true }),
    models: { 'a:small': small, 'b:medium': medium, 'a:large': large },
  });
  const budget = new Ledger({ calls: 10 });
  const reports: Escalated<string>[] = [];
  const agent = escalatingAgent<{ q: string }, string>({
    name: 'counter', model, budget, prompt: 'Count {q}. {rejection}',
    verify: (_operands, context) => [
      modelVerifier<string>({ name: 'judge', model, budget, context, verdictSchema, prompt: 'Is this right? {result}' }),
      { name: 'digits', kind: 'program', check: (value) => ({ accepted: /^\d+$/.test(value), reason: 'no digits' }) },
    ],
    onEscalated: (report) => reports.push(report),
  }); // prettier-ignore
  const { outputs } = await perform(score('s').step('count', { agent, reads: { q: 'input' } as never }), {
    input: 'sheep' as never,
  }).result;
  expect(outputs.count).toBe('42');
  expect(
    reports[0]!.attempts.map(({ point, accepted, rejectedBy }) => [point.dynamics, accepted, rejectedBy]),
  ).toEqual([
    ['pp', false, 'digits'], // no model is asked
    ['p', false, 'judge'], //   b wrote it, so a judges it
    ['mf', true, undefined], // a wrote it, so b judges it
  ]);
  expect(budget.spent.calls).toBe(5);
  for (const one of [small, medium, large]) one.assertDone();
  expect(JSON.stringify(large.calls[1]!.prompt)).toContain('Count sheep. off by one'); // the prompt has the reason
  expect(stepContext().slept).toEqual([]);
});
