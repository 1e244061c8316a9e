/** What the kernel's frequency governors promise, written from the kernel's own text as mutable records and C-like
 *  steps. It imports nothing, so that it cannot agree with the machines by accident.
 *
 *  Text: cpufreq_governor.c (`dbs_update_util_handler`, `cpufreq_dbs_governor_limits`), cpufreq_ondemand.c
 *  (`od_dbs_update`, `od_update`, `dbs_freq_increase`, `generic_powersave_bias_target`), cpufreq_conservative.c
 *  (`cs_dbs_update`, `cs_limits`), cpufreq_userspace.c, cpufreq_schedutil.c (`sugov_update_single_freq` and what it calls),
 *  cpufreq.h (`cpufreq_table_find_index_al`, `_ah`, `_ac`). */

type Uint = number;
type Tunables = {
  sampling_rate: Uint;
  up_threshold: Uint;
  down_threshold: Uint;
  sampling_down_factor: Uint;
  powersave_bias: Uint;
  freq_step: Uint;
  freq_update_delay: Uint;
  tick: Uint;
};
export type KernelSample = {
  time: Uint;
  load: Uint;
  util: Uint;
  idle_calls: Uint;
  iowait: boolean;
  idle_periods: Uint;
};

const UINT_MAX = 0xffff_ffff;
const SCALE = 1 << 10;
const IOWAIT_BOOST_MIN = SCALE / 8;
/** A boot so long ago that every delay has passed. */
const LONG_AGO = -1e15;
const u32 = (x: number): Uint => Math.floor(x);

/** Where the machine is known to differ from the text. Each is a fault of the machine; none is set once it is mended. */
export type Departures = {
  /** After a start or a boost, schedutil takes a demand of nothing for the one it has already served. */
  readonly idle_is_served: boolean;
  /** What conservative asked for before its limits changed still counts after (the kernel before cs_limits, 2026). */
  readonly request_outlives_limits: boolean;
};

export class KernelPolicy {
  cur: Uint;
  min: Uint;
  max: Uint;
  governor: string;
  private readonly table: readonly Uint[];
  private readonly departs: Departures;
  private t: Tunables;
  // policy_dbs_info
  private last_sample_time!: Uint;
  private sample_delay!: Uint;
  private rate_mult!: Uint;
  private idle_periods!: Uint;
  // od_policy_dbs_info
  private freq_lo!: Uint;
  private freq_lo_delay!: Uint;
  private freq_hi_delay!: Uint;
  private od_sub_sample!: boolean;
  // cs_policy_dbs_info
  private down_skip!: Uint;
  private requested_freq!: Uint;
  // userspace
  private setspeed!: Uint;
  // sugov_policy, sugov_cpu
  private last_freq_update_time!: Uint;
  private next_freq!: Uint;
  private cached_raw_freq!: Uint;
  private limits_changed!: boolean;
  private need_freq_update!: boolean;
  private iowait_boost!: Uint;
  private iowait_boost_pending!: boolean;
  private last_update!: Uint;
  private saved_idle_calls!: Uint;

  /** A policy at its lowest frequency, without limits. */
  constructor(governor: string, table: readonly Uint[], tunables: Tunables, departs: Departures) {
    this.governor = governor;
    this.table = table;
    this.t = tunables;
    this.departs = departs;
    this.cur = this.min = table[0]!;
    this.max = table[table.length - 1]!;
    this.start(governor);
  }

  /** `cpufreq_start_governor`: the governor's `start`, then its `limits`. */
  start(governor: string): void {
    this.governor = governor;
    this.last_sample_time = LONG_AGO;
    this.sample_delay = this.t.sampling_rate;
    this.rate_mult = 1;
    this.idle_periods = UINT_MAX;
    this.freq_lo = this.freq_lo_delay = this.freq_hi_delay = 0;
    this.od_sub_sample = false;
    this.down_skip = 0;
    this.requested_freq = this.setspeed = this.cur;
    this.last_freq_update_time = this.last_update = LONG_AGO;
    this.next_freq = this.cached_raw_freq = 0;
    this.iowait_boost = this.saved_idle_calls = 0;
    this.iowait_boost_pending = false;
    this.need_freq_update = true; // the driver has CPUFREQ_NEED_UPDATE_LIMITS
    this.limits(this.min, this.max);
    if (this.departs.idle_is_served) this.limits_changed = this.need_freq_update = false;
  }

  /** Other tunables, for the samples to come; a delay that runs is not cut short. */
  tune(tunables: Tunables): void {
    this.t = tunables;
  }

