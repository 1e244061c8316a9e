import { perform, score } from 'tutti';

const program = (text: string) =>
  score('summary')
    .step('text', { agent: () => text })
    .step('shorten', {
      agent: ({ text }: { text: string }) => `${text.slice(0, 9)}…`,
      reads: { text: 'text' },
      when: ({ text }) => text.length > 10,
      writes: 'text',
    })
    .step('print', { agent: ({ text }: { text: string }) => `<${text}>`, reads: { text: 'text' } });

for (const text of ['a long text', 'short']) {
  const { outputs, timeline } = await perform(program(text)).result;
  console.log(outputs.print, timeline[1]!.status, timeline[1]!.reason ?? '(no reason)');
}
