/** A budget: as money runs out the ceiling falls, and when there is more of it, it lifts. */
import { perform, scoreOf, type StepPlan } from 'tutti';
import { UnitGovernor } from 'tutti/actors';
import { governed, modelAgent } from 'tutti/models';
import { scriptedModel } from 'tutti/testing';
import { prices, router } from './crew.ts';

const asked: string[] = [];
/** Each chapter is longer than the one before it. */
const author = (provider: string, modelId: string, most: number) =>
  scriptedModel({
    provider,
    modelId,
    script: () => ({
      text: 'Once upon a time',
      usage: { input: 100, output: Math.min(150 * asked.push(modelId), most) },
    }),
  });
const models = {
  'north:small': author('north', 'small', 500),
  'south:medium': author('south', 'medium', 2_000),
  'north:large': author('north', 'large', 2_000),
};

const governor = new UnitGovernor({ unit: 'writers', policy: 'performance' }); // the best that can be paid for
const write = modelAgent({
  name: 'write',
  model: governed({ governor, router, models }),
  prompt: 'Write the next chapter.',
  prices,
  maxOutputTokens: 2_000,
});
const chapters = Array.from({ length: 14 }, (_, i): StepPlan => {
  const after = i === 0 ? [] : [`chapter-${i}`];
  return { id: `chapter-${i + 1}`, agent: write.plan, after };
});

const run = perform(scoreOf('book', chapters), {
  budget: { usd: 0.2 },
  onEvent: (event) => {
    if (event.type === 'step.ended' && event.stepId === 'chapter-12') run.extend({ usd: 1 });
  },
});
const { usage } = await run.result;
console.log(asked.slice(0, 12).join(' '), '| more money |', asked.slice(12).join(' '));
console.log(`$${usage.usd?.toFixed(4)}`);
