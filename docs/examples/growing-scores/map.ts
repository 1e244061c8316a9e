import { perform, score, VirtualClock, type AgentContext } from 'tutti';

const review = async ({ file }: { file: string }, { sleep }: AgentContext) => {
  await sleep(file.length * 1_000);
  return `${file} is fine`;
};
const program = score('reviews')
  .step('files', { agent: () => ['main.ts', 'a.ts', 'index.ts'] })
  .map('reviews', { over: 'files', as: 'file', agent: review, concurrency: 2 });

const { outputs, timeline } = await perform(program, { clock: new VirtualClock() }).result;
console.log(outputs.reviews);
console.log(timeline.map(({ id, start, end }) => `${id}: ${start} to ${end} ms`).join('\n'));
