/** Watching a part of a value, a store for React, and a key that is defined later. */
import { createBus } from 'tutti';
import { coherence } from 'tutti/coherence';
import { z } from 'zod';

const schema = { plan: z.object({ title: z.string(), todo: z.array(z.string()) }) };
const initial = { plan: { title: 'Trip', todo: [] } };
await using shared = coherence({ bus: createBus(), schema, initial });

const view = shared.agent('view');
await view.read('plan');
const stop = view.watch('plan', { select: ({ todo }) => todo }, (todo) => console.log('to do:', todo));
const planner = shared.agent('planner');
await planner.write('plan', (plan) => void plan.todo.push('tickets'));
await planner.write('plan', (plan) => void (plan.title = 'Long trip')); // not what is watched
stop();

const store = view.store('plan', { select: ({ title }) => title });
console.log(store.getSnapshot()); // useSyncExternalStore(store.subscribe, store.getSnapshot)

const more = await shared.define('notes', z.array(z.string()), { initial: [] });
await more.agent('planner').write('notes', (notes) => void notes.push('window seat'));
console.log(await more.agent('view').read('notes'));
