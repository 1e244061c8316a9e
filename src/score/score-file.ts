/** Scores as documents: the same score as the builder's, written as YAML or JSON. Durations in seconds.
 *
 *  What a document may say is `scoreDocument`; unknown keys are refused. Where agents come from (a module, a
 *  program) is the caller's business, so that this file runs anywhere. */
import { z } from 'zod';
import {
  nearest,
  ScoreError,
  type AgentPlan,
  type ConditionPlan,
  type ScopePlan,
  type StepPlan,
} from '../../actors/tomasulo/program.ts';
import { HOLD_TYPES } from '../../machines/hct/signal.ts';
import { commandFindings, programShape } from './program-command.ts';
import type { Schema } from './schema.ts';
import { bodyOf, elementBody, planScope, scoreOf, type Score } from './score.ts';
import type { SharedState } from '../coherence/shared.ts';

const seconds = z.number().min(0).max(2_000_000);
const read = z.union([z.string().min(1), z.array(z.string().min(1))]);

/** An agent is a program, or a function of a module. */
const programAgent = z.strictObject({ ...programShape, timeout: seconds.optional() });
const moduleAgent = z.strictObject({
  /** A module beside the score; its default export, or `export`, is the agent. */
  module: z.string().min(1),
  export: z.string().min(1).optional(),
  capacity: z.int().min(1).optional(),
  timeout: seconds.optional(),
});

export type ModuleAgent = z.infer<typeof moduleAgent>;
type AgentEntry = z.infer<typeof programAgent> | ModuleAgent;

const retry = z.strictObject({
  attempts: z.int().min(1).max(100),
  delay: seconds.optional(),
  factor: z.number().min(1).max(10).optional(),
  maxDelay: seconds.optional(),
  jitter: z.number().min(0).max(1).optional(),
  on: z.array(z.string().min(1)).min(1).optional(),
  repeatsEffect: z.boolean().optional(),
});
const hedge = z.strictObject({
  /** Seconds until a second attempt is started. */
  after: seconds,
});
const fermata = z.strictObject({
  hold: z.enum(HOLD_TYPES).optional(),
  timeout: seconds.optional(),
  onTimeout: z.enum(['fail', 'resume']).optional(),
  question: z.string().min(1).optional(),
  /** JSON Schema of the answer. */
  answer: z.union([z.boolean(), z.record(z.string(), z.json())]).optional(),
  remind: seconds.optional(),
  escalate: z.strictObject({ to: z.string().min(1), timeout: seconds.optional() }).optional(),
});
const vamp = z.strictObject({
  max: z.int().min(1).max(1_000),
  /** A property of the result that has to be true, or … */
  until: z.string().min(1),
  /** … at least this number. */
  atLeast: z.number().optional(),
  onCap: z.enum(['fail', 'accept']).optional(),
});

const join = z.union([
  z.enum(['all', 'allSettled', 'any', 'first']),
  z.strictObject({ quorum: z.int().min(1) }),
]);
const map = z.strictObject({
  /** The list: a name, or a property of one. */
  over: z.string().min(1),
  /** The operand of an element; default `item`. */
  as: z.string().min(1).optional(),
  /** The operand of its place, from 0. */
  index: z.string().min(1).optional(),
  concurrency: z.int().min(1).optional(),
  join: join.optional(),
});
const repeat = z.strictObject({
  /** A comparison of the outputs, as `when` has it. */
  until: z.string().min(1),
  max: z.int().min(1).max(1_000),
  onCap: z.enum(['fail', 'accept']).optional(),
});

const stepEntry = z.strictObject({
  id: z.string().min(1),
  /** One of `agents`, or … */
  agent: z.string().min(1).optional(),
  /** … one of `scores`. */
  score: z.string().min(1).optional(),
  map: map.optional(),
  repeat: repeat.optional(),
  /** `operand`, `not operand`, or `operand.property >= 0.8`. */
  when: z.string().min(1).optional(),
  otherwise: z.boolean().optional(),
  reads: z.record(z.string(), read).optional(),
  after: z.array(z.string().min(1)).optional(),
  writes: z.string().min(1).optional(),
  join: join.optional(),
  retry: retry.optional(),
  timeout: seconds.optional(),
  idle: seconds.optional(),
  hedge: hedge.optional(),
  default: z.json().optional(),
  urgency: z.number().min(1).max(10).optional(),
  cost: z.number().min(0).optional(),
  effects: z.enum(['none', 'idempotent', 'external']).optional(),
  fermata: z.union([z.enum(HOLD_TYPES), fermata]).optional(),
  vamp: vamp.optional(),
  tacet: z.boolean().optional(),
  attacca: z.boolean().optional(),
  downbeat: z.boolean().optional(),
});

