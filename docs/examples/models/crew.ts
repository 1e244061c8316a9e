/** The three models of these examples, and the table that says when each of them plays. They are scripted, so that the examples run anywhere and cost nothing; their
 *  prices are made up. */
import { createRouter, loadPrices } from 'tutti/routing';
import { scriptedModel } from 'tutti/testing';

/** Answers, and is content with any answer that it is to judge. */
const scripted = (provider: string, modelId: string, answer: string) =>
  scriptedModel({
    provider,
    modelId,
    script: ({ responseFormat }) => ({
      ...(responseFormat?.type === 'json'
        ? { object: { accepted: true, reason: 'plausible' } }
        : { text: answer }),
      usage: { input: 100, output: 50 },
    }),
  });

export const models = {
  'north:small': scripted('north', 'small', 'about forty'),
  'south:medium': scripted('south', 'medium', '42'),
  'north:large': scripted('north', 'large', '42'),
};
export const prices = await loadPrices({
  lookUp: false,
  overrides: {
    'north:small': { input: 0.1, output: 0.4 }, // US dollars per million tokens
    'south:medium': { input: 1, output: 5 },
    'north:large': { input: 5, output: 25 },
  },
});

export const router = createRouter({
  nearest: true, // cells without a row take the nearest one
  table: [
    { tempo: 'andante', dynamics: 'pp', model: 'north:small', maxOutputTokens: 500 },
    { tempo: 'allegro', dynamics: 'mf', model: 'south:medium', maxOutputTokens: 2_000 },
    { tempo: 'presto', dynamics: 'ff', model: 'north:large', reasoning: 'high', timeoutMs: 120_000 },
  ],
});
