/** What is claimed of shared state, judged through `coherence()` and its agents: what a user calls. */
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { Envelope } from '../../machines/hct/signal.ts';
import type { Bounds, Claim, Finding } from '../../specs/harness/claim.ts';
import { LaggingLog, pump } from '../../specs/harness/lagging.ts';
import type { Random } from '../../specs/harness/random.ts';
import { turns } from '../../specs/harness/turn.ts';
import { oneMemory } from '../../specs/coherence/litmus/model.ts';
import { SHAPES } from '../../specs/coherence/litmus/shapes.ts';
import { agent } from '../score/agent.ts';
import { coherence, ConflictError, ValueError } from '../coherence/index.ts';
import type { StepHold } from '../coherence/transaction.ts';
import { perform } from '../score/perform.ts';
import { scoreOf } from '../score/score.ts';
import { sharedOf } from '../coherence/shared.ts';
import { holdClaims } from './holding.ts';
import { runHistory, type HistoryPlan } from './histories.ts';
import { runLitmus } from './litmus.ts';
import { drawMemory, judgeMemory, shownMemory, type ItemLists, type MemoryCase } from './memory-model.ts';
import { apiClaim, must, text, without } from './sample.ts';
import { anything } from './shared-values.ts';

// ── the signals
interface SignalledWrite {
  readonly agent: number;
  readonly kind: 'read' | 'write' | 'hold' | 'cas' | 'session';
}
/** Which signals an operation puts on the bus, and when. */
async function speaksHct(operations: readonly SignalledWrite[]): Promise<undefined> {
  const log = new LaggingLog();
  const bus = log.view();
  const heard: Envelope[] = [];
  bus.signals.subscribe((envelope) => void heard.push(envelope));
  const space = coherence({ bus, schema: { k: anything<ItemLists>() }, initial: { k: [] }, session: 'r' });
  const copies = new Set<number>();
  /** The agent that has the only copy, and may write without asking. */
  let sole: number | undefined;
  let version = 0;
  for (const [i, { agent: by, kind }] of operations.entries()) {
    const shared = space.agent(`a${by}`);
    const append = (value: ItemLists) => [...value, `w${i}`];
    const session = kind === 'session' ? await pump(log, shared.session(['k'])) : undefined;
    await session?.write('k', append);
    heard.length = 0;
    const had = shared.has('k');
    const holding = kind === 'hold' ? await pump(log, shared.hold('k')) : undefined;
    if (holding !== undefined && sole !== by)
      must(requested(heard, by), () => `a${by} holds k, and no fermata of it was on the bus.`);
    if (kind === 'read') await pump(log, shared.read('k'));
    else if (kind === 'write') await pump(log, shared.write('k', append));
    else if (kind === 'cas') await pump(log, shared.compareAndSet('k', version, append));
    else if (holding !== undefined) await pump(log, holding.write(append));
    else await pump(log, session!.publish());
    const own = heard.filter(({ signal }) => (signal as { source?: string }).source?.startsWith(`a${by}@`));
    const kinds = own.map(({ signal }) => nameOfSignal(signal)).filter((name) => name !== 'cue resume');
    const due = dueSignals(kind, had, sole === by);
    must(
      text(kinds) === text(due),
      () =>
        `To ${kind} k, a${by} puts ${kinds.join(', ') || 'nothing'} on the bus, and not ${due.join(', ') || 'nothing'}.`,
    );
    for (const { signal } of heard)
      must(
        !targetsOf(signal).some((name) => name === '*' || name.startsWith('a')) &&
          targetsOf(signal).length > 0,
        () => `A signal of shared state is addressed to ${text(targetsOf(signal))}, as if it were for steps.`,
      );
    if (kind === 'read') {
      if (copies.size === 0) sole = by;
      else if (sole !== by) sole = undefined;
      copies.add(by);
      continue;
    }
    version++;
    copies.clear();
    sole = kind === 'write' || kind === 'hold' ? by : undefined;
    if (sole !== undefined) copies.add(by);
  }
  space.stop();
}
const targetsOf = (signal: object): readonly string[] =>
  (signal as { targets?: readonly string[] }).targets ?? [];
