/** What coherence costs in process: 3 agents × 10,000 keys on one bus. Run it with `node test/bench/coherence.ts`.
 *
 *  Read hits by `peek` and by `await read`; then 1 % and 10 % writes among the reads, each written by a recipe and
 *  awaited, misses included; each with small values and with large ones. */
import { createBus } from '../../actors/bus/in-process-bus.ts';
import { coherence } from '../../src/coherence/index.ts';
import type { Schema } from '../../src/score/schema.ts';

const KEYS = 10_000;
const ROUNDS = 7;
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

/** Million operations a second. */
async function rate(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return COUNT / (performance.now() - start) / 1_000;
}

const cases: [what: string, goal: number, run: (world: World) => unknown][] = [
  ['read hits, `peek`', 5, peeks],
  ['read hits, `await read`', 5, reads],
  ['1 % writes', 2, (world) => mixed(world, 0.01)],
  ['10 % writes', 1, (world) => mixed(world, 0.1)],
];
const sizes = [64, 262_144];
const measured = cases.map(() => sizes.map(() => [] as number[]));
for (const [j, size] of sizes.entries()) {
  const world = await prepare(size);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, [, , run]] of cases.entries()) {
      const rated = await rate(() => run(world));
      if (round > 0) measured[i]![j]!.push(rated); // the first round warms up
    }
  }
  if (world.shared.replica.impossible > 0) throw new Error('a line heard what is impossible');
  await world.shared.close();
}

console.log(`# Coherent state in process\n`);
console.log(
  `3 agents × ${KEYS} keys, million operations a second. Medians of ${ROUNDS} rounds of ${COUNT} operations`,
);
console.log(`(smallest–largest); the cases alternate.\n`);
console.log(`|  | ${sizes.map((size) => `values of ${size} B`).join(' | ')} | goal |`);
console.log(`| --- | ${sizes.map(() => '---:').join(' | ')} | ---: |`);
cases.forEach(([what, goal], i) => {
  const cells = measured[i]!.map((list) => {
    const [least, ...rest] = list.toSorted((a, b) => a - b).map((each) => each.toFixed(2));
    return `${rest[(rest.length >> 1) - 1]!} (${least!}–${rest.at(-1)!})`;
  });
  console.log(`| ${what} | ${cells.join(' | ')} | ${goal} |`);
});
