/** State that the steps of one performance share: coherent, on the performance's own bus. */
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { Bus } from '../../actors/bus/bus.ts';
import { fromSignal, nameOf, type Write } from '../../actors/coherence/index.ts';
import type { Values } from './json.ts';
import { coherence, type Coherence, type CoherenceOptions, type Schemas } from './coherence.ts';
import { UsageError } from './errors.ts';
import type { Transaction } from './transaction.ts';

/** What is shared: a schema for each key, and other options of `coherence`. */
export type SharedState<S extends Schemas = Schemas> = Pick<
  CoherenceOptions<S>,
  'schema' | 'initial' | 'strategy' | 'keys' | 'readers' | 'delta' | 'ledger'
>;
/** The shared space of a performance, as {@link Run} has it. */
export type SharedSpace = Coherence<Values>;

/** Makes the space of one performance. */
export function share(
  state: SharedState,
  {
    runId,
    earlier,
    ...where
  }: Pick<CoherenceOptions<Schemas>, 'bus' | 'clock' | 'inspect'> & {
    runId: string;
    /** What earlier lives of a durable performance have left. */
    earlier?: { readonly life: number; readonly cells: ReadonlyMap<string, EarlierCell> } | undefined;
  },
): SharedSpace {
  const session = `${encodeURIComponent(runId)}${earlier === undefined ? '' : `-${earlier.life}`}`;
  const kept = [...(earlier?.cells ?? [])].filter(([key]) => Object.hasOwn(state.schema, key));
  const initial = { ...state.initial, ...Object.fromEntries(kept.map(([key, { value }]) => [key, value])) };
  const space = coherence({ ...state, ...where, initial, scope: scopeOf(runId), session, from: 'new' });
  for (const [key, { version }] of kept) space.replica.memory.cells.get(key)!.version = version;
  return space;
}
/** The value of a key, and how many writes it has had. */
export interface EarlierCell {
  readonly version: number;
  readonly value: unknown;
}
const scopeOf = (runId: string): string => `run:${runId}`;

/** Calls back for every write of the space that was accepted, in bus order, after it has been applied.
 *  @returns how to stop */
export function watchWrites(
  bus: Bus,
  runId: string,
  { replica }: SharedSpace,
  accepted: (write: Write, version: number, agent: string) => void,
): () => void {
  const subscription = bus.signals.subscribe(({ signal }) => {
    const entry = fromSignal(scopeOf(runId), signal);
    if (entry === undefined) return;
    const writes =
      entry.op === 'publish' ? entry.writes : entry.op === 'put' || entry.op === 'cas' ? [entry] : [];
    for (const write of writes) {
      const cell = replica.memory.cells.get(write.key);
      if (cell === undefined || cell.version !== write.base + 1 || cell.changes.at(-1)?.agent !== entry.agent)
        continue;
      accepted(write, cell.version, nameOf(entry.agent));
    }
  });
  return () => subscription.unsubscribe();
}

/** The values at the end, by key; keys without a value are left out. */
export const sharedValues = ({ replica }: SharedSpace): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    [...replica.memory.cells.values()]
      .filter(({ value }) => value !== undefined)
      .map(({ key, value }) => [key, value]),
  );

/** A step's own view of what its performance shares, one for each attempt. What an attempt writes is published when it
 *  succeeds, all at once, and dropped when it fails: a retry applies nothing twice. Use `publish()` to let other steps see
 *  it earlier.
 *  @throws {UsageError} when the score shares nothing.
 *  @example
 *  ```ts
 *  const notes = score('notes')
 *    .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
 *    .step('a', { agent: (_, context) => sharedOf<{ list: string[] }>(context).write('list', (l) => void l.push('a')) })
 *    .step('b', { agent: (_, context) => sharedOf<{ list: string[] }>(context).write('list', (l) => void l.push('b')) });
 *  (await perform(notes).result).shared?.list; // 'a' and 'b', in the order in which the steps succeeded
 *  ``` */
export function sharedOf<V extends Values = Record<string, any>>(
  context: Pick<AgentContext, 'shared' | 'stepId'>,
): Transaction<V> {
  if (context.shared !== undefined) return context.shared as Transaction<V>;
  throw new UsageError(
    `'${context.stepId}' asks for shared state, and its score shares none: add \`shared\` to the score.`,
  );
}