const nameOfSignal = (signal: object): string => {
  const { type, intent, key } = signal as { type: string; intent?: string; key?: string };
  return `${type} ${intent ?? ''}${key === undefined ? '' : ` ${key}`}`.replace(
    /^cue resume.*/,
    'cue resume',
  );
};
const requested = (heard: readonly Envelope[], by: number): boolean =>
  heard.some(
    ({ signal }) =>
      nameOfSignal(signal) === 'fermata rfo k' && (signal as { source: string }).source.startsWith(`a${by}@`),
  );
function dueSignals(kind: SignalledWrite['kind'], had: boolean, sole: boolean): string[] {
  const [request, publication] = ['fermata rfo k', 'cue update k'];
  if (kind === 'read') return had ? [] : ['cue activate k'];
  if (kind === 'session') return ['cue update'];
  if (kind === 'cas' || (kind === 'write' && sole)) return [publication];
  return [request, publication];
}

// ── values
type Nested = number | Nested[] | { [name: string]: Nested };
interface Edit {
  readonly agent: number;
  readonly kind: 'set' | 'add' | 'remove' | 'whole';
  readonly name: string;
  readonly value: Nested;
}
function drawNested(random: Random, depth = 2): Nested {
  const kind = depth === 0 ? 0 : random.below(3);
  if (kind === 0) return random.below(100);
  const inner = () => drawNested(random, depth - 1);
  if (kind === 1) return Array.from({ length: random.below(4) }, inner);
  return Object.fromEntries(['p', 'q'].slice(random.below(2)).map((name) => [name, inner()]));
}
const drawEdit = (random: Random): Edit => ({
  agent: random.below(2),
  kind: random.pick(['set', 'set', 'add', 'remove', 'whole'] as const),
  name: random.pick(['a', 'b', 'c']),
  value: drawNested(random),
});
type Draft = { list: Nested[]; map: { [name: string]: Nested } };
function edit(draft: Draft, { kind, name, value }: Edit): Draft | void {
  if (kind === 'set') draft.map[name] = value;
  else if (kind === 'add') draft.list.push(value);
  else if (kind === 'remove') draft.list.splice(0, 1);
  else return { list: [value], map: {} };
}
/** Applies patches as their definition says: replace, add and remove at a path. */
function patched(
  value: unknown,
  patches: readonly { op: string; path: readonly (string | number)[]; value?: unknown }[],
) {
  let root = structuredClone(value);
  for (const { op, path, value: given } of patches) {
    const next = structuredClone(given);
    if (path.length === 0) {
      root = next;
      continue;
    }
    const parent = path.slice(0, -1).reduce((at: any, name) => at[name], root);
    const last = path.at(-1)!;
    if (Array.isArray(parent) && last !== 'length') {
      if (op === 'add') parent.splice(Number(last), 0, next);
      else if (op === 'remove') parent.splice(Number(last), 1);
      else parent[Number(last)] = next;
    } else if (op === 'remove') delete parent[last];
    else parent[last] = next;
  }
  return root;
}
async function deltasAreWhole(edits: readonly Edit[]): Promise<undefined> {
  const log = new LaggingLog();
  const bus = log.view();
  const first: Draft = { list: [], map: {} };
  let carried = 0;
  let before: unknown = first;
  const wrong: string[] = [];
  bus.signals.subscribe(({ signal }) => {
    const { entry } = ((signal as { payload?: object }).payload ?? {}) as { entry?: { op?: string; value?: unknown; patches?: never[] } }; // prettier-ignore
    if (entry?.op !== 'put') return;
    if (entry.patches !== undefined) {
      carried++;
      const made = text(canonical(patched(before, entry.patches)));
      if (made !== text(canonical(entry.value)))
        wrong.push(`The patches on the bus make ${made}, and the value is ${text(canonical(entry.value))}.`);
    }
    before = entry.value;
  });
  const space = coherence({ bus, schema: { k: anything<Draft>() }, initial: { k: first }, session: 'r' });
  const reader = space.agent('reader');
  const copy = await pump(log, reader.copy('k'));
  let value: Draft = first;
  for (const one of edits) {
    const next = structuredClone(value);
    value = edit(next, one) ?? next;
    await pump(
      log,
      space.agent(`a${one.agent}`).write('k', (draft) => edit(draft, one)),
    );
    const read = await pump(log, reader.read('k'));
    must(
      text(canonical(read)) === text(canonical(value)),
      () => `k is read as ${text(read)}, and has to be ${text(value)}.`,
    );
  }
  must(wrong.length === 0, () => wrong[0]!);
  must(carried > 0, () => 'No write carries its patches.');
  const refused = await pump(log, copy.write(first)).catch((error: unknown) => error);
  must(refused instanceof ConflictError, () => 'A write from an old copy is not refused.');
  if (refused.patches !== undefined) {
    const made = text(canonical(patched(copy.value, refused.patches)));
    must(
      made === text(canonical(value)),
      () => `The conflict’s patches make ${made}, and k is ${text(canonical(value))}.`,
    );
  }
  space.stop();
}
/** The same value with names in order. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, canonical(one)]));
};

const NOT_JSON: readonly (() => unknown)[] = [
  () => new Date(0),
  () => new Map(),
  () => [undefined],
  () => 1n,
  () => Number.NaN,
  () => () => 1,
  () => new URL('https://example.org'),
];
interface CopyCase {
  readonly value: Nested;
  readonly notJson: number;
}
/** Callers and readers keep nothing by which they could change what is shared. */
async function valuesAreCopies({ value, notJson }: CopyCase): Promise<undefined> {
  const log = new LaggingLog();
  const space = coherence({
    bus: log.view(),
    schema: { k: anything<unknown>() },
    initial: { k: 0 },
    session: 'r',
  });
  const [writer, reader] = [space.agent('writer'), space.agent('reader')];
  const given = { value: structuredClone(value) } as Record<string, unknown>;
  const right = text(given);
  const shared = async (what: string) => {
    const found = text(await pump(log, space.agent('other').read('k')));
    must(found === right, () => `${what}, k is ${found}; it was ${right}.`);
  };
  await pump(log, writer.write('k', given));
  given['value'] = 'changed';
  await shared('After the caller changed its object');
  const read = await pump(log, reader.read('k'));
  Reflect.set(read as object, 'value', 'changed');
  await shared('After a reader changed what it read');
  const failing = writer.write('k', (draft: unknown) => {
    (draft as Record<string, unknown>)['value'] = 'changed';
    throw new Error('no');
  });
  const failed = await pump(log, failing).catch((error: unknown) => error);
  must(failed instanceof Error, () => 'A recipe that throws is accepted.');
  await shared('After a recipe that threw');
  const strange = NOT_JSON[notJson]!();
  for (const change of [
    { value: strange },
    (draft: unknown) => void ((draft as Record<string, unknown>)['value'] = strange),
  ]) {
    const refused = await pump(log, writer.write('k', change as never, typeof change === 'function' ? {} : { blind: true })).catch((error: unknown) => error); // prettier-ignore
    must(
      refused instanceof ValueError,
      () => `A value that is not JSON (${String(strange)}) is not refused.`,
    );
    await shared('After a value that is not JSON');
  }
  space.stop();
}

