/** Read, peek, write. */
import { createBus } from 'tutti';
import { coherence } from 'tutti/coherence';
import { z } from 'zod';

const schema = { plan: z.object({ todo: z.array(z.string()) }), draft: z.string() };
const initial = { plan: { todo: [] }, draft: 'Once' };
await using shared = coherence({ bus: createBus(), schema, initial });
const [writer, editor] = [shared.agent('writer'), shared.agent('editor')];

console.log(editor.peek('draft')); //        no copy yet, and none is asked for
console.log(await editor.read('draft')); //  fetched
console.log(editor.peek('draft')); //        a copy is at hand: no waiting, no message
await writer.write('draft', (text) => `${text} upon a time`);
console.log(editor.has('draft')); //         the write took every other copy away
console.log(await editor.read('draft'), '| version', editor.version('draft'));
