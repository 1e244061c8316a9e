/** What is claimed of durable performances: the log is what has happened, and a run goes on from wherever it ends. */
import type { LogEntry } from '../../actors/bus/log.ts';
import { memoryStore } from '../../actors/bus/memory-store.ts';
import type { RunStore } from '../../actors/bus/run-store.ts';
import type { StepError } from '../../actors/tomasulo/errors.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { RunEvent } from '../../actors/tomasulo/run-events.ts';
import type { Claim } from '../../specs/harness/claim.ts';
import type { Random } from '../../specs/harness/random.ts';
import { foldLog } from '../durable/facts.ts';
import { resume } from '../durable/resume.ts';
import { perform, type Report } from '../score/perform.ts';
import { score, type Score } from '../score/score.ts';
import { apiClaim, must, text, without } from './sample.ts';

interface LoggedStep {
  /** Steps above, by how far above they are. */
  readonly reads: readonly number[];
  /** Whether each of its three tries fails. */
  readonly fails: boolean;
  readonly hasDefault: boolean;
  /** Rounds of its vamp; 0 without one. */
  readonly rounds: number;
  readonly isSlow: boolean;
}
const drawSteps = (random: Random): LoggedStep[] =>
  Array.from({ length: random.whole(1, 8) }, (_, i) => ({
    reads: i === 0 ? [] : Array.from({ length: random.below(3) }, () => random.whole(1, i)),
    fails: random.below(4) === 0,
    hasDefault: random.below(4) === 0,
    rounds: random.below(4) === 0 ? random.whole(2, 3) : 0,
    isSlow: random.below(3) === 0,
  }));

const RUN = 'run';

/** @param called gets each call: its step, try and operands */
function scoreOf(
  steps: readonly LoggedStep[],
  called: (id: string, operands: Readonly<Record<string, unknown>>) => void,
): Score<any, any> {
  let made: any = score('logged');
  steps.forEach(({ reads, fails, hasDefault, rounds, isSlow }, i) => {
    const run = async (operands: Record<string, unknown>, { stepId }: AgentContext) => {
      const { previous, ...read } = operands;
      called(stepId, read);
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, 1));
      if (fails) throw new RangeError(`${stepId} fails`);
      return { of: stepId, read: Object.values(read), round: ((previous as any)?.round ?? 0) + 1 };
    };
    const bound = Object.fromEntries([...new Set(reads)].map((above) => [`r${above}`, `s${i - above}`]));
    made = made.step(`s${i}`, {
      agent: run,
      reads: bound,
      retry: { attempts: 3, delayMs: 0 },
      ...(hasDefault && { default: { of: 'default' } }),
      ...(rounds > 0 && { vamp: { max: rounds, until: () => false, onCap: 'accept' } }),
    });
  });
  return made as Score<any, any>;
}

/** What of a report a crash must not change. */
const endOf = ({ status, outputs, errors, timeline }: Report): string =>
  text({
    ...{ status, outputs: Object.entries(outputs).toSorted(([a], [b]) => (a < b ? -1 : 1)) },
    errors: errors.map((error) => text([error.message, (error as StepError).path])).toSorted(),
    steps: timeline.map((step) => [step.id, step.status]),
  });

