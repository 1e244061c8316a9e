/** How the real orchestrator handles failures, compared with the fates and cycles of the models. */
import { DeadlockError, type StepError } from '../../actors/tomasulo/errors.ts';
import type { Message } from '../harness/claim.ts';
import { difference } from './lockstep.ts';
import { sequential, tomasulo, type Case } from './model.ts';
import { orchestrated, type OrchestratedResult } from './orchestrated.ts';
import { amountOf, numbered, picture } from './picture.ts';
import type { Objection } from './search.ts';
import { fates, producersOf, type Fate, type Troubled } from './troubles.ts';

/** With stations for every instruction: the orchestrator has one window and no stations of a class. */
export const ample = <C extends Case>(given: C): C => {
  const { classes } = given.hardware;
  const roomy = Object.entries(classes).map(([name, { units }]) => [name, { units, stations: Infinity }]);
  return { ...given, hardware: { ...given.hardware, classes: Object.fromEntries(roomy) } };
};

type Run = (given: Case | Troubled) => Promise<OrchestratedResult>;

/** Without trouble: every cycle and register is the algorithm's.
 *  @param run what runs the program; a seeded fault goes in here. */
export async function outOfStep(small: Case, run: Run = orchestrated): Promise<Objection | undefined> {
  const given = ample(small);
  const [found, wanted] = [await run(given), tomasulo(given)];
  return objected(
    given,
    found,
    difference('the orchestrator', given, found, wanted),
    picture(given, found.times, wanted.times),
  );
}

/** Every instruction is accounted for once, as its fate says, and what is written is what the program computes. */
export async function unaccounted(small: Troubled, run: Run = orchestrated): Promise<Objection | undefined> {
  const given = ample(small);
  const found = await run(given);
  const wanted = fates(given);
  for (const [i, fate] of wanted.entries()) {
    const said = accounts(found, i);
    if (said.join() !== fate)
      return objected(given, found, `${numbered(given, i)} is ${said.join(' and ') || 'lost'}, not ${fate}`);
    if (fate === 'failed' && !blamesRightly(given, found, i))
      return objected(
        given,
        found,
        `${numbered(given, i)} failed, and does not name one of its failed producers`,
      );
  }
  return objected(given, found, wrongRegister(given, found, wanted));
}

/** The same where steps are issued after what they read has failed: with few stations. */
export const unaccountedLate = async (small: Troubled): Promise<Objection | undefined> =>
  (await unaccounted(small)) ?? unaccounted(small, (given) => orchestrated(given, 4));

/** Every failed try is retried, no other is, and the results are as without failures. */
export async function unrecovered(small: Troubled, run: Run = orchestrated): Promise<Objection | undefined> {
  const given = ample(small);
  const found = await run(given);
  for (const [i, { fails = 0 }] of given.program.entries()) {
    const tries = found.events.filter((event) => event.type === 'step.started' && event.stepId === `e${i}`);
    if (tries.length !== fails + 1)
      return objected(
        given,
        found,
        `${numbered(given, i)} fails ${amountOf(fails, 'time')}, and is tried ${amountOf(tries.length, 'time')}`,
      );
  }
  const wrong = wrongRegister(given, found, fates({ ...given, attempts: Infinity }));
  return objected(given, found, wrong ?? (found.outcome.status === 'completed' ? undefined : 'it failed'));
}

/** With a silent class of units: the same instructions starve as in hardware that has none of them, everything else
 *  happens in the same cycles, and each starving instruction is reported with what it waits for. */
export async function untold(small: Troubled, run: Run = orchestrated): Promise<Objection | undefined> {
  const given = ample(small);
  const found = await run(given);
  const wanted = tomasulo(withoutUnits(given));
  const messages = picture(given, found.times, wanted.times);
  const late = difference('the orchestrator', given, found, wanted, false);
  if (late !== undefined) return objected(given, found, late, messages);
  const starved = given.program.flatMap((_, i) => (wanted.times[i]!.start === Infinity ? [i] : []));
  const deadlock = found.outcome.errors.find((error) => error instanceof DeadlockError)?.waiting;
  const reports = [stalled(found), deadlock?.map(told)];
  const expected = starved.length === 0 ? undefined : starved.map((i) => waits(given, wanted.times, i));
  for (const [k, report] of reports.entries()) {
    const about = report?.filter((line) => line.startsWith('e')).toSorted();
    if (JSON.stringify(about) === JSON.stringify(expected?.toSorted())) continue;
    const what = `the ${['stall', 'dead-lock'][k]} is reported as [${about ?? 'none'}], not [${expected ?? 'none'}]`;
    return objected(given, found, what, messages);
  }
  return undefined;
}