const sharedEntry = z.strictObject({
  /** The value to begin with. */
  initial: z.json(),
  /** JSON Schema of the value. */
  schema: z.union([z.boolean(), z.record(z.string(), z.json())]).optional(),
});

/** Hard limits of a performance. At least one call and one token, since less could perform nothing; no money is a limit
 *  that makes sense: models that cost nothing. */
const wholeLimit = { error: 'must be a whole number of at least 1; leave it out for no limit' };
const moneyLimit = { error: 'must be US dollars from 0 to 1,000,000; leave it out for no limit' };
const budget = z.strictObject({
  /** Agents that are started, tries included. */
  calls: z.int(wholeLimit).min(1, wholeLimit).optional(),
  /** Of model agents, in and out. */
  tokens: z.int(wholeLimit).min(1, wholeLimit).optional(),
  /** Of model agents. */
  usd: z.number(moneyLimit).min(0, moneyLimit).max(1_000_000, moneyLimit).optional(),
});

const outputs = z.union([z.array(z.string().min(1)), z.record(z.string(), z.string().min(1))]).optional();
const innerScore = z.strictObject({
  /** JSON Schema of its input. */
  input: z.union([z.boolean(), z.record(z.string(), z.json())]).optional(),
  steps: z.array(stepEntry).min(1),
  outputs,
});

/** The whole document. */
export const scoreDocument = z.strictObject({
  score: z.string().min(1),
  description: z.string().optional(),
  /** JSON Schema of the input. */
  input: z.union([z.boolean(), z.record(z.string(), z.json())]).optional(),
  /** What the steps share, by key: coherent state of the performance. */
  shared: z.record(z.string().min(1), sharedEntry).optional(),
  budget: budget.optional(),
  agents: z.record(z.string().min(1), z.union([programAgent, moduleAgent])),
  /** Scores that steps of this one perform, by name. */
  scores: z.record(z.string().min(1), innerScore).optional(),
  steps: z.array(stepEntry).min(1),
  /** What the performance returns: names, or a name for each read. */
  outputs,
});
export type ScoreDocument = z.infer<typeof scoreDocument>;

/** A score's document is wrong, at a place in it. */
export class DocumentError extends Error {
  override name = 'DocumentError';
  readonly path: readonly PropertyKey[];
  /** It is the key that is wrong, and not what stands behind it. */
  readonly atKey: boolean;
  constructor(path: readonly PropertyKey[], message: string, { atKey = false } = {}) {
    super(message);
    this.path = path;
    this.atKey = atKey;
  }
}

/** Checks a parsed document. @throws {DocumentError} for the first thing that is wrong. */
export function checkDocument(value: unknown): ScoreDocument {
  const parsed = scoreDocument.safeParse(value);
  if (parsed.success) return parsed.data;
  if (value == null) throw new DocumentError([], 'the file is empty; a score has score, agents and steps.');
  throw documentError(value, mostTelling(value, parsed.error.issues));
}

/** The first issue, unless it is a missing key that is there under a misspelt name. */
function mostTelling(value: unknown, issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const [first, ...others] = issues as [z.core.$ZodIssue, ...z.core.$ZodIssue[]];
  const misspelt = others.find(
    ({ code, path }) =>
      code === 'unrecognized_keys' &&
      at(value, first.path) === undefined &&
      path.length === first.path.length - 1 &&
      path.every((key, i) => key === first.path[i]),
  );
  return misspelt ?? first;
}

