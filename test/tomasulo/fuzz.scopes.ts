/** Random scores with maps, conditions, sub-scores, loops and questions (`scopeScenarios`), how one is played (`playScopes`),
 *  and what must hold of each (`faultsOfScopes`). What a score returns is judged by `fuzz.scopes.reference.ts`. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { agent, score, StepError, type AgentContext, type Report, type RunEvent, type Score } from 'tutti';
import {
  behave,
  behaviour,
  hangs,
  HEALTHY_BUSES,
  INPUT,
  LIMITS,
  ofEveryone,
  playOn,
  rarely,
  RUN_ID,
  schemaOf,
  setups,
  Stage,
  troubles,
  type Kind,
  type Played,
  type Setup,
} from './fuzz.parts.ts';
import {
  ANSWER,
  behaviourOf,
  EDIT,
  holdsOf,
  madeOf,
  ScopesReference,
  standInOf,
  type FuzzHold,
  type FuzzNode,
  type FuzzScope,
  type FuzzScore,
  type ScopesExpected,
} from './fuzz.scopes.reference.ts';

export interface ScopesScenario extends Setup {
  readonly score: FuzzScore;
}

// ── scores

const yes = (oneIn: number): fc.Arbitrary<boolean> =>
  rarely(fc.constant(true), oneIn).map((given) => given === true);
const place = fc.nat({ max: 30 });
const hold: fc.Arbitrary<FuzzHold> = fc
  .record({
    asks: fc.constantFrom('nothing' as const, 'question' as const, 'answer' as const, 'answer' as const),
    reply: fc.constantFrom<FuzzHold['reply'][]>('answers', 'answers', 'edits', 'refuses', 'unfit', 'silent'),
    timeoutMs: fc.integer({ min: 1, max: 6 }),
    onTimeout: fc.constantFrom('fail' as const, 'resume' as const),
  })
  .map((drawn) =>
    drawn.reply === 'unfit' && drawn.asks !== 'answer' ? { ...drawn, reply: 'answers' } : drawn,
  );

type Scoped =
  | { kind: 'agent' }
  | {
      kind: 'map';
      over: number;
      join: (FuzzScope & { kind: 'map' })['join'];
      concurrency: number | undefined;
      index: boolean;
      body: BodyShape | undefined;
    }
  | { kind: 'score'; body: BodyShape; timeoutMs: number | undefined }
  | {
      kind: 'repeat';
      body: BodyShape;
      max: number;
      enough: number;
      throws: boolean;
      onCap: 'fail' | 'accept';
    };
interface NodeShape extends Omit<FuzzNode, 'id' | 'writes' | 'reads' | 'after' | 'scope'> {
  readonly sharedName: string | undefined;
  readonly reads: readonly { readonly from: number; readonly missing: boolean }[];
  readonly after: readonly number[];
  readonly scoped: Scoped;
}
interface BodyShape {
  readonly nodes: readonly NodeShape[];
  readonly outputs: readonly number[];
  readonly input: FuzzScore['input'];
}

const scopedAt = (depth: number): fc.Arbitrary<Scoped> => {
  const map = (body: fc.Arbitrary<BodyShape | undefined>) =>
    fc.record({
      kind: fc.constant('map' as const),
      over: place,
      join: fc.constantFrom<(FuzzScope & { kind: 'map' })['join'][]>(
        'all',
        'all',
        'allSettled',
        'any',
        'first',
        { quorum: 1 },
        { quorum: 2 },
      ),
      concurrency: fc.constantFrom(undefined, 1, 1, 2),
      index: fc.boolean(),
      body,
    });
  const flat = { weight: 2, arbitrary: map(fc.constant(undefined)) };
  const plain = { weight: 5, arbitrary: fc.constant({ kind: 'agent' as const }) };
  if (depth === 0) return fc.oneof(plain, flat);
  const body = bodyAt(depth - 1);
  return fc.oneof(
    plain,
    flat,
    { weight: 2, arbitrary: map(body) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('score' as const),
        body,
        timeoutMs: rarely(fc.constantFrom(1.5, 4.5), 6),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('repeat' as const),
        body,
        max: fc.integer({ min: 1, max: 3 }),
        enough: fc.integer({ min: 1, max: 4 }),
        throws: yes(12),
        onCap: fc.constantFrom('fail' as const, 'accept' as const),
      }),
    },
  );
};
const nodeAt = (depth: number): fc.Arbitrary<NodeShape> =>
  fc.record({
    agent: fc.constantFrom('a', 'b', 's1'),
    sharedName: rarely(fc.constantFrom('x', 'r0'), 4),
    reads: fc.array(fc.record({ from: place, missing: yes(30) }), { maxLength: 2 }),
    after: fc.array(place, { maxLength: 1 }),
    tolerant: yes(3),
    tries: rarely(fc.integer({ min: 1, max: 3 }), 3),
    fallback: yes(3),
    timeoutMs: rarely(fc.constantFrom(...LIMITS), 6),
    external: yes(8),
    tacet: yes(20),
    downbeat: yes(14),
    when: rarely(fc.constantFrom<FuzzNode['when'][]>('odd', 'odd', 'holds', 'fails', 'throws'), 3),
    otherwise: fc.boolean(),
    hold: rarely(hold, 5),
    behaviours: fc.array(behaviour, { minLength: 1, maxLength: 3 }),
    scoped: scopedAt(depth),
  });
const bodyAt = (depth: number): fc.Arbitrary<BodyShape> =>
  fc.record({
    nodes: fc.array(nodeAt(depth), { minLength: 1, maxLength: 3 }),
    outputs: fc.oneof(
      { weight: 3, arbitrary: fc.constant<number[]>([]) },
      { weight: 1, arbitrary: fc.array(place, { minLength: 1, maxLength: 2 }) },
    ),
    input: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom('none' as const, 'sync' as const) },
      { weight: 1, arbitrary: fc.constantFrom('unfit' as const, 'async' as const) },
    ),
  });
const wholeShape: fc.Arbitrary<Pick<BodyShape, 'nodes'> & { readonly cancels: boolean }> = fc.record({
  nodes: fc.array(nodeAt(2), { minLength: 1, maxLength: 5 }),
  cancels: yes(10),
});

/** What a value looks like, so that reads can follow it. */
type Sort = 'value' | 'other' | { readonly listOf: Sort } | { readonly fields: ReadonlyMap<string, Sort> };
const LIST_OF_VALUES: Sort = { listOf: 'value' };

