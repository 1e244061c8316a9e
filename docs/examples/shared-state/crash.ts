/** An owner that falls silent loses the key when another agent waits, and its late write is refused. */
import { createBus, VirtualClock } from 'tutti';
import { coherence, FencedError } from 'tutti/coherence';
import { z } from 'zod';

const clock = new VirtualClock(); // so that a minute takes no time here
const bus = createBus({ clock });
const schema = { draft: z.string() };
await using shared = coherence({ bus, schema, initial: { draft: 'Once' }, clock, leaseMs: 60_000 });
const [sleeper, editor] = [shared.agent('sleeper'), shared.agent('editor')];

const hold = await sleeper.hold('draft', { maxMs: 0 }); // not renewed, as if its process were gone
await editor.write('draft', (text) => `${text}, twice`);
console.log('the editor waited', clock.now() / 1_000, 's');
await hold.write('late').catch((error: unknown) => {
  if (!(error instanceof FencedError)) throw error;
  console.log(error.message);
});
console.log(await editor.read('draft'));
