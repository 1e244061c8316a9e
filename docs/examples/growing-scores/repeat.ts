import { perform, score } from 'tutti';
import { z } from 'zod';

const round = score('round')
  .input(z.object({ text: z.string() }))
  .step('text', {
    agent: ({ text }: { text: string }) => `${text}!`,
    reads: { text: 'input.text' },
  })
  .step('grade', { agent: ({ text }: { text: string }) => text.length / 10, reads: { text: 'text' } });

const program = score('letter')
  .step('greeting', { agent: () => 'Hello' })
  .repeat('draft', {
    score: round,
    reads: { text: 'greeting' },
    until: ({ grade }) => grade >= 0.7,
    max: 5,
  });

const { outputs, timeline } = await perform(program).result;
console.log(outputs.draft);
console.log(timeline.map(({ id }) => id).join(', '));
