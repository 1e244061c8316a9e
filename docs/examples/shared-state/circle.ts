/** Several keys at once, a circle of waits, and who holds what. */
import { createBus } from 'tutti';
import { coherence, HoldDeadlockError } from 'tutti/coherence';
import { z } from 'zod';

const schema = { plan: z.string(), draft: z.string() };
await using shared = coherence({ bus: createBus(), schema, initial: { plan: '-', draft: '-' } });
const [writer, critic] = [shared.agent('writer'), shared.agent('critic')];

const plan = await writer.hold('plan');
const draft = await critic.hold('draft');
const waiting = writer.hold('draft'); // waits for the critic
await critic.hold('plan').catch((error: unknown) => {
  if (!(error instanceof HoldDeadlockError)) throw error;
  console.log(error.keys);
});
console.log(
  shared.holders().map(({ key, owner, writers }) => `${key}: ${owner}, then ${writers.join(', ')}`),
);
await draft.release();
await (await waiting).release();
await plan.release();

// Keys that are taken together are taken in one order: no circle can arise.
await using both = await critic.holdAll(['plan', 'draft']);
await both.get('draft').write('Once');
await both.get('plan').write('an end');
