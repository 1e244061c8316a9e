/** A person answers a question, edits what a step reads, and refuses a step, while the rest goes on. */
import { perform, score, VirtualClock, type AgentContext } from 'tutti';
import { z } from 'zod';

const release = score('release')
  .step('draft', { agent: () => 'We are glad to anounce …' })
  .step('publish', {
    agent: ({ text }: { text: string }, { answer }: AgentContext) =>
      `${text} (to ${(answer as { list: string }).list})`,
    reads: { text: 'draft' },
    fermata: {
      question: 'Publish this, and to which list?',
      answer: z.object({ list: z.enum(['everyone', 'staff']) }),
      timeoutMs: 86_400_000, // a day
      remindMs: 3_600_000, // every hour
      escalate: { to: 'the editor in chief', timeoutMs: 86_400_000 },
    },
  })
  .step('tweet', { agent: () => 'sent', fermata: { question: 'Tweet it?' }, default: 'not sent' })
  .step('statistics', { agent: () => 'counted' });

const clock = new VirtualClock();
const run = perform(release, {
  clock,
  onEvent: (event) => {
    if (event.type === 'step.asked') console.log(`${event.stepId}: ${event.question}`);
    if (event.type === 'step.escalated') console.log(`${event.stepId}: now ${event.to} decides`);
  },
});
clock.setTimeout(() => {
  run.refuse('tweet', 'the account is closed');
  try {
    void run.cue('publish', { list: 'all' }); // the step stays held
  } catch (error) {
    console.log((error as Error).message);
  }
}, 1_000);
clock.setTimeout(() => {
  const [held] = run.holds;
  const text = String(held?.operands?.['text']).replace('anounce', 'announce');
  void run.cue('publish', { list: 'staff' }, { operands: { text } });
}, 100_000_000);
console.log((await run.result).outputs);
