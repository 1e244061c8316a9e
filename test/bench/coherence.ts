/** What coherence costs in process: 3 agents × 10,000 keys on one bus. Run it with `node test/bench/coherence.ts`.
 *
 *  Read hits by `peek` and by `await read`; then 1 % and 10 % writes among the reads, each written by a recipe and
 *  awaited, misses included; each with small values and with large ones. Floors: issue 3's table. */
import { createBus } from '../../actors/in-process-bus.ts';
import { coherence } from '../../src/coherence/index.ts';
import type { Schema } from '../../src/schema.ts';

const KEYS = 10_000;
const any: Schema<Value, Value> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as Value }) },
};
interface Value {
  count: number;
  readonly text: string;
}

async function prepare(size: number) {
  const names = Array.from({ length: KEYS }, (_, index) => `key-${index}`);
  const text = 'x'.repeat(size);
  const shared = coherence({
    bus: createBus(),
    schema: Object.fromEntries(names.map((name) => [name, any])),
    initial: Object.fromEntries(names.map((name) => [name, { count: 0, text }])),
    history: 4,
  });
  const agents = ['a', 'b', 'c'].map((name) => shared.agent(name));
  for (const agent of agents) for (const name of names) await agent.read(name);
  return { shared, agents, names };
}
type World = Awaited<ReturnType<typeof prepare>>;

/** The order of keys and agents, made before the clock runs. */
function plan(count: number): { agents: Uint8Array; keys: Uint16Array; writes: Float64Array } {
  const [agents, keys, writes] = [new Uint8Array(count), new Uint16Array(count), new Float64Array(count)];
  let state = 1;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let i = 0; i < count; i++) {
    agents[i] = Math.floor(next() * 3);
    keys[i] = Math.floor(next() * KEYS);
    writes[i] = next();
  }
  return { agents, keys, writes };
}
const COUNT = 1_000_000;
const order = plan(COUNT);

function peeks({ agents, names }: World): number {
  let found = 0;
  for (let i = 0; i < COUNT; i++) {
    if (agents[order.agents[i]!]!.peek(names[order.keys[i]!]!) !== undefined) found++;
  }
  return found;
}
async function reads({ agents, names }: World): Promise<number> {
  let found = 0;
  for (let i = 0; i < COUNT; i++) {
    if ((await agents[order.agents[i]!]!.read(names[order.keys[i]!]!)) !== undefined) found++;
  }
  return found;
}
async function mixed({ agents, names }: World, share: number): Promise<void> {
  for (let i = 0; i < COUNT; i++) {
    const agent = agents[order.agents[i]!]!;
    const name = names[order.keys[i]!]!;
    if (order.writes[i]! < share) await agent.write(name, (value) => void value.count++);
    else await agent.read(name);
  }
}

/** Several runs, slowest first, in million operations per second. */
async function rates(run: () => unknown, times = 5): Promise<number[]> {
  const measured: number[] = [];
  for (let time = 0; time < times; time++) {
    const start = performance.now();
    await run();
    measured.push(COUNT / (performance.now() - start) / 1_000);
  }
  return measured.sort((a, b) => a - b);
}

const rows: Record<string, string>[] = [];
for (const size of [64, 262_144]) {
  const world = await prepare(size);
  const line = async (what: string, floor: number, run: () => unknown) => {
    const measured = (await rates(run)).map((rate) => rate.toFixed(2));
    const [median, least, most] = [measured[2]!, measured[0]!, measured.at(-1)!];
    rows.push({
      what,
      value: `${size} B`,
      'M ops/s': median,
      spread: `${least}–${most}`,
      floor: String(floor),
    });
  };
  await line('read hits, peek', 5, () => peeks(world));
  await line('read hits, await read', 5, () => reads(world));
  await line('1 % writes', 2, () => mixed(world, 0.01));
  await line('10 % writes', 1, () => mixed(world, 0.1));
  if (world.shared.replica.impossible > 0) throw new Error('a line heard what is impossible');
  await world.shared.close();
}
console.table(rows);
