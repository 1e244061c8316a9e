/** Two processes with a replica each, on a bus that lags; then one of them crashes while it holds a key. */
import { coherence } from 'tutti/coherence';
import { z } from 'zod';
import { LateBus, Log } from './late-bus.ts';

const schema = { n: z.number() };
const log = new Log();
const here = coherence({ bus: new LateBus(log, 2), schema, initial: { n: 0 }, leaseMs: 100 });
const there = coherence({ bus: new LateBus(log, 8), schema, initial: { n: 0 }, leaseMs: 100 });
const [a, b] = [here.agent('a'), there.agent('b')];

const add = async (agent: typeof a) => {
  for (let i = 0; i < 5; i++) await agent.write('n', (n) => n + 1);
};
await Promise.all([add(a), add(b)]);
console.log('both count:', await a.read('n', { fresh: true }), await b.read('n', { fresh: true }));

await a.hold('n');
here.stop(); // as a crash would: no word of farewell
await b.write('n', (n) => n + 1);
console.log('after the crash:', await b.read('n'));
await there.close();
