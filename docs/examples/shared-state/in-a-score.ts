/** State that the steps of one performance share. Run: `node docs/examples/shared-state/in-a-score.ts`. */
import { perform, score, sharedOf } from 'tutti';
import { z } from 'zod';

type Notes = { list: string[] };
const notes = score('notes')
  .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
  .step('a', { agent: (_, context) => sharedOf<Notes>(context).write('list', (list) => void list.push('a')) })
  .step('b', {
    agent: (_, context) => sharedOf<Notes>(context).write('list', (list) => void list.push('b')),
  });
const { shared } = await perform(notes).result;
console.log(shared?.['list']);
