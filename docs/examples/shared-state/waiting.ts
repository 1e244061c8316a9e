/** A hold keeps other writers out while its agent works; an AbortSignal ends any wait. */
import { setTimeout as work } from 'node:timers/promises';
import { createBus } from 'tutti';
import { coherence } from 'tutti/coherence';
import { z } from 'zod';

const schema = { draft: z.string() };
await using shared = coherence({ bus: createBus(), schema, initial: { draft: 'Once' } });
const [writer, editor, reader] = [shared.agent('writer'), shared.agent('editor'), shared.agent('reader')];

const hold = await writer.hold('draft'); // a fermata: no other agent writes this key now
const edited = editor.write('draft', (text) => `${text}.`).then(() => console.log('the editor wrote'));
const impatient = reader.read('draft', { signal: AbortSignal.timeout(5) });
await impatient.catch((error: Error) => console.log('the reader left:', error.name));
await work(10);
await hold.write(`${hold.value} upon a time`); // writes, and ends the hold
await edited;
console.log(await reader.read('draft'));