// ── steps
interface SharingStep {
  readonly writes: number;
  /** Whether it publishes after its first write. */
  readonly publishes: boolean;
  readonly failures: number;
  readonly attempts: number;
  readonly latency: number;
  /** How it writes. */
  readonly kind: 'recipe' | 'update' | 'hold';
}
/** What a failed attempt wrote is dropped; what the one that succeeds wrote is there once. In real time: virtual time
 *  stands still while a step waits for another step's hold. */
async function stepsAreTransactions(steps: readonly SharingStep[]): Promise<undefined> {
  const due: string[] = [];
  const plans = steps.map((step, i) => ({
    id: `s${i}`,
    ...(step.attempts > 1 ? { retry: { attempts: step.attempts, delayMs: 1 } } : {}),
    agent: agent({
      name: `agent${i}`,
      run: async (_: object, context: AgentContext) => {
        const view = sharedOf<{ k: ItemLists }>(context);
        let hold: StepHold<ItemLists> | undefined;
        for (let n = 0; n < step.writes; n++) {
          const id = `s${i}.${context.attempt}.${n}`;
          if (step.kind === 'recipe') await view.write('k', (items) => [...items, id]);
          else if (step.kind === 'update') await view.update('k', (items) => [...items, id]);
          else {
            hold ??= await view.hold('k');
            await hold.write((items) => [...items, id]);
          }
          const own = await view.read('k');
          must(own.at(-1) === id, () => `${id} was written, and its step reads ${text(own)}.`);
          if (n === 0 && step.publishes) {
            await view.publish();
            hold = undefined; // publication has ended it
          }
          await context.sleep(step.latency);
        }
        if (context.attempt <= step.failures) throw new Error('not yet');
      },
    }).plan,
  }));
  steps.forEach(({ failures, attempts, publishes, writes }, i) => {
    for (let attempt = 1; attempt <= Math.min(attempts, failures + 1); attempt++)
      for (let n = 0; n < writes; n++)
        if (attempt > failures || (publishes && n === 0)) due.push(`s${i}.${attempt}.${n}`);
  });
  const state = { schema: { k: anything<ItemLists>() }, initial: { k: [] } };
  const report = await perform(scoreOf('sharing', plans, { state })).report;
  report.timeline.forEach(({ id, status }, i) => {
    const right = steps[i]!.failures < steps[i]!.attempts ? 'done' : 'failed';
    must(status === right, () => `${id} is ${status}, and has to be ${right}.`);
  });
  const found = report.shared!['k'] as ItemLists;
  must(
    text(found.toSorted()) === text(due.toSorted()),
    () => `Shared at the end: ${text(found.toSorted())}; it has to be ${text(due.toSorted())}.`,
  );
  const order = (items: ItemLists, i: number) => items.filter((id) => id.startsWith(`s${i}.`));
  steps.forEach((_, i) =>
    must(
      text(order(found, i)) === text(order(due, i)),
      () => `The writes of s${i} are in the order ${text(order(found, i))}.`,
    ),
  );
}
const drawSharing = (random: Random): SharingStep => ({
  writes: random.whole(1, 3),
  publishes: random.below(4) === 0,
  failures: random.below(3) === 0 ? random.whole(1, 2) : 0,
  attempts: random.whole(1, 3),
  latency: random.below(3),
  kind: random.pick(['recipe', 'recipe', 'update', 'hold'] as const),
});

