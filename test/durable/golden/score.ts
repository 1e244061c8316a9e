/** The run of the golden logs: facts of every kind. `node test/durable/golden/score.ts FILE` writes one in the current
 *  format: it performs the run in a process that is killed. Write a new file when the format changes, and keep the old. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { agent, perform, score, sharedOf, type AgentContext } from '../../../src/index.ts';
import { sqliteStore } from '../../../src/engines/sqlite/index.ts';

export const RUN = 'golden';

/** @param called gets the id of each step whose agent is called
 *  @param isCutOff whether some agents never answer, as in the process that is killed */
export function goldenScore(called: (id: string) => void, isCutOff: boolean): any {
  const note =
    (work: (operands: any, context: AgentContext) => unknown, isCut = false) =>
    (operands: unknown, context: AgentContext): unknown => {
      called(context.stepId);
      return isCut && isCutOff ? new Promise(() => {}) : work(operands, context);
    };
  const push = (what: string, context: AgentContext) =>
    sharedOf<{ list: string[] }>(context).write('list', (list) => void list.push(what));
  const inner = score('inner')
    .step('x', { agent: note(() => 1) })
    .step('y', { agent: note(({ x }) => x + 1, true), reads: { x: 'x' } })
    .outputs({ y: 'y' });
  return (score('golden') as any)
    .shared({ list: z.array(z.string()) }, { initial: { list: [] } })
    .step('number', { agent: note(({ n }) => n + 1), reads: { n: 'input.n' } })
    .step('large', { agent: note(() => 'x'.repeat(10_000)) })
    .step('one', {
      agent: note(async (_, context) => (await push('one', context), 'one')),
      after: ['number'],
    })
    .step('two', { agent: note(async (_, context) => (await push('two', context), 'two')), after: ['one'] })
    .step('fault', { agent: note(() => Promise.reject(new RangeError('always'))), default: { n: 5 } })
    .step('flaky', {
      retry: { attempts: 3, delayMs: 3_000 },
      agent: note((_, { attempt }) => {
        if (isCutOff) throw new Error('not yet');
        return attempt;
      }),
    })
    .step('vamp', {
      vamp: { max: 5, until: (result: unknown) => (result as number) >= 4 },
      agent: (operands: { previous?: number }, context: AgentContext) =>
        note(() => (operands.previous ?? 0) + 1, operands.previous === 2)(operands, context),
    })
    .step('send', {
      after: ['large'],
      agent: agent({ name: 'send', effects: 'external', run: note(() => 'sent', true) }),
    })
    .map('each', { over: 'input.list', agent: note(({ item }) => item * 2, true) })
    .step('sub', { score: inner })
    .step('held', {
      reads: { a: 'two' },
      agent: note(({ a }) => `${a} went on`),
      fermata: { timeoutMs: 3_600_000, onTimeout: 'resume' },
    })
    .step('end', {
      reads: { number: 'number', flaky: 'flaky', vamp: 'vamp', send: 'send', each: 'each', held: 'held' },
      agent: note(async (all, context) => (await push('end', context), all)),
    })
    .outputs({ end: 'end', fault: 'fault', sub: 'sub.y' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = '', folder] = process.argv.slice(2);
  if (folder !== undefined) {
    const store = sqliteStore(folder);
    void perform(
      goldenScore(() => {}, true),
      {
        ...{ durable: store, runId: RUN, input: { n: 1, list: [1, 2, 3] }, budget: { calls: 100 } },
      },
    );
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1_000);
  } else {
    const made = mkdtempSync(join(tmpdir(), 'tutti-golden-'));
    spawnSync(process.execPath, [fileURLToPath(import.meta.url), file, made]);
    const store = sqliteStore(made);
    store.tell(RUN, JSON.stringify({ decide: 'send', decision: { did: 'sent by hand' } }));
    store.close();
    const db = new DatabaseSync(store.name);
    db.exec(
      'UPDATE run SET holder = NULL; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE; VACUUM',
    );
    db.close();
    copyFileSync(store.name, file);
    rmSync(made, { recursive: true });
  }
}