/** What may be read, with what is found there. */
function pathsOf(names: ReadonlyMap<string, Sort>): (readonly [path: string, sort: Sort])[] {
  const paths: (readonly [string, Sort])[] = [];
  const add = (path: string, sort: Sort): void => {
    paths.push([path, sort]);
    if (sort === 'value') paths.push([`${path}.v`, 'other'], [`${path}.list`, LIST_OF_VALUES]);
    else if (typeof sort === 'object' && 'fields' in sort)
      for (const [field, inner] of sort.fields) add(`${path}.${field}`, inner);
  };
  for (const [name, sort] of names) add(name, sort);
  return paths;
}

/** Numbers become names and properties that are there. */
function scoreIn(shape: BodyShape, input: Sort, hasStepLimit: boolean): { score: FuzzScore; sort: Sort } {
  const names = new Map<string, Sort>([['input', input]]);
  const nodes: FuzzNode[] = [];
  for (const { sharedName, reads, after, scoped, ...rest } of shape.nodes) {
    const id = `s${nodes.length}`;
    const paths = pathsOf(names);
    const pick = (from: number) => paths[from % paths.length]!;
    const all = reads.map(
      ({ from, missing }) => [pick(from)[0] + (missing ? '.missing' : ''), pick(from)[1]] as const,
    );
    const operands = new Map(all.map(([, sort], k) => [`r${k}`, sort] as const));
    const [scope, sort] = scopeIn(scoped, operands, paths, hasStepLimit);
    const { hold: held } = rest;
    const replyless = held?.reply === 'edits' && all.length === 0;
    nodes.push({
      ...rest,
      id,
      writes: sharedName,
      reads: all.map(([path]) => path),
      after: after.map((from) => [...names.keys()][from % names.size]!),
      tolerant: rest.tolerant && scope === undefined,
      otherwise: rest.otherwise && nodes.at(-1)?.when !== undefined,
      hold: replyless ? { ...held, reply: 'answers' } : held,
      timeoutMs: rest.timeoutMs ?? (rest.behaviours.some(hangs) && !hasStepLimit ? LIMITS[0] : undefined),
      scope,
    });
    names.set(sharedName ?? id, sort);
  }
  const paths = pathsOf(names);
  const chosen = shape.outputs.map((from, k) => [`o${k}`, paths[from % paths.length]!] as const);
  const isNamed = chosen.length > 0;
  names.delete('input');
  const fields = isNamed ? new Map(chosen.map(([name, [, sort]]) => [name, sort] as const)) : names;
  const outputs = isNamed ? Object.fromEntries(chosen.map(([name, [path]]) => [name, path])) : undefined;
  return { score: { nodes, outputs, input: shape.input }, sort: { fields } };
}
function scopeIn(
  scoped: Scoped,
  operands: ReadonlyMap<string, Sort>,
  paths: readonly (readonly [path: string, sort: Sort])[],
  hasStepLimit: boolean,
): [FuzzScope | undefined, Sort] {
  if (scoped.kind === 'agent') return [undefined, 'value'];
  if (scoped.kind !== 'map') {
    const { score: body, sort } = scoreIn(scoped.body, { fields: operands }, hasStepLimit);
    return [{ ...scoped, body }, sort];
  }
  const lists = paths.filter(([, sort]) => typeof sort === 'object' && 'listOf' in sort);
  const from = lists.length > 0 ? lists : paths;
  const [over, sort] = from[scoped.over % from.length]!;
  const element: Sort = typeof sort === 'object' && 'listOf' in sort ? sort.listOf : 'other';
  const inner =
    scoped.body && scoreIn(scoped.body, { fields: new Map([['item', element], ...operands]) }, hasStepLimit);
  const result = inner?.sort ?? 'value';
  const { join } = scoped;
  const mapped: Sort =
    join === 'any' || join === 'first' ? result : { listOf: join === 'allSettled' ? 'other' : result };
  return [{ ...scoped, over, body: inner?.score }, mapped];
}