/** What the run reports of an instruction: exactly one fate, or the account is wrong. */
function accounts({ times, events }: OrchestratedResult, i: number): Fate[] {
  const says: Record<Fate, boolean> = {
    written: times[i]!.write !== Infinity,
    failed: failure(events, i) !== undefined,
    starved: events.some(
      (event) => event.type === 'run.stalled' && event.waiting.some(({ stepId }) => stepId === `e${i}`),
    ),
  };
  return (Object.keys(says) as Fate[]).filter((fate) => says[fate]);
}

const failure = (events: OrchestratedResult['events'], i: number): StepError | undefined =>
  events.flatMap((event) =>
    event.type === 'step.ended' &&
    event.stepId === `e${i}` &&
    (event.status === 'failed' || event.status === 'skipped')
      ? (event.error ?? [])
      : [],
  )[0];

/** The root cause that a failed instruction names is one that failed by itself and that it depends on. */
function blamesRightly({ program, attempts }: Troubled, { events }: OrchestratedResult, i: number): boolean {
  const root = Number(failure(events, i)!.stepId.slice(1));
  const reaches = (at: number): boolean => at === root || producersOf(program, at).some(reaches);
  return (program[root]?.fails ?? 0) >= attempts && reaches(i);
}

/** A register holds what the program computes, if its last writer has a result, and else nothing. */
function wrongRegister(
  given: Troubled,
  { registers }: OrchestratedResult,
  all: readonly Fate[],
): string | undefined {
  for (const [name, value] of Object.entries(sequential(given.program))) {
    const writer = given.program.findLastIndex(({ writes }) => writes === name);
    const expected = all[writer] === 'written' ? value : undefined;
    if (registers[name] !== expected) return `${name} is ${registers[name]}, not ${expected}`;
  }
  return undefined;
}

const withoutUnits = (given: Troubled): Case => {
  const { hardware, silent } = given;
  const none = silent === undefined ? {} : { [silent]: { ...hardware.classes[silent]!, units: 0 } };
  return { ...given, hardware: { ...hardware, classes: { ...hardware.classes, ...none } } };
};

type Waits = DeadlockError['waiting'][number];
/** `e3: w1 w2`, or `e3: x`. */
const told = ({ stepId, waitsFor }: Waits): string =>
  `${stepId}: ${[...waitsFor.matchAll(/'([^']+)'/g)].map(([, name]) => name).join(' ')}`;
const stalled = ({ events }: OrchestratedResult): string[] | undefined =>
  events.flatMap((event) => (event.type === 'run.stalled' ? [event.waiting.map(told)] : []))[0];
/** What a starved instruction waits for: the operands that never come, in the order of its reads, or else its unit. */
function waits({ program, hardware }: Case, times: readonly { write: number }[], i: number): string {
  const missing = producersOf(program, i).filter((producer) => times[producer]!.write === Infinity);
  const unit = hardware.ops[program[i]!.op]!.class;
  return `e${i}: ${missing.length > 0 ? missing.map((producer) => `w${producer}`).join(' ') : unit}`;
}

function objected(
  given: Case,
  { times, outcome }: OrchestratedResult,
  what: string | undefined,
  messages: readonly Message[] = picture(given, times),
): Objection | undefined {
  if (what === undefined) return undefined;
  const troubles = (given as Partial<Troubled>).silent;
  const notes = [
    ...(troubles === undefined ? [] : [{ from: 'hardware', text: `${troubles} is silent` }]),
    ...(given as Partial<Troubled>).program!.flatMap(({ fails = 0, hangs }, i) =>
      fails === 0
        ? []
        : [
            {
              from: 'program',
              text: `${numbered(given, i)} ${hangs ? 'hangs' : 'fails'} ${amountOf(fails, 'time')}`,
            },
          ],
    ),
  ];
  const end = outcome.errors.map(({ message }) => ({ from: 'outcome', text: message }));
  return { what, transcript: [...notes, ...messages, ...end] };
}
