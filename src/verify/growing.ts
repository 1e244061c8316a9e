/** The claim about steps that maps, sub-scores and loops add while a performance runs. */
import { VirtualClock } from '../../actors/bus/clock.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { Claim } from '../../specs/harness/claim.ts';
import type { Random } from '../../specs/harness/random.ts';
import {
  digest,
  failsAt,
  inOrder,
  LETTERS,
  namesReadBy,
  agentResult,
  STAND_IN,
  type GrowingStep,
  type Work,
} from '../../specs/tomasulo/in-order.ts';
import { agent } from '../score/agent.ts';
import { perform } from '../score/perform.ts';
import { score, type Score } from '../score/score.ts';
import { apiClaim, must, text, without } from './sample.ts';

interface GrowingCase {
  readonly steps: readonly GrowingStep[];
  readonly window: number;
  readonly capacity: number;
  readonly dispatch: 'reactive' | 'batch' | 'sequential';
}
const INPUT = { n: 3, list: [4, 5] };

/** What a name is: an agent's result, with a list in it; or something else. */
type Kind = 'result' | 'list' | 'other';

function drawSteps(
  random: Random,
  depth: number,
  given: ReadonlyMap<string, Kind>,
  most: number,
): GrowingStep[] {
  const kinds = new Map(given);
  const steps: GrowingStep[] = [];
  const count = random.whole(1, most);
  for (let i = 0; i < count; i++) {
    const reads = Array.from({ length: random.below(3) }, () => random.pick([...kinds.keys()]));
    const [work, kind] = drawWork(random, depth, reads, kinds);
    const id = `s${i}`;
    const writes = random.below(4) === 0 ? 'x' : id;
    steps.push({
      ...{ id, writes, reads, work },
      when: random.below(3) === 0,
      otherwise: steps.at(-1)?.when === true && random.below(2) === 0,
      fails: random.below(6) === 0,
      fallback: random.below(4) === 0,
    });
    // A name that is kept, or that a default stands in for, may be any of them.
    kinds.set(writes, kinds.has(writes) && kinds.get(writes) !== kind ? 'other' : kind);
  }
  return steps;
}
function drawWork(
  random: Random,
  depth: number,
  reads: readonly string[],
  kinds: ReadonlyMap<string, Kind>,
): [Work, Kind] {
  const lists = [...kinds].flatMap(([name, kind]) =>
    kind === 'list' ? [name] : kind === 'result' && name !== 'x' ? [`${name}.list`] : [],
  );
  const what = random.pick(['agent', 'agent', 'map', 'map', 'score', 'repeat'] as const);
  const body = (): GrowingStep[] =>
    drawSteps(
      random,
      depth - 1,
      new Map([
        ['input', 'other'],
        ...reads.map((read, i): [string, Kind] => [`input.${LETTERS[i]!}`, kinds.get(read) ?? 'other']),
      ]),
      3,
    );
  if (what === 'map' && lists.length > 0) {
    const join = random.pick(['all', 'all', 'allSettled', 'any', 'first', { quorum: 2 }] as const);
    const inner = depth > 0 && random.below(2) === 0 ? body() : undefined;
    return [{ is: 'map', over: random.pick(lists), body: inner, join }, join === 'all' ? 'list' : 'other'];
  }
  if (what === 'score' && depth > 0) return [{ is: 'score', body: body() }, 'other'];
  if (what === 'repeat' && depth > 0)
    return [{ is: 'repeat', body: body(), until: random.whole(1, 4), max: random.whole(1, 3) }, 'other'];
  return [{ is: 'agent' }, 'result'];
}

