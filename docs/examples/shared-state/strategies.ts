/** Each strategy, what its reader sees after another's write, and what that took. */
import { createBus } from 'tutti';
import { accessCount, coherence, lease, stalenessBound, TokenLedger, type Strategy } from 'tutti/coherence';
import { z } from 'zod';

const STRATEGIES: readonly Strategy[] = [
  { name: 'lazy' },
  { name: 'eager' },
  { name: 'broadcast' },
  lease({ ttlMs: 60_000 }),
  accessCount({ reads: 2 }),
];
for (const strategy of STRATEGIES) {
  const ledger = new TokenLedger();
  await using shared = coherence({
    bus: createBus(),
    schema: { n: z.number() },
    initial: { n: 0 },
    strategy, // or `keys: { n: strategy }`, or `agents: { reader: strategy }`
    ledger,
  });
  const [reader, writer] = [shared.agent('reader'), shared.agent('writer')];
  await reader.read('n');
  await writer.write('n', 1);
  const fetched = reader.has('n') ? 'has a new copy' : 'has none';
  const reads = [await reader.read('n'), await reader.read('n'), await reader.read('n')];
  console.log(strategy.name, '| at most', stalenessBound(strategy), '|', fetched, '|', reads.join(' '));
}
