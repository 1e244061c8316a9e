/** What the contenders are given to do: lists of nodes, in program order.
 *
 *  W1 and W2 are the two pipelines of the paper with latencies (milliseconds of real time) that are
 *  uneven on purpose: a branch that searches long summarises briefly. Under perfect barriers between
 *  the levels W1 takes 1.286 times its critical path and W2 takes 1.5 times; without barriers, 1.
 *  The others have no latency, so that all the time they take is the orchestrator's own. */

/** One step. `deps` are positions in the list, and always smaller than `id`: the list is a program. */
export interface WorkNode {
  readonly id: number;
  readonly name: string;
  readonly deps: readonly number[];
  readonly ms: number;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly nodes: readonly WorkNode[];
}

/** Adds nodes by name, and so keeps positions and names consistent. */
function pipeline(name: string, title: string) {
  const nodes: WorkNode[] = [];
  const at = new Map<string, number>();
  const add = (step: string, ms: number, ...deps: string[]): void => {
    const positions = deps.map((dep) => {
      const position = at.get(dep);
      if (position === undefined) throw new Error(`${name}: ${step} reads ${dep}, which is not written yet`);
      return position;
    });
    at.set(step, nodes.length);
    nodes.push({ id: nodes.length, name: step, deps: positions, ms });
  };
  return { add, done: (): Workload => ({ name, title, nodes }) };
}

/** Plan, four searches each with its own summary, synthesis, critique, revision. */
function research(): Workload {
  const { add, done } = pipeline('W1', 'research pipeline, fan-out 4');
  const searches = [200, 140, 80, 40];
  const summaries = [40, 80, 120, 200];
  add('plan', 100);
  searches.forEach((ms, i) => add(`search-${i}`, ms, 'plan'));
  summaries.forEach((ms, i) => add(`summary-${i}`, ms, `search-${i}`));
  add('synthesis', 100, ...summaries.map((_, i) => `summary-${i}`));
  add('critique', 60, 'synthesis');
  add('revision', 60, 'synthesis', 'critique');
  return done();
}

/** Six reviewers, each with its own follow-up, then a merge. */
function review(): Workload {
  const { add, done } = pipeline('W2', 'code review, fan-out 6');
  const reviewers = [200, 160, 120, 80, 50, 30];
  const followUps = [20, 40, 70, 110, 140, 200];
  reviewers.forEach((ms, i) => add(`review-${i}`, ms));
  followUps.forEach((ms, i) => add(`follow-up-${i}`, ms, `review-${i}`));
  add('merge', 110, ...followUps.map((_, i) => `follow-up-${i}`));
  return done();
}

/** mulberry32: a small generator with a seed, so that every contender and every run gets one graph. */
function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A random layered graph, about as deep as it is wide, with a fan-in of 1 to 3. The first operand
 *  comes from the layer above, which fixes the level; the others from up to three layers above, so
 *  that the levels are not the only order there is. */
function layered(name: string, size: number, seed: number): Workload {
  const next = random(seed);
  const width = Math.round(Math.sqrt(size));
  const nodes: WorkNode[] = [];
  for (let id = 0; id < size; id += 1) {
    const layer = Math.floor(id / width);
    const deps = new Set<number>();
    const fanIn = layer === 0 ? 0 : 1 + Math.floor(next() * 3);
    for (let i = 0; i < fanIn; i += 1) {
      const up = i === 0 ? 1 : 1 + Math.floor(next() * Math.min(3, layer));
      deps.add((layer - up) * width + Math.floor(next() * width));
    }
    nodes.push({ id, name: `n${id}`, deps: [...deps], ms: 0 });
  }
  return { name, title: `random layered graph, ${size.toLocaleString('en')} nodes`, nodes };
}

function fan(name: string, width: number): Workload {
  const middle = Array.from({ length: width }, (_, i) => i + 1);
  const nodes: WorkNode[] = [{ id: 0, name: 'n0', deps: [], ms: 0 }];
  for (const id of middle) nodes.push({ id, name: `n${id}`, deps: [0], ms: 0 });
  nodes.push({ id: width + 1, name: `n${width + 1}`, deps: middle, ms: 0 });
  return { name, title: `1 → ${width.toLocaleString('en')} → 1`, nodes };
}

function chain(name: string, length: number): Workload {
  const nodes = Array.from({ length }, (_, id) => ({
    id,
    name: `n${id}`,
    deps: id === 0 ? [] : [id - 1],
    ms: 0,
  }));
  return { name, title: `chain of ${length.toLocaleString('en')}`, nodes };
}

const makers = {
  W1: research,
  W2: review,
  'layered-1k': () => layered('layered-1k', 1_000, 1),
  'layered-10k': () => layered('layered-10k', 10_000, 2),
  'layered-100k': () => layered('layered-100k', 100_000, 3),
  'fan-1k': () => fan('fan-1k', 1_000),
  'chain-1k': () => chain('chain-1k', 1_000),
  'chain-100k': () => chain('chain-100k', 100_000),
} as const;

export type WorkloadName = keyof typeof makers;
export const workloadNames = Object.keys(makers) as WorkloadName[];

export function isWorkloadName(name: string): name is WorkloadName {
  return Object.hasOwn(makers, name);
}

/** Built at each call: if the large ones were kept, they would count in every measurement of memory. */
export function workload(name: WorkloadName): Workload {
  return makers[name]();
}

/** The level of each node: 0 without operands, else one more than its deepest operand. */
export function levels(nodes: readonly WorkNode[]): number[][] {
  const depth: number[] = [];
  const out: number[][] = [];
  for (const { id, deps } of nodes) {
    const level = deps.reduce((deepest, dep) => Math.max(deepest, (depth[dep] ?? 0) + 1), 0);
    depth.push(level);
    (out[level] ??= []).push(id);
  }
  return out;
}

/** The longest path in milliseconds: no order of dispatch can be faster. */
export function criticalPath(nodes: readonly WorkNode[]): number {
  const end: number[] = [];
  for (const { deps, ms } of nodes) {
    end.push(ms + deps.reduce((latest, dep) => Math.max(latest, end[dep] ?? 0), 0));
  }
  return end.reduce((latest, time) => Math.max(latest, time), 0);
}

/** The time under perfect barriers: the longest of each level, added up. */
export function barrierPath(nodes: readonly WorkNode[]): number {
  return levels(nodes)
    .map((level) => level.reduce((longest, id) => Math.max(longest, nodes[id]?.ms ?? 0), 0))
    .reduce((sum, ms) => sum + ms, 0);
}
