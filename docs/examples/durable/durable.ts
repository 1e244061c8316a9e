/** A run that is cut off and goes on: what is done is not done again. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agent, perform, score, type AgentContext } from 'tutti';
import { resume } from 'tutti/durable';
import { sqliteStore } from 'tutti/sqlite';

const sent = new Map<string, string>();
/** A receiver that honours the key: it does nothing twice. */
const receiver = (key: string, text: string) => sent.set(key, sent.get(key) ?? text);

let offline = true;
const send = agent({
  name: 'send',
  effects: 'external',
  usesEffectKey: true,
  run: async ({ text }: { text: string }, { effectKey, signal }: AgentContext) => {
    receiver(effectKey, text);
    // The answer never comes: the process ends while it waits.
    if (offline)
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    return `sent under ${effectKey}`;
  },
});
let written = 0;
const letter = score('letter')
  .step('write', { agent: () => `draft ${++written}` })
  .step('send', { agent: send, reads: { text: 'write' } });

const store = sqliteStore(mkdtempSync(join(tmpdir(), 'letters-')));
const stop = new AbortController();
const first = perform(letter, { durable: store, runId: 'letter-1', signal: stop.signal });
setTimeout(() => stop.abort(), 50); // Ctrl-C; kill -9 is no different
console.log((await first.report).status);

offline = false;
const run = await resume(store, 'letter-1', letter);
const { outputs } = await run.result;
console.log(outputs.send, '·', written, 'draft ·', sent.size, 'letter');
store.close();
