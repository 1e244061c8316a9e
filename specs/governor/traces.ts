/** Traces to judge governors by, drawn from a seed: a ladder, tunables, and every kind of event, at times when its
 *  policy reacts and when it does not. */
import { DYNAMICS_LEVELS } from '../../machines/hct/dynamics.ts';
import {
  DEFAULT_TUNABLES,
  GOVERNORS,
  type GovernorName,
  type GovernorTunables,
} from '../../machines/governor/governor.ts';
import { ladder, type Ladder } from '../../machines/governor/operating-point.ts';
import { MODES, type Mode } from '../../machines/hct/performance.ts';
import { TEMPI } from '../../machines/hct/tempo.ts';
import type { TempoGovernorEvent } from '../../machines/governor/tempo-governor.ts';
import type { Random } from '../harness/random.ts';
import { answersWithin, price, UNTUNED, type Tuning } from './pool/model.ts';

export interface EventTrace {
  readonly ladder: Ladder;
  /** Left out: the machine's defaults. */
  readonly tunables?: GovernorTunables;
  readonly events: readonly TempoGovernorEvent[];
}
type Load = TempoGovernorEvent & { type: 'LOAD' };

const POINTS = TEMPI.flatMap((tempo) => DYNAMICS_LEVELS.map((dynamics) => ({ tempo, dynamics })));

/** A trace in which mostly this policy rules: others come in between, and it comes back. */
export function drawTrace(policy: GovernorName, random: Random): EventTrace {
  const points = drawLadder(random);
  const fast = random.next() < 0.4; // times so small that delays are met to the millisecond
  const tunables = random.next() < 0.1 ? undefined : drawTunables(random, fast);
  const rare = random.pick([12, 30, 90]); // a command in so many events, roughly
  const load = loads({ ...UNTUNED, ...tunables }, random, fast);
  const events: TempoGovernorEvent[] = [
    { type: 'SET', policy: 'userspace', frequency: random.pick(points).frequency },
  ];
  const home = { type: 'SET', policy } as const;
  if (policy !== 'userspace') events.push(home);
  let away = 0;
  for (const length = random.whole(20, 60); events.length < length;) {
    const kind = random.whole(1, rare);
    if (away > 0 && --away === 0) events.push(home);
    else if (kind > 8) events.push(load());
    else {
      events.push(command(kind, policy, points, fast, random));
      if (kind > 4) away = random.whole(1, 8);
    }
  }
  return { ladder: points, ...(tunables && { tunables }), events };
}

function command(
  kind: number,
  home: GovernorName,
  points: Ladder,
  fast: boolean,
  random: Random,
): TempoGovernorEvent {
  const policy = { policy: random.pick([home, ...GOVERNORS]) };
  const frequency = {
    frequency: random.pick([random.whole(1, 400_000), random.pick(points).frequency]),
  };
  const mode = { mode: random.pick(['sprint', 'conservation', 'crisis', null] satisfies (Mode | null)[]) };
  const tunables = { tunables: someOf(drawTunables(random, fast), random) };
  const some = <T extends object>(one: T): T | undefined => (random.next() < 0.5 ? one : undefined);
  switch (kind) {
    case 1:
      return { type: 'BUDGET', allowance: drawAllowance(points, random) };
    case 2:
      return { type: 'DEADLINE', remainingMs: drawDeadline(points, random) };
    case 3:
      return { type: 'BOOST' };
    case 4:
      return { type: 'SET', ...frequency };
    case 5:
      return { type: 'SET', ...policy };
    case 6: // a mode together with its own policy, too
      return { type: 'SET', ...mode, ...some(policy) };
    case 7:
      return { type: 'SET', ...tunables };
    default:
      return { type: 'SET', ...some(policy), ...some(frequency), ...some(mode), ...some(tunables) };
  }
}

/** A source of loads, each later than the last but for one in fifty. */
function loads({ upThreshold, downThreshold }: Tuning, random: Random, fast: boolean): () => Load {
  let at = 0;
  let idleCalls = 0;
  return () => {
    at += random.next() < 0.02 ? -3 : random.whole(0, fast ? 8 : random.pick([300, 2_000]));
    idleCalls += random.pick([0, 0, 1, 3]);
    return {
      type: 'LOAD',
      at,
      idleCalls,
      load: random.pick([random.whole(0, 100), random.whole(0, 100), upThreshold!, downThreshold!]),
      util: random.pick([random.whole(0, 1_024), 0, 512, 819, 820, 1_024]),
      ioWait: random.next() < 0.5,
      idlePeriods: random.pick([undefined, 0, 0, 1, 4]),
    };
  };
}

/** One to eight points, each more expensive than the one before, at any frequencies that rise. */
function drawLadder(random: Random): Ladder {
  const size = random.whole(1, 8);
  const chosen = new Map<number, (typeof POINTS)[number]>();
  const frequencies = new Set<number>();
  const most = random.pick([20, 400_000, 400_000]);
  while (chosen.size < size) {
    const point = random.pick(POINTS);
    chosen.set(price(point), point);
  }
  while (frequencies.size < size) frequencies.add(random.whole(1, most));
  const rising = [...frequencies].sort((a, b) => a - b);
  const byCost = [...chosen].sort(([a], [b]) => a - b);
  return ladder(byCost.map(([, point], i) => ({ ...point, frequency: rising[i]! })));
}

function drawTunables(random: Random, fast: boolean): GovernorTunables {
  const longest = fast ? 12 : 500;
  if (!fast && random.next() < 0.3)
    return { ...DEFAULT_TUNABLES, rateLimit: 100, samplingRate: 100, tick: 300 };
  const upThreshold = random.whole(1, 100);
  return {
    samplingRate: random.whole(1, longest),
    upThreshold,
    downThreshold: Math.min(random.whole(0, 99), upThreshold - 1),
    samplingDownFactor: random.whole(1, 6),
    powersaveBias: random.pick([0, random.whole(0, 1_000)]),
    freqStep: random.whole(0, 100),
    rateLimit: random.whole(0, longest),
    tick: random.whole(0, longest),
  };
}

function someOf(tunables: GovernorTunables, random: Random): Partial<GovernorTunables> {
  const { samplingRate, rateLimit, tick, upThreshold, downThreshold, ...rest } = tunables;
  return random.pick([{ samplingRate, rateLimit, tick }, { upThreshold, downThreshold }, rest]);
}

/** What one of the points costs, or a little less; or any sum. */
function drawAllowance(points: Ladder, random: Random): number | null {
  const cost = price(random.pick([...points, ...Object.values(MODES)]));
  return random.pick([null, 0, cost, cost * 0.999, random.next() * 12]);
}

/** How long one of the points takes, or a little less; or any time. */
function drawDeadline(points: Ladder, random: Random): number | null {
  const within = answersWithin(random.pick([...points, ...Object.values(MODES)]));
  return random.pick([null, 0, within, within - 1, random.whole(0, 130_000)]);
}