function documentError(document: unknown, issue: z.core.$ZodIssue): DocumentError {
  const under = (inner: z.core.$ZodIssue) =>
    documentError(document, { ...inner, path: [...issue.path, ...inner.path] });
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys as [string];
    const { place, known } = knownKeys(document, issue.path);
    const near = nearest(key, known);
    const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
    return new DocumentError(
      [...issue.path, key],
      `unknown key '${key}' in ${place}; known are ${known.join(', ')}.${hint}`,
      { atKey: true },
    );
  }
  if (issue.code === 'invalid_union' && at(document, issue.path) === undefined)
    return new DocumentError(issue.path, `'${String(issue.path.at(-1))}' is missing.`);
  if (issue.code === 'invalid_union' && issue.path[0] === 'agents' && issue.path.length === 2) {
    const entry = at(document, issue.path);
    const kinds = kindsOf(entry);
    if (kinds.length === 2 && isObject(entry) && 'command' in entry)
      return new DocumentError(issue.path, "an agent has a 'command' or a 'module', not both.");
    const { error } = kinds[0].safeParse(entry);
    if (error !== undefined) return under(mostTelling(entry, error.issues));
  }
  if (issue.code === 'invalid_key' && issue.issues.length > 0)
    return under({ ...issue.issues[0]!, path: [] });
  // A union reports only that nothing fitted, so report the alternative that was closest.
  if (issue.code === 'invalid_union') {
    const inner = issue.errors
      .filter((list) => list.length > 0)
      .sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
    if (inner !== undefined) return under(inner[0]!);
  }
  const missing = issue.code === 'invalid_type' && at(document, issue.path) === undefined;
  const wanted = missing ? (KINDS[issue.expected] ?? `a ${issue.expected}`) : '';
  const [parent, last = 'the document'] = [issue.path.at(-2), issue.path.at(-1)];
  const name = typeof last === 'number' ? `${String(parent)}[${last}]` : String(last);
  const message = issue.message.replace(/^Invalid input: /, '');
  return new DocumentError(
    issue.path,
    missing ? `'${name}' is missing; give it ${wanted}.` : `'${name}': ${message}.`,
  );
}

/** What a value has to be, in YAML's words. */
const KINDS: Readonly<Record<string, string>> = {
  record: 'a mapping',
  object: 'a mapping',
  array: 'a list',
  string: 'a text',
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** What an agent's entry is: a program, a module, or not yet known. */
function kindsOf(entry: unknown): [typeof programAgent | typeof moduleAgent, ...(typeof moduleAgent)[]] {
  const [command, module] = isObject(entry) ? ['command' in entry, 'module' in entry] : [false, false];
  if (command === module) return [programAgent, moduleAgent];
  return [command ? programAgent : moduleAgent];
}

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(...issues.map(({ path }) => path.length));
const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);

function knownKeys(document: unknown, path: readonly PropertyKey[]): { place: string; known: string[] } {
  const [head, , third] = path;
  if (head === undefined) return { place: 'the score', known: Object.keys(scoreDocument.shape) };
  if (head === 'agents') {
    const kinds = kindsOf(at(document, path));
    return { place: 'an agent', known: [...new Set(kinds.flatMap(({ shape }) => Object.keys(shape)))] };
  }
  if (head === 'shared') return { place: 'what is shared', known: Object.keys(sharedEntry.shape) };
  if (head === 'scores' && path.length <= 2)
    return { place: 'a score of `scores`', known: Object.keys(innerScore.shape) };
  if (head === 'scores') return knownKeys(document, path.slice(2));
  if (head === 'budget') return { place: 'the budget', known: Object.keys(budget.shape) };
  const nested = { retry, hedge, fermata, vamp, map, repeat }[String(third)];
  if (head === 'steps' && nested !== undefined)
    return { place: String(third), known: Object.keys(nested.shape) };
  return { place: 'a step', known: Object.keys(stepEntry.shape) };
}

/** Makes a score of a document whose agents have been found.
 *  @throws {DocumentError} when a step names no agent of the document, or the input's schema is none;
 *  {ScoreError} when the score cannot be performed. */
export function scoreOfDocument(
  document: ScoreDocument,
  agents: ReadonlyMap<string, AgentPlan>,
): Score<any, any> {
  const inner = new InnerScores(document, agents);
  const steps = inner.stepsOf(document.steps, ['steps'], []);
  return builtOf(document.score, steps, document, [], stateOf(document.shared));
}

type Entries = Pick<ScoreDocument, 'steps' | 'input' | 'outputs'>;

