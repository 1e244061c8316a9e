/** Readers that do not wait for a hold. */
import { createBus } from 'tutti';
import { coherence } from 'tutti/coherence';
import { z } from 'zod';

const schema = { draft: z.string() };
const initial = { draft: 'Once' };
await using shared = coherence({ bus: createBus(), schema, initial, readers: 'committed' });
const [writer, reader] = [shared.agent('writer'), shared.agent('reader')];

const hold = await writer.hold('draft');
console.log(await reader.read('draft')); // what was last written, at once
await hold.write('Once upon a time');
console.log(await reader.read('draft'));