/** Builds the score as a user does, and counts what it starts. */
function built(
  steps: readonly GrowingStep[],
  capacity: number,
  starts: Map<string, number>,
): Score<any, any> {
  let made: any = score('growing');
  for (const step of steps) {
    const { id, reads, writes, when, otherwise, fallback, work } = step;
    const common = {
      reads: Object.fromEntries(reads.map((read, i) => [LETTERS[i], read])),
      ...{ writes, otherwise },
      ...(when ? { when: (operands: object) => digest(operands) % 2 === 1 } : {}),
      ...(fallback ? { default: STAND_IN } : {}),
    };
    const worker = agent({
      ...{ name: 'worker', capacity },
      run: async (operands: Record<string, unknown>, { stepId, sleep }: AgentContext) => {
        starts.set(stepId, (starts.get(stepId) ?? 0) + 1);
        await sleep(digest(stepId) % 13);
        if (failsAt(step, stepId)) throw new Error('fails');
        return agentResult(stepId, operands);
      },
    });
    if (work.is === 'agent') made = made.step(id, { ...common, agent: worker });
    else if (work.is === 'map') {
      const { over, join, body } = work;
      const each = body === undefined ? { agent: worker } : { score: built(body, capacity, starts) };
      const concurrency = join === 'all' || join === 'allSettled' ? undefined : 1;
      made = made.map(id, { ...common, ...each, over, join, concurrency });
    } else {
      const options = { ...common, score: built(work.body, capacity, starts) };
      if (work.is === 'score') made = made.step(id, options);
      else {
        const until = (_: unknown, round: number) => round >= work.until;
        made = made.repeat(id, { ...options, until, max: work.max, onCap: 'accept' });
      }
    }
  }
  return made;
}

const sorted = (entries: Iterable<readonly [string, unknown]>): string =>
  text([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));
/** A rejected element, without the error that the oracle does not know. */
const plain = (_: string, value: unknown): unknown =>
  (value as { status?: unknown } | null)?.status === 'rejected' ? { status: 'rejected' } : value;

async function endsAsInOrder({ steps, capacity, ...options }: GrowingCase): Promise<undefined> {
  const starts = new Map<string, number>();
  let [inFlight, most] = [0, 0];
  const report = await perform(built(steps, capacity, starts), {
    ...options,
    input: INPUT,
    clock: new VirtualClock(),
    onEvent: (event) => {
      if (event.type === 'step.started' && event.agent === 'worker') most = Math.max(most, ++inFlight);
      if (event.type === 'step.ended' && starts.has(event.stepId)) inFlight--;
    },
  }).report;
  const expected = inOrder(steps, INPUT);
  const outputs = sorted(Object.entries(JSON.parse(JSON.stringify(report.outputs, plain)) as object));
  const right = sorted(Object.entries(expected.outputs));
  must(outputs === right, () => `The outputs are ${outputs}, and in order ${right}.`);
  const statuses = sorted(report.timeline.map(({ id, status }) => [id, status]));
  const due = sorted(expected.statuses);
  must(statuses === due, () => `The steps end as ${statuses}, and in order as ${due}.`);
  const [started, starting] = [sorted(starts), sorted(expected.starts)];
  must(started === starting, () => `Agents are started as ${started}, and in order as ${starting}.`);
  const limit = Math.min(options.window, capacity, options.dispatch === 'sequential' ? 1 : Infinity);
  must(most <= limit, () => `${most} agents run at once, not ${limit}.`);
}

export const growingClaims: readonly Claim[] = [
  apiClaim('tomasulo', 'operational semantics', {
    property:
      'Steps that maps, sub-scores and loops add while a performance runs, and steps with conditions, end as the same steps do one after the other, in any window.',
    source: 'Hennessy & Patterson, ch. 3 (a loop is issued once for each iteration); docs/decisions/0043',
    bound:
      'scores of up to 4 steps, nested up to 2 deep, with failures, defaults, conditions, every join, and windows of 1 to 8',
    share: 0.3,
    draw: (random): GrowingCase => ({
      steps: drawSteps(random, 2, new Map([['input', 'result']]), 4),
      window: random.whole(1, 8),
      capacity: random.whole(1, 4),
      dispatch: random.pick(['reactive', 'reactive', 'batch', 'sequential'] as const),
    }),
    judge: endsAsInOrder,
    shown: ({ steps, ...rest }) => [text(rest), ...steps.map(text)],
    smaller: function* ({ steps, ...rest }) {
      for (const fewer of without(steps)) {
        const names = new Set(['input', ...fewer.map(({ writes }) => writes)]);
        const kept = fewer.length > 0 && !fewer.some(({ otherwise }) => otherwise);
        if (kept && fewer.every((step) => namesReadBy(step).every((read) => names.has(read.split('.')[0]!))))
          yield { ...rest, steps: fewer };
      }
    },
  }),
];