/** @throws {DocumentError} when the score cannot be performed. */
function builtOf(
  name: string,
  steps: readonly StepPlan[],
  { input, outputs }: Entries,
  path: readonly string[],
  state?: SharedState,
): Score<any, any> {
  const named = Array.isArray(outputs) ? Object.fromEntries(outputs.map((each) => [each, each])) : outputs;
  const built = scoreOf(name, steps, { input: schemaOf(input, [...path, 'input']), outputs: named, state });
  try {
    void built.program;
  } catch (error) {
    if (error instanceof ScoreError)
      throw new DocumentError([...path, ...pathOf(error.at)], error.message.slice(error.at.length + 2));
    throw error;
  }
  return built;
}

/** The steps of a document and of the scores in it. */
class InnerScores {
  readonly #document: ScoreDocument;
  readonly #agents: ReadonlyMap<string, AgentPlan>;
  readonly #built = new Map<string, Score<any, any>>();

  constructor(document: ScoreDocument, agents: ReadonlyMap<string, AgentPlan>) {
    this.#document = document;
    this.#agents = agents;
  }
  /** @param within the scores that these steps are part of, outermost first */
  stepsOf(entries: readonly Entry[], path: readonly PropertyKey[], within: readonly string[]): StepPlan[] {
    return entries.map((entry, index) => {
      const at = [...path, index];
      const { id, agent, score: name } = entry;
      if ((agent === undefined) === (name === undefined))
        throw new DocumentError(at, `'${id}' needs an 'agent' or a 'score', and not both.`);
      if (entry.repeat !== undefined && (name === undefined || entry.map !== undefined))
        throw new DocumentError(
          [...at, 'repeat'],
          "only a 'score' can be repeated; for an agent use 'vamp'.",
        );
      const source = agent === undefined ? undefined : this.#agentOf(agent, [...at, 'agent']);
      const { map: mapped, repeat: loop } = entry;
      if (source !== undefined && mapped === undefined) return stepOf(entry, source.plan, source.entry, at);
      const place = `steps[${index}]`;
      const body =
        source === undefined
          ? bodyOf(this.#scoreOf(name!, [...at, 'score'], within), place, id)
          : { body: elementBody(elementOfEntry(entry, source.plan, source.entry)) };
      const reads =
        mapped === undefined ? entry.reads : { ...entry.reads, [mapped.as ?? 'item']: mapped.over };
      if (source === undefined) refuseOfElements(entry, at);
      const { after, writes, urgency, cost, tacet, attacca, otherwise } = entry;
      const timeoutMs = source === undefined ? inMilliseconds(entry.timeout) : undefined;
      const options = {
        ...{ reads, after, writes, urgency, cost, tacet, attacca, otherwise, timeoutMs },
        default: entry.default,
        fermata: fermataOf(entry.fermata, [...at, 'fermata', 'answer']),
        when: conditionOf(entry.when, [...at, 'when']),
      };
      const scope: ScopePlan =
        mapped !== undefined
          ? { kind: 'map', flat: source !== undefined, ...body, ...mapped, as: mapped.as ?? 'item' }
          : loop === undefined
            ? { kind: 'score', ...body }
            : { kind: 'repeat', ...body, ...loop, until: comparison(loop.until, [...at, 'repeat', 'until']) };
      return planScope(id, options, scope, entry.downbeat);
    });
  }
  #agentOf(name: string, path: readonly PropertyKey[]): { plan: AgentPlan; entry: AgentEntry } {
    const plan = this.#agents.get(name);
    if (plan !== undefined) return { plan, entry: this.#document.agents[name]! };
    const names = [...this.#agents.keys()].join(', ') || 'none';
    throw new DocumentError(path, `unknown agent '${name}'; the score's agents are: ${names}.`);
  }
  #scoreOf(name: string, path: readonly PropertyKey[], within: readonly string[]): Score<any, any> {
    const { scores = {} } = this.#document;
    const given = Object.hasOwn(scores, name) ? scores[name] : undefined;
    if (given === undefined) {
      const names = Object.keys(scores).join(', ') || 'none';
      throw new DocumentError(path, `unknown score '${name}'; the document's scores are: ${names}.`);
    }
    if (within.includes(name)) {
      const circle = [...within.slice(within.indexOf(name)), name].join(' → ');
      throw new DocumentError(path, `a score cannot contain itself (${circle}); use 'repeat' for rounds.`);
    }
    let built = this.#built.get(name);
    if (built === undefined) {
      const steps = this.stepsOf(given.steps, ['scores', name, 'steps'], [...within, name]);
      built = builtOf(name, steps, given, ['scores', name]);
      this.#built.set(name, built);
    }
    return built;
  }
}

/** What an element of a map over an agent has of its entry. */
function elementOfEntry(entry: Entry, agent: AgentPlan, source: AgentEntry): StepPlan {
  const { id, effects, timeout, idle, hedge: late, retry: tries } = entry;
  return stepOf({ id, effects, timeout, idle, hedge: late, retry: tries }, agent, source);
}
/** Options that a step inside has, and a scope has not. */
function refuseOfElements({ id, ...entry }: Entry, at: readonly PropertyKey[]): void {
  for (const key of ['retry', 'vamp', 'effects', 'join', 'hedge'] as const)
    if (entry[key] !== undefined)
      throw new DocumentError(
        [...at, key],
        `'${id}' performs a score, whose own steps have '${key}'; move it there.`,
      );
}

/** `operand`, `not operand`, `operand.property >= 0.8`. */
const COMPARISON = /^(not\s+)?([^\s=!<>]+)(?:\s*(==|!=|>=|<=|>|<)\s*(.+))?$/;

/** @throws {DocumentError} for what is no comparison. */
function comparison(text: string, path: readonly PropertyKey[]): (values: unknown) => boolean {
  const [, not, name, sign, literal] = COMPARISON.exec(text.trim()) ?? [];
  const refuse = (): never => {
    const known = "'name', 'not name', or a comparison such as 'name.score >= 0.8' or 'name == \"text\"'";
    throw new DocumentError(path, `'${text}' is no condition; write ${known}.`);
  };
  if (name === undefined || (not !== undefined && sign !== undefined)) return refuse();
  const keys = name.split('.');
  if (sign === undefined) return (values) => Boolean(at(values, keys)) !== (not !== undefined);
  let wanted: unknown;
  try {
    wanted = JSON.parse(literal!);
  } catch {
    return refuse();
  }
  return (values) => compare(at(values, keys), sign, wanted);
}
function compare(value: unknown, sign: string, wanted: unknown): boolean {
  if (sign === '==') return JSON.stringify(value) === JSON.stringify(wanted);
  if (sign === '!=') return JSON.stringify(value) !== JSON.stringify(wanted);
  if (typeof value !== typeof wanted || (typeof value !== 'number' && typeof value !== 'string'))
    return false;
  const other = wanted as typeof value;
  if (sign === '>=') return value >= other;
  if (sign === '<=') return value <= other;
  return sign === '>' ? value > other : value < other;
}
const conditionOf = (text: string | undefined, path: readonly PropertyKey[]): ConditionPlan | undefined =>
  text === undefined ? undefined : { text, test: comparison(text, path) };

/** Something in a document that a person should know before it is performed. */
export interface DocumentWarning {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What may go wrong between the steps of a document and the programs that run them.
 *  @throws {DocumentError} for a command that can never run with its operands. */
export function checkPrograms({ agents, steps: own, scores = {} }: ScoreDocument): DocumentWarning[] {
  const steps = [own, ...Object.values(scores).map((inner) => inner.steps)].flat();
  const warnings = new Map<string, DocumentWarning>();
  const seen = new Set<string>();
  for (const { id, agent = '', reads = {}, vamp, map: mapped } of steps) {
    const source = agents[agent];
    if (source === undefined || !('command' in source)) continue;
    const operands = Object.keys(reads);
    if (mapped !== undefined)
      operands.push(mapped.as ?? 'item', ...(mapped.index === undefined ? [] : [mapped.index]));
    const later = vamp === undefined ? [] : ['previous'];
    const key = JSON.stringify([agent, ...operands, ...later]);
    if (seen.has(key)) continue;
    seen.add(key);
    for (const { index, refused, message } of commandFindings(id, source, operands, later)) {
      const path = ['agents', agent, 'command', ...(index === undefined ? [] : [index])];
      if (refused) throw new DocumentError(path, message);
      warnings.set(JSON.stringify([path, message]), { path, message });
    }
  }
  return [...warnings.values()];
}

function stateOf(shared: ScoreDocument['shared']): SharedState | undefined {
  if (shared === undefined) return undefined;
  const entries = Object.entries(shared);
  const schema = Object.fromEntries(
    entries.map(([key, entry]) => [key, schemaOf(entry.schema ?? true, ['shared', key, 'schema'])!]),
  );
  for (const [key, { initial }] of entries) {
    const checked = schema[key]!['~standard'].validate(initial);
    if (checked instanceof Promise || checked.issues === undefined) continue;
    const [issue] = checked.issues;
    throw new DocumentError(['shared', key, 'initial'], `does not fit its schema: ${issue!.message}.`);
  }
  const initial = Object.fromEntries(entries.map(([key, entry]) => [key, entry.initial]));
  return { schema, initial };
}

function schemaOf(
  schema: ScoreDocument['input'],
  path: readonly PropertyKey[],
): Schema<any, any> | undefined {
  if (schema === undefined) return undefined;
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    throw new DocumentError(
      path,
      `not a JSON Schema: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

type Entry = z.infer<typeof stepEntry>;

function stepOf(
  entry: Entry,
  agent: AgentPlan,
  source: AgentEntry,
  path: readonly PropertyKey[] = [],
): StepPlan {
  const { id, reads, after, writes, join, urgency, cost, effects, tacet, attacca, downbeat, otherwise } =
    entry;
  return {
    ...{ id, agent, reads, after, writes, join, urgency, cost, effects, tacet, attacca, downbeat, otherwise },
    when: conditionOf(entry.when, [...path, 'when']),
    timeoutMs: inMilliseconds(entry.timeout ?? source.timeout),
    idleMs: inMilliseconds(entry.idle),
    hedge: entry.hedge && { afterMs: entry.hedge.after * 1_000 },
    retry: entry.retry && {
      attempts: entry.retry.attempts,
      delayMs: inMilliseconds(entry.retry.delay),
      factor: entry.retry.factor,
      maxDelayMs: inMilliseconds(entry.retry.maxDelay),
      jitter: entry.retry.jitter,
      on: entry.retry.on,
      repeatsEffect: entry.retry.repeatsEffect,
    },
    fallback: 'default' in entry && entry.default !== undefined ? { value: entry.default } : undefined,
    fermata: fermataOf(entry.fermata, [...path, 'fermata', 'answer']),
    vamp: entry.vamp && { max: entry.vamp.max, onCap: entry.vamp.onCap, until: untilOf(entry.vamp) },
  };
}

function fermataOf(given: Entry['fermata'], path: readonly PropertyKey[]): StepPlan['fermata'] {
  if (given === undefined) return undefined;
  if (typeof given === 'string') return { holdType: given };
  const { hold, timeout, onTimeout, question, answer, remind, escalate } = given;
  return {
    ...{ holdType: hold, onTimeout, question },
    timeoutMs: inMilliseconds(timeout),
    remindMs: inMilliseconds(remind),
    answer: schemaOf(answer, path),
    escalate: escalate && { to: escalate.to, timeoutMs: inMilliseconds(escalate.timeout) },
  };
}

function untilOf({ until, atLeast }: NonNullable<Entry['vamp']>): (result: unknown) => boolean {
  return (result) => {
    const value = at(result, until.split('.'));
    return atLeast === undefined ? Boolean(value) : typeof value === 'number' && value >= atLeast;
  };
}

const inMilliseconds = (given: number | undefined): number | undefined =>
  given === undefined ? undefined : given * 1_000;

/** `steps[3].reads.draft` → ['steps', 3, 'reads', 'draft'] */
const pathOf = (place: string): PropertyKey[] =>
  place
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));

/** Every key that a document may have, at any level. */
export const scoreKeys = (): string[] =>
  [
    ...[
      scoreDocument,
      sharedEntry,
      programAgent,
      moduleAgent,
      budget,
      stepEntry,
      retry,
      hedge,
      fermata,
      vamp,
    ],
    ...[map, repeat, innerScore],
  ].flatMap(({ shape }) => Object.keys(shape));
