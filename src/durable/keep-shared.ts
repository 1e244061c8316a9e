/** Shared state of a durable performance: each accepted write is noted, with the result of the step that made it.
 *
 *  A step's writes are published when it succeeds, and its result follows at once. Nothing is committed between the two,
 *  so that a crash leaves both or neither, and a write is never applied twice. What a step publishes earlier with
 *  `publish()` is noted by itself: a step that runs again publishes it again. */
import type { Bus } from '../../actors/bus/bus.ts';
import { watchWrites, type EarlierCell, type SharedSpace } from '../coherence/shared.ts';
import type { Transaction } from '../coherence/transaction.ts';
import type { RunRecord } from './facts.ts';
import type { RunJournal } from './run-journal.ts';

/** A whole value is noted after so many changes, so that reading them takes no longer than that. */
const CHANGES = 64;

/** Notes every accepted write from now on. @returns how to stop */
export function keepShared(
  journal: RunJournal,
  bus: Bus,
  runId: string,
  space: SharedSpace,
  record: RunRecord | undefined,
): () => void {
  const whole = new Map([...(record?.shared ?? [])].map(([key, { version }]) => [key, version] as const));
  return watchWrites(bus, runId, space, ({ key, value, patches }, version, agent) => {
    const from = whole.get(key);
    const isWhole = patches === undefined || from === undefined || version - from >= CHANGES;
    if (isWhole) whole.set(key, version);
    journal.append('shared', key, version, JSON.stringify(isWhole ? { value } : { patches }));
    journal.wrote(stepOf(agent));
  });
}

/** The step of a view, which is named after it and numbered. */
const stepOf = (agent: string): string => agent.replace(/#\d+$/, '');

/** What earlier lives have left. */
export const earlierOf = ({
  shared,
  tip,
}: RunRecord): { readonly life: number; readonly cells: ReadonlyMap<string, EarlierCell> } => ({
  life: tip,
  cells: shared,
});

/** Tells the journal when a step's view publishes because the step has succeeded. */
export function committingTo(journal: RunJournal, stepId: string, view: Transaction): Transaction {
  const commit = view.commit.bind(view);
  view.commit = () => {
    journal.committing(stepId);
    return commit();
  };
  return view;
}