// ── litmus
/** @param schedules of each shape and policy for readers, as a part of `--runs` */
async function litmus({ runs, seed, signal, progress }: Bounds, share: number): Promise<Finding> {
  const turn = turns(signal);
  const schedules = Math.max(2, Math.round(runs * share));
  const bound = `${SHAPES.length} shapes of up to 4 threads, readers wait and committed, ${schedules} random schedules of each, on 1–4 lagging replicas`;
  let done = 0;
  for (const test of SHAPES) {
    const allowed = oneMemory(test.init, test.threads);
    for (const readers of ['wait', 'committed'] as const) {
      for (let i = 0; i < schedules; i++, done++) {
        await turn();
        progress?.(done / (2 * SHAPES.length * schedules));
        const outcome = await runLitmus(test, { seed: seed + i, readers });
        if (allowed.has(outcome)) continue;
        const what = `${test.name}, readers ${readers}: ${outcome} is not what one memory would show.`;
        const transcript = test.threads.map((ops, thread) => ({ from: `t${thread}`, text: text(ops) }));
        return {
          verdict: 'fails',
          bound,
          runs: done + 1,
          counterexample: { what, seed: seed + i, transcript },
        };
      }
    }
  }
  return { verdict: 'holds', bound, runs: done };
}

const memorySample = (kinds: 'memory' | 'sessions') =>
  ({
    draw: drawMemory(kinds),
    judge: judgeMemory,
    shown: shownMemory,
    smaller: function* (given: MemoryCase) {
      for (const operations of without(given.operations)) yield { ...given, operations };
    },
  }) as const;

