/** Claims about the builder's types: what cannot be performed does not compile. The compiler judges the lines that
 *  expect an error (`npm run check:types`); here the same scores are refused, or run, at run time. */
import { expect, test } from 'vitest';
import { perform, score, type Settled } from 'tutti';
import { z } from 'zod';

const built = score('typed')
  .input(z.object({ repo: z.string(), n: z.number() }))
  .step('files', {
    agent: async ({ repo }: { repo: string }) => ({ list: [repo], total: 3 }),
    reads: { repo: 'input.repo' },
  })
  .step('sum', {
    agent: ({ files, n }: { files: string[]; n: number }) => files.length + n,
    reads: { files: 'files.list', n: 'input.n' },
  })
  .step('count', { agent: ({ f }: { f: { list: string[] } }) => f.list.length, reads: { f: 'files' } })
  .step('joined', {
    agent: ({ all }: { all: readonly number[] }) => all.join('+'),
    reads: { all: ['sum', 'count', 'files.total'] },
  })
  .step('settled', {
    agent: ({ all }: { all: readonly Settled<number>[] }) => all.map(({ status }) => status),
    join: 'allSettled',
    reads: { all: ['sum', 'count'] },
  })
  .step('again', { agent: ({ sum }: { sum: number }) => String(sum), reads: { sum: 'sum' }, writes: 'sum' });

test('outputs have the types that the agents return, the latest write of a name last', async () => {
  const { outputs } = await perform(built, { input: { repo: 'r', n: 1 } }).result;
  const joined: string = outputs.joined;
  const sum: string = outputs.sum; // a number until it was written again
  const settled: readonly ('fulfilled' | 'rejected')[] = outputs.settled;
  expect([joined, sum, settled]).toEqual(['2+1+3', '2', ['fulfilled', 'fulfilled']]);
});

test('a read of a name that no step wrote does not compile, and is refused', () => {
  const agent = ({ x }: { x: string }) => x;
  // @ts-expect-error nothing above writes 'nope'
  const wrong = built.step('q', { agent, reads: { x: 'nope' } });
  expect(() => wrong.program).toThrow("steps[6].reads.x: no step above writes 'nope'");
});

test('a read of the wrong type, a list of one wrong type, and a missing operand do not compile', () => {
  // @ts-expect-error 'joined' is a string
  built.step('q', { agent: ({ x }: { x: number }) => x, reads: { x: 'joined' } });
  // @ts-expect-error 'joined' is not a number, though 'count' is
  built.step('q', { agent: ({ x }: { x: readonly number[] }) => x, reads: { x: ['count', 'joined'] } });
  // @ts-expect-error nothing is read for 'y'
  built.step('q', { agent: ({ x, y }: { x: string; y: string }) => x + y, reads: { x: 'joined' } });
  // @ts-expect-error a property that the value does not have
  built.step('q', { agent: ({ x }: { x: number }) => x, reads: { x: 'files.size' } });
  expect(built.program.steps).toHaveLength(6);
});

test('an input of the wrong type does not compile, and is refused with the place', async () => {
  // @ts-expect-error 'repo' is a string
  const { result } = perform(built, { input: { repo: 1, n: 1 } });
  await expect(result).rejects.toThrow('repo');
});

test('a default of the wrong type, and a vamp that judges another type, do not compile', () => {
  const agent = () => 1;
  // @ts-expect-error the agent returns a number
  built.step('q', { agent, default: 'one' });
  // @ts-expect-error the result is a number
  built.step('q', { agent, vamp: { max: 3, until: (result: string) => result === '' } });
  expect(built.step('q', { agent, default: 2 }).program.steps[6]!.fallback).toEqual({ value: 2 });
});