/** What signals may name. */
const NAMES = [
  ...['s0', 's1', 's2', 'a', 'b', 's0[0]', 's1[1]', 's0/s0', 's1#1/s0', 's1#2', 's0[1]/s0', 's1[0]/s1'],
  ...['s1[0]', 's0[0]/s0[1]', 's1/s1'],
];

export const scopeScenarios = (kind: Kind): fc.Arbitrary<ScopesScenario> =>
  setups({ ...kind, names: NAMES }, wholeShape).map(({ shape, calm, ...setup }) => {
    const whole: BodyShape = {
      nodes: shape.nodes.map((node) => (calm ? calmed(node) : node)),
      outputs: [],
      input: 'none',
    };
    const { score: drawn } = scoreIn(whole, 'value', setup.stepMs !== undefined);
    return { ...setup, score: drawn, onFailure: shape.cancels ? 'cancel' : undefined };
  });

/** A step that no limit of time can change. */
function calmed(node: NodeShape): NodeShape {
  const { scoped } = node;
  const body = (shape: BodyShape): BodyShape => ({ ...shape, nodes: shape.nodes.map(calmed) });
  return {
    ...node,
    timeoutMs: undefined,
    behaviours: node.behaviours.map((one) => (hangs(one) ? { ...one, kind: 'sleep' } : one)),
    scoped:
      scoped.kind === 'agent'
        ? scoped
        : scoped.kind === 'map'
          ? { ...scoped, body: scoped.body && body(scoped.body) }
          : {
              ...scoped,
              body: body(scoped.body),
              ...(scoped.kind === 'score' ? { timeoutMs: undefined } : {}),
            },
  };
}

// ── play

