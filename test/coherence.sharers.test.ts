/** Claims: a set of sharers says who is in it, as a set of the language does, for any history; the same few agents are
 *  the same object whatever key they share; and what is remembered for that stays bounded. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sharers } from 'tutti/actors';

const agent = fc.integer({ min: 0, max: 11 }).map((n) => `agent-${n}`);
const step = fc.tuple(fc.constantFrom('and', 'and', 'and', 'without'), agent);

test('a set of sharers is a set', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let sharers = Sharers.none;
      const model = new Set<string>();
      for (const [what, who] of steps) {
        const before = [...sharers.agents];
        const next = sharers[what as 'and'](who);
        expect(sharers.agents).toEqual(before);
        sharers = next;
        if (what === 'and') model.add(who);
        else model.delete(who);
        expect(sharers.agents).toEqual([...model]);
        expect(sharers.has(who)).toBe(model.has(who));
        expect(sharers.only).toBe(model.size === 1 ? [...model][0] : undefined);
        expect(Sharers.of([...model]).agents).toEqual([...model]);
      }
    }),
  );
});

test('the same agents are the same object, until ever new ones have come', () => {
  const pair = () => Sharers.none.and('planner').and('writer');
  expect(pair()).toBe(pair());
  const before = pair();
  const kept = Sharers.none.and('planner'); // as a key does that nobody touches any more
  for (let i = 0; i < 5_000; i++) expect(Sharers.none.and(`passer-by-${i}`).only).toBe(`passer-by-${i}`);
  expect(pair()).not.toBe(before); // forgotten with the passers-by
  expect(kept.and('writer'), 'what is kept holds nothing else').not.toBe(before);
  expect(pair()).toBe(pair());
  expect(pair().agents).toEqual(before.agents);
});