/** The fold of what is committed, at every event, says what events have said; and operands are in it before they are used. */
async function foldsToWhatHappens(steps: readonly LoggedStep[]): Promise<undefined> {
  const store = memoryStore();
  const said = {
    started: new Map<string, number>(),
    failed: new Map<string, number>(),
    ended: new Map<string, string>(),
  };
  const more = (counts: Map<string, number>, id: string) => counts.set(id, (counts.get(id) ?? 0) + 1);
  const check = (isExact: boolean): void => {
    const fold = foldLog(store.read(RUN));
    for (const [id, status] of said.ended) {
      const kept = fold.steps.get(id)?.end?.status;
      must(kept === status, () => `${id} has ended (${status}), and the log says ${kept ?? 'nothing'}.`);
    }
    for (const [id, { attempts, retries, end }] of fold.steps) {
      const [starts, fails] = [said.started.get(id) ?? 0, said.failed.get(id) ?? 0];
      must(
        attempts <= starts + 1 && attempts >= starts - (isExact ? 0 : 1),
        () => `${id} was started ${starts} times, and in the log ${attempts}.`,
      );
      must(
        !isExact || retries === fails,
        () => `${id} has failed ${fails} times, and in the log ${retries}.`,
      );
      must(!isExact || (end !== undefined) === said.ended.has(id), () => `${id} has ended in the log alone.`);
    }
  };
  let wrong: unknown;
  const onEvent = (event: RunEvent): void => {
    try {
      if (event.type === 'step.started') more(said.started, event.stepId);
      else if (event.type === 'step.retrying') more(said.failed, event.stepId);
      else if (event.type === 'step.ended') {
        said.ended.set(event.stepId, event.status);
        check(false);
      }
    } catch (error) {
      wrong ??= error;
    }
  };
  const called = (id: string, operands: Readonly<Record<string, unknown>>): void => {
    try {
      const fold = foldLog(store.read(RUN));
      for (const value of Object.values(operands)) {
        const { of } = value as { of: string };
        const isKept = [...fold.steps.values()].some(({ end }) => end?.value === JSON.stringify(value));
        must(isKept, () => `${id} gets a result of ${of} that is not in the log.`);
      }
    } catch (error) {
      wrong ??= error;
    }
  };
  await perform(scoreOf(steps, called), { durable: store, runId: RUN, onEvent }).report;
  if (wrong !== undefined) throw wrong as Error;
  check(true);
}

/** A store whose run has these records. */
function storeWith(entries: readonly LogEntry[]): RunStore {
  const store = memoryStore();
  const log = store.create(RUN, 'logged');
  for (const { seq: _, ...record } of entries) log.append(record);
  log.commit();
  log.close();
  return store;
}

/** From every position of its log a run goes on to the same end, and what the log has stays in it. */
async function goesOnFromAnywhere(steps: readonly LoggedStep[]): Promise<undefined> {
  const whole = memoryStore();
  const end = endOf(
    await perform(
      scoreOf(steps, () => {}),
      { durable: whole, runId: RUN },
    ).report,
  );
  const entries = [...whole.read(RUN)];
  for (let length = 2; length < entries.length; length++) {
    const kept = entries.slice(0, length);
    const done = new Set(kept.flatMap(({ kind, about }) => (kind === 'pulse' ? [about] : [])));
    const store = storeWith(kept);
    const again: string[] = [];
    const noted = scoreOf(steps, (id) => void (done.has(id) && again.push(id)));
    const report = await (await resume(store, RUN, noted)).report;
    const where = `cut off after record ${length} of ${entries.length}`;
    must(again.length === 0, () => `${again[0]} had ended and is called again, ${where}.`);
    must(
      endOf(report) === end,
      () => `It ends as ${endOf(report)}, and without a crash as ${end}, ${where}.`,
    );
    const now = [...store.read(RUN)];
    must(text(now.slice(0, length)) === text(kept), () => `The log has other records than before, ${where}.`);
    const ended = now.flatMap(({ kind, about }) => (kind === 'pulse' ? [about] : []));
    must(new Set(ended).size === ended.length, () => `A step has two results in the log, ${where}.`);
  }
}

const cases = {
  draw: drawSteps,
  bound: 'programs of up to 8 steps with failures, retries, defaults and vamps, in real time',
  shown: (steps: readonly LoggedStep[]) => steps.map((step, i) => `s${i} ${text(step)}`),
  *smaller(steps: readonly LoggedStep[]) {
    for (const fewer of without(steps))
      yield fewer.map((step, i) => ({ ...step, reads: step.reads.filter((above) => above <= i) }));
  },
};

export const durableClaims: readonly Claim[] = [
  apiClaim('tomasulo', 'operational semantics', {
    property:
      'At every event of a durable performance the fold of what is committed has the steps that have ended, with their status, and their tries; no agent gets a result that is not in it.',
    source: 'docs/decisions/0044 (append, commit, then act)',
    ...{ ...cases, share: 0.1, judge: foldsToWhatHappens },
  }),
  apiClaim('tomasulo', 'failure modes', {
    property:
      'A run goes on from every position of its log: the same outputs, statuses and faults; no step that has ended is called again; nothing committed is disowned.',
    source: 'docs/decisions/0044 (resuming is a fold)',
    ...{ ...cases, share: 0.05, judge: goesOnFromAnywhere },
  }),
];
