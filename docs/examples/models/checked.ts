/** An answer that is checked, and asked for one step up when it is refused. */
import { perform, score, type AgentContext } from 'tutti';
import { UnitGovernor } from 'tutti/actors';
import { escalatingAgent, governed, modelVerifier } from 'tutti/models';
import { z } from 'zod';
import { models, prices, router } from './crew.ts';

const governor = new UnitGovernor({ unit: 'counters' });
const model = governed({ governor, router, models });
const judge = (context: AgentContext) =>
  modelVerifier<string>({
    name: 'judge',
    model, // another one than the author's, and of another family
    prompt: 'Is this a plausible number of sheep? {result}',
    verdictSchema: z.object({ accepted: z.boolean(), reason: z.string() }),
    prices,
    context,
  });
const count = escalatingAgent<{ what: string }>({
  name: 'count',
  model,
  prices,
  prompt: 'How many {what}? {rejection}', // what was wrong with the answer before; empty at first
  verify: (_operands, context) => [
    {
      name: 'a number',
      kind: 'program', // costs nothing, is not persuaded, and goes before models
      check: (answer) => ({ accepted: /^\d+$/.test(answer), quality: 1, reason: 'Answer with digits only.' }),
    },
    judge(context),
  ],
});

const sheep = score('sheep')
  .input(z.object({ what: z.string() }))
  .step('sheep', { agent: count, reads: { what: 'input.what' } });
const { outputs, usage } = await perform(sheep, { input: { what: 'sheep' } }).result;
console.log(outputs.sheep, usage.checked?.steps);
