/** State that the steps of one performance share. Run: `node docs/examples/shared-state/in-a-score.ts`. */
import { perform, score, sharedOf } from 'tutti';
import { z } from 'zod';

type Notes = { list: string[] };
const notes = score('notes')
  .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
  .step('a', {
    retry: { attempts: 2, delayMs: 1 },
    agent: async (_, context) => {
      const view = sharedOf<Notes>(context);
      await view.write('list', (list) => void list.push(`a, attempt ${context.attempt}`));
      if (context.attempt === 1) throw new Error('try again'); // drops what this attempt wrote
    },
  })
  .step('b', {
    after: ['a'],
    agent: (_, context) => sharedOf<Notes>(context).write('list', (list) => void list.push('b')),
  });
const { shared } = await perform(notes).result;
console.log(shared?.['list']);
