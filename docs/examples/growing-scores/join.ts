import { perform, score, VirtualClock, type AgentContext } from 'tutti';

const ask = async ({ model, seconds }: { model: string; seconds: number }, { sleep }: AgentContext) => {
  await sleep(seconds * 1_000);
  if (model === 'small') throw new Error('overloaded');
  return `answer of ${model}`;
};
const models = score('models').step('models', {
  agent: () => [
    { model: 'large', seconds: 9 },
    { model: 'small', seconds: 1 },
    { model: 'medium', seconds: 4 },
  ],
});
const answer = models.map('answer', {
  over: 'models',
  join: 'any',
  agent: ({ item }: { item: { model: string; seconds: number } }, context) => ask(item, context),
});
const report = await perform(answer, { clock: new VirtualClock() }).result;
console.log(report.outputs.answer, report.makespan);
console.log(report.timeline.map(({ id, status }) => `${id} ${status}`).join(', '));