export const coherenceClaims: readonly Claim[] = [
  apiClaim('mesi', 'operational semantics', {
    property:
      'On the bus, a request for ownership is a fermata with intent rfo and a publication is a cue with intent update, before the write is done; a read of a copy puts nothing there.',
    source: 'paper 4.4 (read-for-ownership ↔ fermata, invalidation ↔ cue)',
    bound: 'up to 10 reads, writes, holds, sessions and compare-and-sets of 3 agents',
    share: 0.1,
    draw: (random): readonly SignalledWrite[] =>
      Array.from({ length: random.whole(1, 10) }, () => ({
        agent: random.below(3),
        kind: random.pick(['read', 'write', 'hold', 'cas', 'session'] as const),
      })),
    judge: speaksHct,
    shown: (given: readonly SignalledWrite[]) => given.map(({ agent: by, kind }) => `a${by} ${kind}`),
    smaller: without,
  }),
  apiClaim('mesi', 'invariant guarantees', {
    property:
      'In one process, what an agent reads or peeks after any write is that write, or older by at most what its strategy allows; a write is accepted exactly if it was computed from the current version.',
    source: 'Sorin, Hill & Wood, 2.3 (data value); docs/decisions/0011, 0015',
    bound: '2–3 agents with every strategy, 1–3 keys, up to 40 operations, one after the other',
    share: 0.4,
    ...memorySample('memory'),
  }),
  apiClaim('mesi', 'invariant guarantees', {
    property:
      'A session sees one cut; it is published, all of it, exactly if nothing that it read or wrote has changed since, and a refusal names what has.',
    source: 'Berenson et al. 1995, A5B (write skew); docs/guides/shared-state.md',
    bound: '2–3 agents with open sessions on 1–3 keys, up to 80 operations, one after the other',
    share: 0.3,
    ...memorySample('sessions'),
  }),
  apiClaim('mesi', 'invariant guarantees', {
    property:
      'Differences equal whole values: the patches on the bus and in a conflict turn the older value into the newer one.',
    source: 'docs/decisions/0014; Immer (patches)',
    bound: 'up to 6 edits of lists and maps by 2 agents',
    share: 0.05,
    draw: (random): readonly Edit[] => Array.from({ length: random.whole(1, 6) }, () => drawEdit(random)),
    judge: deltasAreWhole,
    shown: (given: readonly Edit[]) => given.map(text),
    smaller: function* (given: readonly Edit[]) {
      if (given.length > 1) yield* without(given);
    },
  }),
  apiClaim('mesi', 'invariant guarantees', {
    property:
      'Shared values are copies: neither a caller nor a reader can change them, a recipe that throws changes nothing, and what is not JSON is refused.',
    source: 'docs/guides/shared-state.md',
    bound: `values of up to 3 levels, and ${NOT_JSON.length} kinds of values that are not JSON`,
    share: 0.03,
    draw: (random): CopyCase => ({ value: drawNested(random), notJson: random.below(NOT_JSON.length) }),
    judge: valuesAreCopies,
    shown: (given) => [text(given)],
  }),
  ...holdClaims,
  {
    mapping: 'mesi',
    criterion: 'invariant guarantees',
    property:
      'Whatever the lag, what agents read through the API is what one memory would have shown them in some order.',
    source: 'Lamport 1979 (sequential consistency); Attiya & Welch 1994; Alglave et al. 2014 (litmus tests)',
    expected: 'holds',
    instrument: 'api',
    check: (bounds) => litmus(bounds, 0.02),
  },
  apiClaim('mesi', 'failure modes', {
    property:
      'On lagging replicas with repeated messages, crashes and leases that run out, no agent sees a key go back, each acknowledged write is in every replica exactly once, a refused one in none, and every request ends.',
    source: 'Herlihy & Wing 1990; docs/decisions/0011, 0012',
    bound: '2–8 agents with 4 operations each, 1–8 keys, 1–3 replicas, every strategy',
    share: 0.06,
    draw: (random): HistoryPlan => ({
      seed: random.below(2 ** 31),
      agents: random.whole(2, 8),
      keys: random.below(2) === 0 ? random.whole(1, 2) : random.whole(1, 8),
      replicas: random.whole(1, 3),
      readers: random.pick(['wait', 'committed'] as const),
      crash: random.below(2) === 0,
    }),
    judge: (plan) => runHistory(plan).then(() => undefined),
    shown: (plan) => [text(plan)],
  }),
  apiClaim('mesi', 'failure modes', {
    property:
      'A step’s writes to shared state are there once if it succeeds, and not at all if it fails, however often it is tried; what it published itself stays.',
    source: 'docs/guides/shared-state.md',
    bound: '1–5 steps at once on one key, with retries, explicit publication, recipes, updates and holds',
    share: 0.1,
    draw: (random): readonly SharingStep[] =>
      Array.from({ length: random.whole(1, 5) }, () => drawSharing(random)),
    judge: stepsAreTransactions,
    shown: (given: readonly SharingStep[]) => given.map(text),
    smaller: without,
  }),
];
