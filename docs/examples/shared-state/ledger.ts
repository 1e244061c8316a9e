/** What reading costs: whole values, differences, notices; and what theory says that it may cost. */
import { createBus } from 'tutti';
import { broadcastTokens, coherence, coherentBounds, leastSavings, TokenLedger } from 'tutti/coherence';
import { z } from 'zod';

const Draft = z.object({ parts: z.array(z.string()) });
const draft = {
  parts: Array.from({ length: 40 }, (_, i) => `Part ${i}. ${'It goes on and on. '.repeat(5)}`),
};
const ledger = new TokenLedger(); // estimates; `new TokenLedger({ counter: await gptTokenizer() })` counts
await using shared = coherence({ bus: createBus(), schema: { draft: Draft }, initial: { draft }, ledger });
const [writer, reader] = [shared.agent('writer'), shared.agent('reader')];

await writer.read('draft');
await reader.read('draft');
await writer.write('draft', ({ parts }) => void (parts[7] = 'Part 7 is short now.'));
await reader.read('draft'); // is sent what changed
for (const { agent, cause, tokens } of ledger.report().rows) console.log(agent, cause, tokens);

// 5 agents, 50 steps, one document of 8,192 tokens, written 4 times:
const [agents, writes, steps, tokens] = [5, 4, 50, 8_192];
console.log(
  broadcastTokens({ agents, steps, artifacts: [tokens] }),
  'if every agent is given it at every step',
);
console.log(coherentBounds({ agents, writes, tokens }));
console.log(
  leastSavings({ agents, writes, steps }).toFixed(2),
  'is saved at least, where the tight bound applies',
);