  /** Not the kernel's: one step up at once, and the governor remembers this frequency as its last choice. */
  step_up(): void {
    this.driver_target(this.cur + 1, 'L');
    this.requested_freq = this.next_freq = this.cur;
    this.cached_raw_freq = this.departs.idle_is_served ? 0 : UINT_MAX;
  }

  /** A scheduler tick, or a load sample. */
  update(s: KernelSample): void {
    if (this.governor === 'schedutil') this.sugov_update_single_freq(s);
    if (this.governor !== 'ondemand' && this.governor !== 'conservative') return;
    if (s.time - this.last_sample_time < this.sample_delay) return;
    this.last_sample_time = s.time;
    if (s.idle_periods > 0) this.idle_periods = s.idle_periods;
    this.sample_delay =
      this.governor === 'ondemand' ? this.od_dbs_update(s.load) : this.cs_dbs_update(s.load);
    this.idle_periods = UINT_MAX;
  }

  /** userspace: `cpufreq_set`. */
  set_speed(freq: Uint): void {
    this.setspeed = freq;
    this.driver_target(freq, 'L');
  }

  /** `freq_qos` has moved the limits. */
  limits(min: Uint, max: Uint): void {
    this.max = max;
    this.min = min > max ? max : min;
    switch (this.governor) {
      case 'performance':
        this.driver_target(this.max, 'H');
        break;
      case 'powersave':
        this.driver_target(this.min, 'L');
        break;
      case 'userspace':
        if (this.max < this.setspeed) this.driver_target(this.max, 'H');
        else if (this.min > this.setspeed) this.driver_target(this.min, 'L');
        else this.driver_target(this.setspeed, 'L');
        break;
      default:
        if (this.max < this.cur) this.driver_target(this.max, 'H');
        else if (this.min > this.cur) this.driver_target(this.min, 'L');
        this.sample_delay = 0;
        if (!this.departs.request_outlives_limits) this.requested_freq = this.cur; // cs_limits
        this.limits_changed = true;
    }
  }

  private od_dbs_update(load: Uint): Uint {
    const sub = this.od_sub_sample;
    this.od_sub_sample = false;
    if (sub && this.sample_delay > 0) {
      this.driver_target(this.freq_lo, 'H');
      return this.freq_lo_delay;
    }
    this.freq_lo = 0;
    if (load > this.t.up_threshold) {
      if (this.cur < this.max) this.rate_mult = this.t.sampling_down_factor;
      this.dbs_freq_increase(this.max);
    } else {
      const min_f = this.table[0]!;
      const max_f = this.table[this.table.length - 1]!;
      let freq_next = min_f + u32((load * (max_f - min_f)) / 100);
      this.rate_mult = 1;
      if (this.t.powersave_bias) freq_next = this.powersave_bias_target(freq_next, 'L');
      this.driver_target(freq_next, 'C');
    }
    if (this.freq_lo) {
      this.od_sub_sample = true;
      return this.freq_hi_delay;
    }
    return this.t.sampling_rate * this.rate_mult;
  }

  private dbs_freq_increase(freq: Uint): void {
    if (this.t.powersave_bias) this.driver_target(this.powersave_bias_target(freq, 'H'), 'L');
    else if (this.cur !== this.max) this.driver_target(freq, 'H');
  }

  private powersave_bias_target(freq_next: Uint, relation: 'L' | 'H'): Uint {
    const freq_req = this.table[this.index(freq_next, relation)]!;
    const freq_avg = freq_req - u32((freq_req * this.t.powersave_bias) / 1000);
    const freq_lo = this.table[this.index(freq_avg, 'H')]!;
    const freq_hi = this.table[this.index(freq_avg, 'L')]!;
    if (freq_hi === freq_lo) {
      this.freq_lo = 0;
      this.freq_lo_delay = 0;
      return freq_lo;
    }
    let delay_hi = (freq_avg - freq_lo) * this.t.sampling_rate;
    delay_hi += u32((freq_hi - freq_lo) / 2);
    delay_hi = u32(delay_hi / (freq_hi - freq_lo));
    this.freq_hi_delay = delay_hi;
    this.freq_lo = freq_lo;
    this.freq_lo_delay = this.t.sampling_rate - delay_hi;
    return freq_hi;
  }

