/** What a tempo governor promises on top of the kernel's, written from the design (docs/decisions/0020, 0021) and from
 *  the published tables. It imports nothing, so that it cannot agree with the machine by accident.
 *
 *  A ladder of points, each a pair of markings, gives the kernel its table of frequencies. What may be spent is a limit
 *  from above, as thermal pressure is; the time that is left is one from below. A rejection is one step up. A mode
 *  stands for a policy and for one point, which need not be on the ladder. A change of point is announced once. */

/** What it asks of the kernel's rules. */
export type Cpufreq = {
  cur: number;
  min: number;
  max: number;
  governor: string;
  start(governor: string): void;
  tune(tunables: never): void;
  set_speed(frequency: number): void;
  limits(min: number, max: number): void;
  step_up(): void;
  update(sample: never): void;
};
export type PoolPoint = { readonly tempo: string; readonly dynamics: string };
export type Rung = PoolPoint & { readonly frequency: number };
export type Tuning = Readonly<Record<string, number>>;
export type GovernorInput = {
  readonly type: string;
  readonly at?: number;
  readonly load?: number;
  readonly util?: number;
  readonly idleCalls?: number;
  readonly ioWait?: boolean;
  readonly idlePeriods?: number | undefined;
  readonly allowance?: number | null;
  readonly remainingMs?: number | null;
  readonly policy?: string;
  readonly frequency?: number;
  readonly mode?: string | null;
  readonly tunables?: Tuning;
};

/** Beats per minute over those of moderato. spec.yaml; paper, 4.5. */
const SPEED: Readonly<Record<string, number>> = {
  grave: 0.25, largo: 0.4, adagio: 0.6, andante: 0.8, moderato: 1, allegro: 1.2, vivace: 1.4, presto: 1.8,
}; // prettier-ignore
/** Within how many milliseconds an answer comes. spec.yaml. */
const WITHIN: Readonly<Record<string, number>> = {
  grave: 120_000, largo: 60_000, adagio: 45_000, andante: 30_000, moderato: 15_000, allegro: 5_000, vivace: 3_000, presto: 1_000,
}; // prettier-ignore
/** What may be used, over that of mf. spec.yaml. */
const AMOUNT: Readonly<Record<string, number>> = {
  ppp: 0.125, pp: 0.25, p: 0.5, mp: 0.75, mf: 1, f: 1.5, ff: 2, fff: 2.5,
}; // prettier-ignore
/** Paper, 4.5; crisis is ours. */
const MODE: Readonly<Record<string, PoolPoint & { readonly governor: string }>> = {
  sprint: { governor: 'performance', tempo: 'presto', dynamics: 'ff' },
  conservation: { governor: 'powersave', tempo: 'andante', dynamics: 'pp' },
  crisis: { governor: 'userspace', tempo: 'grave', dynamics: 'fff' },
};
/** What is not tuned: the kernel's defaults, but for times, which are those of agents and not of processors. */
export const UNTUNED: Tuning = {
  samplingRate: 1_000,
  upThreshold: 80,
  downThreshold: 20,
  samplingDownFactor: 1,
  powersaveBias: 0,
  freqStep: 5,
  rateLimit: 1_000,
  tick: 4_000,
};
/** The governors that nothing but their limits moves. */
const FIXED = ['performance', 'powersave'];

/** P = C f V², with C of one. */
export const price = ({ tempo, dynamics }: PoolPoint): number => SPEED[tempo]! * AMOUNT[dynamics]! ** 2;
export const answersWithin = ({ tempo }: PoolPoint): number => WITHIN[tempo]!;

export class PoolModel {
  readonly kernel: Cpufreq;
  mode: string | null = null;
  allowance: number | null = null;
  remainingMs: number | null = null;
  tuning: Tuning;
  private readonly ladder: readonly Rung[];

  constructor(ladder: readonly Rung[], tuning: Tuning, kernel: Cpufreq) {
    this.ladder = ladder;
    this.tuning = tuning;
    this.kernel = kernel;
  }

  /** The pool's operating point. */
  get point(): PoolPoint {
    const named = this.mode === null ? undefined : MODE[this.mode]!;
    if (named !== undefined && this.allows(named)) return { tempo: named.tempo, dynamics: named.dynamics };
    const { tempo, dynamics } = this.ladder.find(({ frequency }) => frequency === this.kernel.cur)!;
    return { tempo, dynamics };
  }

  /** @returns the points that it announces, in order. */
  hear(event: GovernorInput): PoolPoint[] {
    const before = this.point;
    this.take(event);
    const after = this.point;
    return before.tempo === after.tempo && before.dynamics === after.dynamics ? [] : [after];
  }

  private take(event: GovernorInput): void {
    switch (event.type) {
      case 'LOAD':
        return this.kernel.update(sampleOf(event) as never);
      case 'BUDGET':
        this.allowance = event.allowance!;
        return this.limit();
      case 'DEADLINE':
        this.remainingMs = event.remainingMs!;
        return this.limit();
      case 'BOOST':
        if (!FIXED.includes(this.kernel.governor)) this.kernel.step_up();
        return;
      case 'SET':
        return this.set(event);
    }
  }

  private set({ policy, frequency, mode, tunables }: GovernorInput): void {
    this.tuning = { ...this.tuning, ...tunables };
    this.kernel.tune(kernelNames(this.tuning) as never);
    const next =
      policy ?? (mode === undefined || mode === null ? this.kernel.governor : MODE[mode]!.governor);
    if (next !== this.kernel.governor) this.kernel.start(next);
    if (frequency !== undefined && next === 'userspace') this.kernel.set_speed(frequency);
    // A new policy or frequency ends the mode; new tunables do not.
    if (mode !== undefined) this.mode = mode;
    else if (policy !== undefined || frequency !== undefined) this.mode = null;
  }

  private limit(): void {
    const last = this.ladder.length - 1;
    let [low, high] = [0, last];
    while (high > 0 && this.allowance !== null && price(this.ladder[high]!) > this.allowance) high--;
    while (low < last && this.remainingMs !== null && answersWithin(this.ladder[low]!) > this.remainingMs)
      low++;
    this.kernel.limits(this.ladder[low]!.frequency, this.ladder[high]!.frequency);
  }

  private allows(point: PoolPoint): boolean {
    const expensive = this.allowance !== null && price(point) > this.allowance;
    const late = this.remainingMs !== null && answersWithin(point) > this.remainingMs;
    return !expensive && !late;
  }
}

const sampleOf = (event: GovernorInput) => ({
  time: event.at!,
  load: event.load!,
  util: event.util!,
  idle_calls: event.idleCalls!,
  iowait: event.ioWait!,
  idle_periods: event.idlePeriods ?? 0,
});

/** The tunables under the kernel's names. */
export const kernelNames = (t: Tuning) => ({
  sampling_rate: t['samplingRate']!,
  up_threshold: t['upThreshold']!,
  down_threshold: t['downThreshold']!,
  sampling_down_factor: t['samplingDownFactor']!,
  powersave_bias: t['powersaveBias']!,
  freq_step: t['freqStep']!,
  freq_update_delay: t['rateLimit']!,
  tick: t['tick']!,
});
