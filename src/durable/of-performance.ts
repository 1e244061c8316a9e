/** What `perform` needs of the journal: how it begins, what it keeps of usage and of the end. */
import type { RunStore } from '../../actors/bus/run-store.ts';
import type { Clock } from '../../actors/bus/clock.ts';
import type { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { INPUT, ScoreError, type Program } from '../../actors/tomasulo/program.ts';
import { jsonFault } from '../../machines/hct/wire/json.ts';
import type { RunAccount } from '../budget/run-account.ts';
import type { EndRecord, RunRecord } from './facts.ts';
import type { InboxRequest } from './messages.ts';
import { RunJournal } from './run-journal.ts';

/** Begins the log of a performance.
 *  @throws {RunExistsError} for an id that has been used. @throws {ScoreError} for a default that is not JSON */
export function beginJournal(
  store: RunStore,
  id: string,
  name: string,
  program: Program,
  clock: Clock,
): RunJournal {
  if (clock.isVirtual === true)
    throw new ScoreError('clock', 'a durable performance needs real time; leave `clock` or `durable` out.');
  for (const { id: stepId, fallback } of program.steps) {
    const fault = fallback?.value === undefined ? undefined : jsonFault(fallback.value);
    if (fault === undefined) continue;
    throw new ScoreError(
      `step '${stepId}'.default`,
      `a durable performance keeps defaults as JSON; ${fault.path}: ${fault.problem}.`,
      stepId,
    );
  }
  return new RunJournal(store.create(id, name), program, clock);
}

/** Notes what models use from now on, and what is set aside for their calls. @returns how to stop it */
export function noteUsage(journal: RunJournal, account: RunAccount): () => void {
  return account.note({
    used: ({ stepId, tokens, usd }) => journal.append('use', stepId, { tokens, usd: usd ?? null }),
    async reserved(bound) {
      const number = String(journal.log.tip + 1);
      journal.append('reserve', number, bound);
      await journal.commitWhole(); // before the call is made
      return number;
    },
    settled: (number, used) => journal.append('settle', number, used ?? null),
  });
}

/** Books what earlier lives have spent. A call whose outcome is not known counts with its upper bound. */
export function restoreAccount(account: RunAccount, record: RunRecord): void {
  for (const more of record.extensions) account.ledger.extend(more);
  const { calls, tokens, usd } = record.settled;
  account.ledger.book({ calls: calls + record.charged, tokens, usd });
  for (const bound of record.reserved.values()) account.ledger.book(bound);
  account.restore(record.used);
}

/** How often a running performance looks for messages, and whether it still holds its run. */
const LOOK_MS = 100;

/** Acts on what other processes tell the run. @returns how to stop */
export function watchInbox(
  journal: RunJournal,
  act: (message: InboxRequest, id: number) => void,
  lost: (error: unknown) => void,
): () => void {
  const look = (): void => {
    try {
      for (const { id, text } of journal.log.inbox()) {
        journal.log.took(id); // with the commit of what it causes
        act(JSON.parse(text) as InboxRequest, id);
      }
    } catch (error) {
      clearInterval(timer);
      lost(error);
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}

/** What is noted of the end. */
export function endOf(
  { summary }: Orchestrator,
  program: Program,
  account: RunAccount,
): Omit<EndRecord, 'status' | 'errors' | 'shared'> {
  const { timeline, usage } = summary;
  const outputs: Record<string, readonly [string | null, readonly string[]]> = {};
  for (const [name, { tag, path = [] }] of program.outputs)
    outputs[name] = [tag === INPUT ? null : program.steps[tag]!.id, path];
  const { makespan } = timeline;
  return { makespan, criticalPath: timeline.criticalPath(), outputs, usage: { ...usage, ...account.used } };
}