const answerSchema = {
  '~standard': {
    version: 1 as const,
    vendor: 'fuzz',
    validate: (value: unknown) => (value === ANSWER ? { value } : { issues: [{ message: 'not yes' }] }),
  },
};

/** Builds a score as a user does. */
function build(
  name: string,
  { nodes, outputs, input }: FuzzScore,
  scenario: ScopesScenario,
  stage: Stage,
): Score<any, any> {
  let built: any = score(name);
  if (input !== 'none') built = built.input(schemaOf(input));
  for (const node of nodes) {
    const { id, reads, after, writes, fallback, tacet, downbeat, when, otherwise, hold: held, scope } = node;
    const common = {
      reads: Object.fromEntries(reads.map((read, k) => [`r${k}`, read])),
      after,
      writes,
      tacet,
      otherwise,
      ...(fallback ? { default: standInOf(id) } : {}),
      ...(when === undefined ? {} : { when: (operands: Record<string, unknown>) => holdsOf(node, operands) }),
      fermata: held && {
        timeoutMs: held.timeoutMs,
        onTimeout: held.onTimeout,
        ...(held.asks === 'nothing' ? {} : { question: held.reply }),
        ...(held.asks === 'answer' ? { answer: answerSchema } : {}),
        ...(held.timeoutMs % 2 === 0 ? { remindMs: 1.75, escalate: { to: 'boss', timeoutMs: 1.25 } } : {}),
      },
    };
    if (downbeat) built = built.downbeat();
    if (scope === undefined)
      built = built.step(id, {
        ...common,
        ...elementOf(node, scenario, stage),
        join: node.tolerant ? 'allSettled' : 'all',
      });
    else if (scope.kind === 'map') {
      const { over, join, concurrency, index, body } = scope;
      const work =
        body === undefined ? elementOf(node, scenario, stage) : { score: build(id, body, scenario, stage) };
      built = built.map(id, {
        ...common,
        over,
        join,
        concurrency,
        ...(index ? { index: 'place' } : {}),
        ...work,
      });
    } else {
      const inner = build(id, scope.body, scenario, stage);
      if (scope.kind === 'score')
        built = built.step(id, { ...common, score: inner, timeoutMs: scope.timeoutMs });
      else {
        const { max, enough, throws, onCap } = scope;
        const until = (_: unknown, round: number): boolean => {
          if (throws) throw new Error('cannot judge');
          return round >= enough;
        };
        built = built.repeat(id, { ...common, score: inner, until, max, onCap });
      }
    }
  }
  return outputs === undefined ? built : built.outputs(outputs);
}
/** What an agent's step and an agent's element have in common. */
function elementOf(node: FuzzNode, scenario: ScopesScenario, stage: Stage): object {
  const { agent: name, tries, timeoutMs, external } = node;
  return {
    agent: agent({
      name,
      capacity: scenario.capacities[name],
      run: (operands: Record<string, unknown>, context: AgentContext) => {
        const { stepId, attempt, answer } = context;
        return behave(behaviourOf(node, stepId, attempt), name, stage, context, () =>
          madeOf(stepId, attempt, operands, answer),
        );
      },
    }),
    retry: tries === undefined ? undefined : { attempts: tries, delayMs: 1.25, repeatsEffect: true },
    timeoutMs,
    effects: external ? 'external' : 'none',
  };
}

/** The person who is asked. */
function reply(event: RunEvent, { run, watch }: Stage): void {
  if (event.type !== 'step.asked') return;
  const { stepId, question } = event;
  try {
    if (question === 'refuses') run.refuse(stepId, 'drawn');
    else if (question === 'answers') void run.cue(stepId, ANSWER);
    else if (question === 'edits') void run.cue(stepId, ANSWER, { operands: { r0: EDIT } });
    else if (question === 'unfit') void run.cue(stepId, 'no');
  } catch (error) {
    const { name } = error as Error;
    if (name !== 'AnswerError' || question !== 'unfit')
      watch.faults.push(`no reply to '${stepId}': ${String(error)}`);
  }
}

