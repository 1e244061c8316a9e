/** A first score: write, review twice at once, revise. Run: `node docs/examples/first-score/score.ts`. */
import { perform, score } from 'tutti';
import { z } from 'zod';

const write = ({ topic }: { topic: string }) => `${topic} keeps caches coherent`;
const checkStyle = async ({ text }: { text: string }) => (text.endsWith('.') ? [] : ['end with a full stop']);
const checkFacts = async ({ text }: { text: string }) => (text.includes('MESI') ? [] : ['name the protocol']);
const revise = ({ text, notes }: { text: string; notes: readonly string[][] }) =>
  notes.flat().includes('end with a full stop') ? `${text}.` : text;

export const review = score('review')
  .input(z.object({ topic: z.string() }))
  .step('draft', { agent: write, reads: { topic: 'input.topic' } })
  .step('style', { agent: checkStyle, reads: { text: 'draft' } })
  .step('facts', { agent: checkFacts, reads: { text: 'draft' }, retry: { attempts: 3 } })
  .step('revise', { agent: revise, reads: { text: 'draft', notes: ['style', 'facts'] }, writes: 'draft' });

export const result = perform(review, { input: { topic: 'MESI' }, maxConcurrency: 8 }).result;

const { outputs, usage } = await result;
console.log(outputs.draft, usage);
