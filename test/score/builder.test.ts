/** Claims: a score keeps all that it was given, in any order; what a score cannot perform is refused with its place
 *  and a remedy; what a scope is asked of its body is checked when it is written. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, perform, score, scoreOf, ScoreError, SchemaError, type RetryPolicy } from 'tutti';
import type { StepPlan } from '../../actors/tomasulo/program.ts';

type AnyScore = any;
const one = (): number => 1;
const body = score('body').step('inner', { agent: one });

/** The message and the step of a refusal. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ScoreError);
    return (error as ScoreError).message;
  }
  throw new Error('not refused');
}

describe('a score keeps what it was given', () => {
  const schema = z.object({ n: z.number() });
  const state = { schema: { total: z.number() }, initial: { total: 3 } };
  const acts: Readonly<Record<string, (given: AnyScore) => AnyScore>> = {
    input: (given) => given.input(schema),
    shared: (given) => given.shared(state.schema, { initial: state.initial }),
    outputs: (given) => given.outputs({ result: 'last' }),
    steps: (given) => given.downbeat().step('last', { agent: one }),
    map: (given) => given.map('each', { over: 'list', agent: one }),
    repeat: (given) => given.repeat('again', { score: body, max: 1, until: () => true }),
  };
  test('in any order of its parts, and each part makes a new score', () => {
    const orders = fc.shuffledSubarray(Object.keys(acts), { minLength: 6 });
    fc.assert(
      fc.property(orders, (order) => {
        const first: AnyScore = score('s').step('list', { agent: () => [1] });
        let built = first;
        for (const name of order) built = acts[name]!(built);
        expect(first.program.steps).toHaveLength(1);
        expect([built.name, built.inputSchema]).toEqual(['s', schema]);
        expect(built.state).toEqual(state);
        expect([...built.program.outputs.keys()]).toEqual(['result']);
        const scopes = order.filter((name) => ['steps', 'map', 'repeat'].includes(name));
        const ids = { steps: 'last', map: 'each', repeat: 'again' } as Record<string, string>;
        expect(built.program.steps.map(({ id }: StepPlan) => id)).toEqual(['list', ...scopes.map((name) => ids[name])]); // prettier-ignore
        expect(built.program.steps.map(({ downbeat }: StepPlan) => downbeat ?? false)).toEqual([
          false,
          ...scopes.map((name) => name === 'steps'),
        ]);
      }),
    );
  });
  test('a downbeat is of the next step alone, of any kind, and waits for it over all other parts', () => {
    const next: Readonly<Record<string, (given: AnyScore) => AnyScore>> = {
      step: (given) => given.step('x', { agent: one }),
      'a score': (given) => given.step('x', { score: body }),
      map: (given) => given.map('x', { over: 'list', agent: one }),
      repeat: (given) => given.repeat('x', { score: body, max: 1, until: () => true }),
    };
    for (const [name, add] of Object.entries(next))
      for (const between of ['input', 'shared', 'outputs']) {
        const before: AnyScore = score('s')
          .step('list', { agent: () => [1] })
          .step('last', { agent: one });
        const built = add(acts[between]!(before.downbeat())).step('after', { agent: one });
        const downbeats = built.program.steps.map(({ downbeat }: StepPlan) => downbeat);
        expect(downbeats, `${between}, ${name}`).toEqual([undefined, undefined, true, undefined]);
      }
  });
  test('its program is renamed once', () => {
    expect(body.program).toBe(body.program);
  });
  test('a default is a frozen copy, of steps and of scopes', () => {
    const value = { list: [1] };
    const built: AnyScore = (score('s') as AnyScore)
      .step('a', { agent: one, default: value })
      .step('b', { score: body, default: value });
    for (const { fallback } of built.program.steps) {
      expect(fallback.value).toEqual(value);
      expect(fallback.value).not.toBe(value);
      expect(Object.isFrozen(fallback.value.list)).toBe(true);
    }
  });
});

describe('what an agent says holds for steps that say nothing', () => {
  const retry: RetryPolicy = { attempts: 2 };
  const given = { retry, timeoutMs: 5, idleMs: 6, effects: 'idempotent' } as const;
  const other = { retry: { attempts: 1 }, timeoutMs: 7, idleMs: 8, effects: 'none' } as const;
  const named = agent({ name: 'named', run: one, ...given });
  const planOfStep = (options: object): StepPlan => (score('s') as AnyScore).step('a', { agent: named, ...options }).program.steps[0]; // prettier-ignore
  test('and not for steps that say another', () => {
    expect(planOfStep({})).toMatchObject(given);
    expect(planOfStep(other)).toMatchObject(other);
  });
  test.each(Object.keys(given))('%s: null is no way to leave it out', (key) => {
    expect(refusal(() => planOfStep({ [key]: null }))).toContain(`steps[0].${key}`);
  });
  test('also for the elements of a map', () => {
    const inMap = (options: object): StepPlan =>
      (score('s') as AnyScore)
        .step('l', { agent: () => [] })
        .map('m', { over: 'l', agent: named, ...options }).program.steps[1].scope.body.steps[0];
    expect(inMap({})).toMatchObject({ id: 'm', spread: true, ...given });
    expect(inMap(other)).toMatchObject(other);
    expect(refusal(() => inMap({ timeoutMs: -1 }))).toMatch(/^step 'm'\.timeoutMs: must be a number/);
  });
});

test('a condition is a function, or a plan with its text', () => {
  const plan = { test: () => true, text: 'n > 3' };
  const test = () => false;
  const built: AnyScore = (score('s') as AnyScore)
    .step('a', { agent: one, when: test })
    .step('b', { agent: one, when: plan })
    .step('c', { score: body, when: test })
    .step('d', { agent: one });
  expect(built.program.steps.map(({ when }: StepPlan) => when)).toEqual([
    { test },
    plan,
    { test },
    undefined,
  ]);
});

describe('what cannot be performed is refused', () => {
  const list = score('s').step('list', { agent: () => [1] }) as AnyScore;
  const map = (options: object) => () => list.map('m', { over: 'list', agent: one, ...options }).program;
  const sub = (options: object) => () => list.step('x', { score: body, ...options }).program;
  const repeat = (options: object) => () =>
    list.repeat('x', { score: body, max: 2, until: () => true, ...options }).program;
  const sharing = score('sharing').shared({ total: z.number() }).step('a', { agent: one });
  test.each<[string, () => unknown, string]>([
    ['a score without a name', () => score(''), "score: needs a name, such as score('review'); not ''."],
    [
      'a score named by a number',
      () => score(5 as never),
      "score: needs a name, such as score('review'); not 5.",
    ],
    ['an unknown option of scoreOf', () => scoreOf('s', [], { inputs: 1 } as never), "scoreOf: unknown option 'inputs'. Did you mean 'input'? Known are input, outputs, state."], // prettier-ignore
    ['a step without options', () => list.step('x', null), "step 'x': must be an object with"],
    ['a step whose options are text', () => list.step('x', 'agent'), "step 'x': must be an object with"],
    ['an agent that is none', () => list.step('x', { agent: { plan: {} } }), "step 'x'.agent: must be a function of its operands"], // prettier-ignore
    ['no agent', () => list.step('x', { agent: null }), "step 'x'.agent: must be a function of its operands"],
    ['a sub-score that is none', sub({ score: {} }), "step 'x'.score: must be a score, as score('name').step(…) makes it; not an empty object."], // prettier-ignore
    ['a sub-score that shares', sub({ score: sharing }), "step 'x'.score: 'sharing' shares state; say `shared` in the outermost score."], // prettier-ignore
    ['a sub-score without steps', sub({ score: score('none') }), "step 'x'.score: 'none' has no steps."],
    ['an unknown option of a sub-score', sub({ retry: {} }), "step 'x': unknown option 'retry'."],
    [
      'an unknown option of a loop',
      repeat({ untill: 1 }),
      "step 'x': unknown option 'untill'. Did you mean 'until'?",
    ],
    [
      'a map without a list',
      map({ over: undefined }),
      "step 'm'.over: must be the name of a list, not undefined.",
    ],
    ['a map over no name', map({ over: '' }), "step 'm'.over: must be the name of a list, not ''."],
    ['a map without options', () => list.map('m', null), "step 'm': must be an object with"],
    ['a map whose options are text', () => list.map('m', 'over'), "step 'm': must be an object with"],
    [
      'a map of a score with a retry',
      map({ agent: undefined, score: body, retry: {} }),
      "step 'm': unknown option",
    ],
    ['a map that reads its element', map({ reads: { item: 'list' } }), "step 'm'.reads.item: 'item' is the operand of the element; rename one of them."], // prettier-ignore
    ['a loop of a wrong kind', repeat({ onCap: 'stop' }), 'steps[1].onCap: must be one of fail, accept'],
  ])('%s', (_, act, message) => {
    expect(refusal(act)).toContain(message);
  });
  test('two agents of one name with different capacities, also inside of scopes; equal ones are one unit', () => {
    const plan = (id: string, capacity: number | undefined) => ({
      id,
      agent: { name: 'shared', run: one, capacity },
    });
    expect(refusal(() => scoreOf('s', [plan('a', 1), plan('b', 2)]).program)).toBe(
      "steps[1].agent: two agents are named 'shared' with different capacities (here and in step 'a'); give one of them another name.",
    );
    expect(() => scoreOf('s', [plan('a', 1), plan('b', 1)]).program).not.toThrow();
    const inner = scoreOf('inner', [plan('deep', 3)]) as AnyScore;
    const around = (score('s') as AnyScore).step('x', { score: inner });
    const outer = around.step('y', { agent: agent({ name: 'shared', run: one, capacity: 1 }) });
    expect(refusal(() => outer.program)).toContain("(here and in step 'deep')");
  });
});

describe('the score of a scope', () => {
  const checked = score('checked')
    .input(z.object({ n: z.number().default(7) }))
    .step('double', { agent: ({ n }: { n: number }) => 2 * n, reads: { n: 'input.n' } });
  test('gets its input as its schema makes it', async () => {
    const built = (score('s') as AnyScore).step('x', { score: checked });
    expect((await perform(built).result).outputs).toMatchObject({ x: { double: 14 } });
  });
  test('names itself when its input does not fit', async () => {
    const built = (score('s') as AnyScore)
      .step('n', { agent: () => 'two' })
      .step('x', { score: checked, reads: { n: 'n' } });
    const { errors } = await perform(built).report;
    expect(errors[0]!.cause).toBeInstanceOf(SchemaError);
    expect(errors[0]!.message).toContain("the input of 'checked' does not fit its schema: n: ");
  });
  test('bears the name of its kind as its agent', () => {
    const built = (score('s') as AnyScore)
      .step('list', { agent: () => [1] })
      .step('x', { score: checked })
      .map('m', { over: 'list', score: checked })
      .repeat('r', { score: checked, max: 1, until: () => true });
    const agents = built.program.steps.slice(1).map((step: StepPlan) => step.agent);
    expect(agents.map(({ name }: StepPlan['agent']) => name)).toEqual(['(score)', '(map)', '(repeat)']);
    for (const { name, run } of agents) expect(run).toThrow(`a ${name.slice(1, -1)} has steps, and no agent`);
    expect(built.program.steps[2].scope).toMatchObject({ kind: 'map', as: 'item', flat: false });
    expect(built.program.steps[2].reads).toEqual({ item: 'list' });
  });
});
