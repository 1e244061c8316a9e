/** Claims: renaming binds each read to the latest earlier write of its name, and outputs to the last one; what cannot be
 *  bound is refused with its place; the columns of a program agree with its steps. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { INPUT, rename, ScoreError, type Program, type StepPlan } from '../../actors/tomasulo/program.ts';

const agent = { name: 'agent', run: () => 1 };
const when = { test: () => true };

/** The edges of a step: what it reads, with the properties to follow. */
const edgesOf = ({ firstEdge, source, paths }: Program, i: number) =>
  Array.from(source.subarray(firstEdge[i], firstEdge[i + 1]), (tag, k) => [
    tag,
    paths.get(firstEdge[i]! + k),
  ]);

const names = ['a', 'b', 'c'];
/** Steps that read only what something above writes; names are written again and again. */
const programs = fc
  .array(
    fc.record({
      writes: fc.option(fc.constantFrom(...names), { nil: undefined }),
      reads: fc.array(fc.tuple(fc.nat(9), fc.boolean(), fc.boolean()), { maxLength: 3 }),
      after: fc.boolean(),
      cost: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
      when: fc.boolean(),
      otherwise: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((drawn) => {
    const written = ['input'];
    return drawn.map(({ writes, reads, after, cost, ...condition }, i): StepPlan => {
      const readable = [...new Set(written)];
      const id = `s${i}`;
      const plan = {
        ...{ id, agent, writes, cost },
        reads: Object.fromEntries(
          reads.map(([which, property, list], k) => {
            const read = readable[which % readable.length]! + (property ? '.x.y' : '');
            return [`r${k}`, list ? [read, 'input'] : read];
          }),
        ),
        ...(after ? { after: [readable.at(-1)!] } : {}),
        ...(condition.when ? { when } : {}),
        ...(condition.otherwise && i > 0 && drawn[i - 1]!.when ? { otherwise: true } : {}),
      };
      written.push(writes ?? id);
      return plan;
    });
  });

test('each read is bound to the latest earlier write, and the columns agree with the steps', () => {
  fc.assert(
    fc.property(programs, (steps) => {
      const program = rename(steps);
      const latest = (name: string, before: number): number =>
        name === 'input'
          ? INPUT
          : steps.findLastIndex(({ writes, id }, k) => k < before && (writes ?? id) === name);
      const readers = steps.map(() => 0);
      const count = (tag: number) => void (tag === INPUT || readers[tag]!++);
      const longest = steps.map(({ cost }) => cost ?? 1);
      for (let i = steps.length - 1; i >= 0; i--) {
        const { reads, after, writes, id, otherwise, when } = steps[i]!;
        const plain = [...Object.values(reads ?? {}).flat(), ...(after ?? [])];
        const expected: [number, string[] | undefined][] = plain.map((read) => {
          const [name, ...path] = (read as string).split('.');
          return [latest(name!, i), path.length === 0 ? undefined : path];
        });
        const guard = program.guards.get(i);
        expect(guard !== undefined).toBe(when !== undefined || otherwise === true);
        const kept = latest(writes ?? id, i);
        const first = program.firstEdge[i]!;
        if (guard !== undefined && kept >= 0) {
          expect(guard.kept).toBe(first + expected.length);
          expected.push([kept, undefined]);
        } else expect(guard?.kept).toBe(undefined);
        if (otherwise === true) {
          expect(guard!.above).toBe(first + expected.length);
          expected.push([i - 1, undefined]);
        } else expect(guard?.above).toBe(undefined);
        expect(edgesOf(program, i)).toEqual(expected);
        for (let edge = first; edge < program.firstEdge[i + 1]!; edge++) expect(program.reader[edge]).toBe(i);
        for (const [tag] of expected) {
          count(tag);
          if (tag !== INPUT) longest[tag] = Math.max(longest[tag]!, longest[i]! + (steps[tag]!.cost ?? 1));
        }
      }
      const outputs = new Map(steps.map(({ writes, id }, i) => [writes ?? id, { tag: i, path: undefined }]));
      expect(program.outputs).toEqual(outputs);
      for (const { tag } of outputs.values()) count(tag);
      expect([...program.readers]).toEqual(readers);
      expect([...program.remaining]).toEqual(longest);
      expect([program.steps, program.source.length]).toEqual([steps, program.firstEdge[steps.length]]);
    }),
  );
});

test('named outputs are reads after the last step', () => {
  const program = rename(
    [
      { id: 'a', agent },
      { id: 'b', agent, writes: 'a' },
    ],
    {
      ...{ last: 'a', deep: 'a.x.y', given: 'input', part: 'input.x' },
    },
  );
  expect([...program.outputs]).toEqual([
    ['last', { tag: 1, path: undefined }],
    ['deep', { tag: 1, path: ['x', 'y'] }],
    ['given', { tag: INPUT, path: undefined }],
    ['part', { tag: INPUT, path: ['x'] }],
  ]);
  expect([...program.readers]).toEqual([0, 2]);
  expect(program.paths.size).toBe(0);
});

test('a name with a dot in it is a name, if something writes it', () => {
  const program = rename(
    [
      { id: 'a.b', agent },
      { id: 'c', agent, reads: { x: 'a.b', y: 'a.b.c' } },
    ].slice(0, 1),
  );
  expect([...program.outputs.keys()]).toEqual(['a.b']);
  const whole = rename([
    { id: 'a.b', agent },
    { id: 'c', agent, reads: { x: 'a.b' } },
  ]);
  expect(edgesOf(whole, 1)).toEqual([[0, undefined]]);
});

describe('what cannot be bound is refused', () => {
  const many = Array.from({ length: 13 }, (_, i): StepPlan => ({ id: `n${i}`, agent }));
  const known = (count: number) => many.slice(0, count).map(({ id }) => id).join(', '); // prettier-ignore
  test.each<[string, StepPlan[], string, stepId: string | undefined, outputs?: Record<string, string>]>([
    [
      'an id twice',
      [
        { id: 'a', agent },
        { id: 'a', agent },
      ],
      "steps[1].id: 'a' is used twice; ids are unique.",
      'a',
    ],
    ['an id that is the input', [{ id: 'input', agent }], "steps[0].id: nothing may write 'input'; choose another name.", 'input'], // prettier-ignore
    ['a write of the input', [{ id: 'a', agent, writes: 'input' }], "steps[0].writes: nothing may write 'input'; choose another name.", 'a'], // prettier-ignore
    ['a read of what it writes', [{ id: 'a', agent, reads: { x: 'a' } }], "steps[0].reads.x: 'a' is what this step itself writes; read what a step above writes.", 'a'], // prettier-ignore
    ['a read from below', [{ id: 'a', agent, reads: { x: ['b.c'] } }, { id: 'z', agent, writes: 'b' }], "steps[0].reads.x: 'b' is written only further down, by step 'z'; move that step up.", 'a'], // prettier-ignore
    ['a wait for what is unknown', [{ id: 'draft', agent }, { id: 'b', agent, after: ['drft'] }], "steps[1].after: no step above writes 'drft'. Did you mean 'draft'? Known here: input, draft.", 'b'], // prettier-ignore
    ['one of many names', [...many.slice(0, 11), { id: 'z', agent, reads: { x: 'unknown' } }], `steps[11].reads.x: no step above writes 'unknown'. Known here: input, ${known(11)}.`, 'z'], // prettier-ignore
    ['one of too many names', [...many, { id: 'z', agent, reads: { x: 'unknown' } }], `steps[13].reads.x: no step above writes 'unknown'. Known here: input, ${known(11)}, ….`, 'z'], // prettier-ignore
    ['an output of nothing', [{ id: 'a', agent }], "outputs.o: no step above writes 'unknown'. Known here: a, input.", undefined, { o: 'unknown.x' }], // prettier-ignore
    ['otherwise at the top', [{ id: 'a', agent, otherwise: true }], 'steps[0].otherwise: needs a step with a condition (`when`) right above it; move it there, or write its own `when`.', 'a'], // prettier-ignore
    ['otherwise under a step without a condition', [{ id: 'a', agent }, { id: 'b', agent, otherwise: true }], 'steps[1].otherwise: needs a step with a condition (`when`) right above it; move it there, or write its own `when`.', 'b'], // prettier-ignore
  ])('%s', (_, steps, message, stepId, outputs) => {
    const refused = (): unknown => {
      try {
        return rename(steps, outputs);
      } catch (error) {
        return error;
      }
    };
    expect(refused()).toBeInstanceOf(ScoreError);
    const { at } = refused() as ScoreError;
    expect(refused()).toMatchObject({ name: 'ScoreError', message, stepId, at: message.slice(0, message.indexOf(': ')) }); // prettier-ignore
    expect(at).not.toBe('');
  });
});