  private cs_dbs_update(load: Uint): Uint {
    let requested_freq = this.requested_freq;
    if (this.t.freq_step === 0) return this.t.sampling_rate;
    if (requested_freq > this.max || requested_freq < this.min) {
      requested_freq = this.cur;
      this.requested_freq = requested_freq;
    }
    let freq_step = u32((this.t.freq_step * this.max) / 100);
    if (freq_step === 0) freq_step = 5;
    if (this.idle_periods < UINT_MAX) {
      const freq_steps = this.idle_periods * freq_step;
      if (requested_freq > this.min + freq_steps) requested_freq -= freq_steps;
      else requested_freq = this.min;
      this.idle_periods = UINT_MAX;
    }
    if (load > this.t.up_threshold) {
      this.down_skip = 0;
      if (requested_freq === this.max) return this.t.sampling_rate;
      requested_freq += freq_step;
      if (requested_freq > this.max) requested_freq = this.max;
      this.driver_target(requested_freq, 'H');
      this.requested_freq = requested_freq;
      return this.t.sampling_rate;
    }
    if (++this.down_skip < this.t.sampling_down_factor) return this.t.sampling_rate;
    this.down_skip = 0;
    if (load < this.t.down_threshold) {
      if (requested_freq === this.min) return this.t.sampling_rate;
      if (requested_freq > freq_step) requested_freq -= freq_step;
      else requested_freq = this.min;
      this.driver_target(requested_freq, 'L');
      this.requested_freq = requested_freq;
    }
    return this.t.sampling_rate;
  }

  private sugov_update_single_freq(s: KernelSample): void {
    const cached_freq = this.cached_raw_freq;
    this.sugov_iowait_boost(s.time, s.iowait);
    this.last_update = s.time;
    if (this.limits_changed) {
      this.limits_changed = false;
      this.need_freq_update = true;
    } else if (s.time - this.last_freq_update_time < this.t.freq_update_delay) return;
    const util = this.sugov_iowait_apply(s.util);
    const max_freq = this.table[this.table.length - 1]!;
    const freq = u32(((max_freq + (max_freq >> 2)) * util) / SCALE);
    let next_f: Uint;
    if (freq === this.cached_raw_freq && !this.need_freq_update) next_f = this.next_freq;
    else {
      this.cached_raw_freq = freq;
      next_f = this.table[this.index(freq, 'L')]!;
    }
    const busy = s.idle_calls === this.saved_idle_calls;
    this.saved_idle_calls = s.idle_calls;
    if (busy && next_f < this.next_freq && !this.need_freq_update) {
      next_f = this.next_freq;
      this.cached_raw_freq = cached_freq;
    }
    if (this.need_freq_update) this.need_freq_update = false;
    else if (this.next_freq === next_f) return;
    this.next_freq = next_f;
    this.last_freq_update_time = s.time;
    this.driver_target(next_f, 'L');
  }

  private sugov_iowait_boost(time: Uint, set_iowait_boost: boolean): void {
    if (this.iowait_boost && time - this.last_update > this.t.tick) {
      this.iowait_boost = set_iowait_boost ? IOWAIT_BOOST_MIN : 0;
      this.iowait_boost_pending = set_iowait_boost;
      return;
    }
    if (!set_iowait_boost) return;
    if (this.iowait_boost_pending) return;
    this.iowait_boost_pending = true;
    if (this.iowait_boost) {
      this.iowait_boost = Math.min(this.iowait_boost << 1, SCALE);
      return;
    }
    this.iowait_boost = IOWAIT_BOOST_MIN;
  }

  private sugov_iowait_apply(util: Uint): Uint {
    if (!this.iowait_boost) return util;
    if (!this.iowait_boost_pending) {
      this.iowait_boost >>= 1;
      if (this.iowait_boost < IOWAIT_BOOST_MIN) {
        this.iowait_boost = 0;
        return util;
      }
    }
    this.iowait_boost_pending = false;
    return Math.max(this.iowait_boost, util);
  }

  private driver_target(freq: Uint, relation: 'L' | 'H' | 'C'): void {
    this.cur = this.table[this.index(freq, relation)]!;
  }

  private index(freq: Uint, relation: 'L' | 'H' | 'C'): number {
    const target = freq < this.min ? this.min : freq > this.max ? this.max : freq;
    let best = -1;
    for (let i = 0; i < this.table.length; i++) {
      const f = this.table[i]!;
      if (relation === 'L') {
        if (f >= target) return i;
        best = i;
        continue;
      }
      if (f === target) return i;
      if (f < target) {
        best = i;
        continue;
      }
      if (best === -1) return i;
      if (relation === 'H') return best;
      return target - this.table[best]! > f - target ? i : best;
    }
    return best;
  }
}
