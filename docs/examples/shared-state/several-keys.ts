/** Several keys at once: a consistent cut, and a publish that is all or nothing. */
import { createBus } from 'tutti';
import { coherence, ConflictError } from 'tutti/coherence';
import { z } from 'zod';

const schema = { budget: z.number(), spent: z.number(), plan: z.string() };
const initial = { budget: 100, spent: 60, plan: '' };
await using shared = coherence({ bus: createBus(), schema, initial });
const [buyer, planner] = [shared.agent('buyer'), shared.agent('planner')];

/** Buys if there is enough left. Reads two keys and writes one. */
async function buy(agent: typeof buyer, price: number) {
  const session = await agent.session(['budget', 'spent']);
  if (session.read('spent') + price > session.read('budget')) return 'too expensive';
  await session.write('spent', (spent) => spent + price);
  return session.publish();
}

const session = await planner.session(['budget', 'plan']);
await session.write('plan', `spend ${session.read('budget')}`);
console.log(await buy(buyer, 30)); //    another agent is faster, on another key
console.log(await session.publish()); // nothing that this one read has changed

const late = await planner.session(['budget', 'spent']);
await late.write('budget', late.read('spent')); // reads `spent`, writes `budget`
console.log(await buy(buyer, 10));
await late.publish().catch((error: unknown) => {
  if (!(error instanceof ConflictError)) throw error;
  console.log(error.conflicts.map(({ key, expected, actual }) => `${key}: ${expected} is now ${actual}`));
});