/** Plays a scenario to its end. */
export function playScopes(scenario: ScopesScenario): Promise<Played> {
  const { input } = scenario;
  const whole = (stage: Stage): Score<any, any> => {
    const built = build('fuzz', scenario.score, scenario, stage);
    return input === 'none' ? built : built.input(schemaOf(input));
  };
  return playOn(new Stage(scenario, whole, asks(scenario.score) ? reply : undefined));
}
const asks = ({ nodes }: FuzzScore): boolean =>
  nodes.some(
    ({ hold: held, scope }) =>
      (held !== undefined && held.asks !== 'nothing') || (scope?.body !== undefined && asks(scope.body)),
  );

// ── judge

/** Every node by the id that all its steps have in common: without the numbers of elements and rounds. */
function nodesOf(
  { nodes }: FuzzScore,
  prefix = '',
  found = new Map<string, FuzzNode>(),
): Map<string, FuzzNode> {
  for (const node of nodes) {
    found.set(prefix + node.id, node);
    if (node.scope?.body !== undefined) nodesOf(node.scope.body, `${prefix}${node.id}/`, found);
  }
  return found;
}
const commonId = (id: string): string => id.replaceAll(/\[\d+\]|#\d+/g, '');

/** What the reference says of a scenario, where the outcome is determined. */
export function expectedOfScopes(scenario: ScopesScenario): ScopesExpected | undefined {
  const { score: given, acts, bus, clock, tries, stepMs, calls, totalMs, onFailure, aborted } = scenario;
  const early = acts.filter(({ moment }) => moment.at !== 'end');
  if (early.some(({ moment, act }) => moment.at !== 'start' && act.do !== 'stray')) return undefined;
  if (totalMs !== undefined || calls !== undefined || !HEALTHY_BUSES.has(bus.kind)) return undefined;
  const orders = early.flatMap(({ act }) => (act.do === 'signal' ? [ofEveryone(act.order)] : []));
  // Virtual time does not wait for what is on its way over a bus.
  if (bus.kind === 'lags' && (orders.length > 0 || asks(given))) return undefined;
  const nodes = [...nodesOf(given).values()];
  const isHeld = nodes.some(({ hold: held }) => held !== undefined);
  if (clock === 'real' && (stepMs !== undefined || nodes.some((node) => node.timeoutMs !== undefined)))
    return undefined;
  if (orders.some(({ type }) => !['caesura', 'attacca', 'cue', 'downbeat'].includes(type))) return undefined;
  if (isHeld && orders.some(({ type }) => type === 'cue' || type === 'downbeat')) return undefined;
  const refusals = orders.flatMap(({ type, targets }) => (type === 'caesura' ? [targets] : []));
  const cancelled =
    aborted ||
    early.some(({ act }) => act.do === 'cancel' || act.do === 'abort') ||
    refusals.some((targets) => targets.length === 0 || targets.includes('*') || targets.includes(RUN_ID));
  const inputFits = scenario.input !== 'unfit' && scenario.input !== 'asyncUnfit';
  if (!inputFits && cancelled) return undefined; // whichever comes first
  const reference = new ScopesReference({
    score: given,
    input: INPUT,
    stopped: cancelled ? 'cancelled' : inputFits ? undefined : 'failed',
    tries,
    stepMs,
    refused: new Set(refusals.flat()),
  });
  const expected = reference.play();
  if (reference.isOpen) return undefined;
  // What runs beside the first failure depends on time.
  if (
    onFailure === 'cancel' &&
    [...expected.statuses.values()].some((set) => set.has('failed') || set.has('cancelled'))
  )
    return undefined;
  return expected;
}

/** What is wrong with a performance; empty when nothing is. */
export function faultsOfScopes(scenario: ScopesScenario, played: Played): string[] {
  const { report, starts, events } = played;
  const faults = troubles(scenario, played);
  const nodes = nodesOf(scenario.score);
  const ordered = scenario.acts.reduce(
    (sum, { act }) => sum + (act.do === 'signal' ? (act.order.rounds ?? 0) : 0),
    0,
  );
  for (const [id, count] of starts) {
    const { tries } = nodes.get(commonId(id))!;
    if (count > (tries ?? scenario.tries ?? 1) + ordered) faults.push(`'${id}' was started ${count} times`);
  }
  faults.push(...crowds(scenario, nodes, events));
  if (typeof report === 'string' || 'rejectedWith' in report) return faults;
  for (const { id, status } of report.timeline)
    if (status === 'pending' || status === 'waiting' || status === 'running')
      faults.push(`'${id}' is left ${status}`);
  const expected = expectedOfScopes(scenario);
  if (expected !== undefined) faults.push(...differences(report, expected));
  return faults;
}

/** More steps in the window, or more elements of a map, than there may be. */
function crowds(
  { window = Infinity }: Setup,
  nodes: ReadonlyMap<string, FuzzNode>,
  events: readonly RunEvent[],
): string[] {
  const faults: string[] = [];
  const inFlight = new Set<string>();
  const underWay = new Set<string>();
  for (const event of events) {
    if (event.type === 'step.ended') {
      inFlight.delete(event.stepId);
      underWay.delete(event.stepId);
      // What is in a scope that has ended may take its time to stop.
      for (const id of underWay)
        if (/^[[#/]/.test(id.slice(event.stepId.length)) && id.startsWith(event.stepId)) underWay.delete(id);
    }
    if (event.type !== 'step.issued') continue;
    const { stepId } = event;
    const isElement = stepId.endsWith(']');
    const { scope } = nodes.get(commonId(stepId))!;
    if (scope !== undefined && !isElement) continue;
    inFlight.add(stepId);
    underWay.add(stepId);
    if (inFlight.size > window) faults.push(`${inFlight.size} steps in a window of ${window}`);
    for (const { index } of stepId.matchAll(/\[\d+\]/g)) {
      const map = stepId.slice(0, index);
      const { concurrency = Infinity } = nodes.get(commonId(map))!.scope as { concurrency?: number };
      const elements = new Set<string>();
      for (const other of underWay)
        if (other.startsWith(`${map}[`)) elements.add(other.slice(0, other.indexOf(']', map.length)));
      if (elements.size > concurrency) faults.push(`${elements.size} elements of '${map}' at once`);
    }
  }
  return faults;
}

function differences(report: Report, expected: ScopesExpected): string[] {
  const differ: string[] = [];
  const compare = (what: string, found: unknown, wanted: unknown) => {
    if (!isDeepStrictEqual(found, wanted))
      differ.push(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  };
  compare('status', report.status, expected.status);
  compare('outputs', withoutReasons(report.outputs), expected.outputs);
  compare('calls', report.usage.calls, expected.calls);
  compare('retries', report.usage.retries, expected.retries);
  const left = new Map(expected.statuses);
  for (const { id, status, attempts } of report.timeline) {
    const statuses = left.get(id);
    if (statuses === undefined) differ.push(`'${id}' is there`);
    else if (!statuses.has(status))
      differ.push(`'${id}' is ${status} instead of ${[...statuses].join(' or ')}`);
    compare(`tries of '${id}'`, attempts, expected.attempts.get(id));
    left.delete(id);
  }
  if (left.size > 0) differ.push(`not there: ${[...left.keys()].join(', ')}`);
  if (expected.status === 'cancelled' || report.errors.some(({ name }) => name === 'SchemaError'))
    return differ;
  const blamed = report.errors.map((error) => (error instanceof StepError ? error.stepId : String(error)));
  if (new Set(blamed).size < blamed.length) differ.push(`blamed twice: ${blamed.join(', ')}`);
  for (const roots of expected.roots)
    if (!blamed.some((id) => roots.has(id))) differ.push(`none of ${[...roots].join(', ')} is blamed`);
  for (const id of blamed)
    if (!expected.roots.some((roots) => roots.has(id))) differ.push(`'${id}' is blamed`);
  return differ;
}
/** A list of settled elements, as the reference has it. */
function withoutReasons(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReasons);
  if (typeof value !== 'object' || value === null) return value;
  if ((value as { status?: unknown }).status === 'rejected') return { status: 'rejected' };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutReasons(inner)]));
}
