/**
 * A budget that is not overrun: what a call may use at most is set aside before it starts, and what it has used is
 * settled after it ends.
 *
 * With 50 agents at work and usage reported late, "spent so far" says nothing about what is under way. So the promise
 * is on spent + reserved ≤ limit, at every instant. The one exception: a provider reports that a call used more than its
 * bound, for it wrote more than `maxOutputTokens`. That is booked as it is and shown as `overdraft`. Money is counted in
 * whole nano-dollars, rounded up.
 */
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import { knownFields, RoutingConfigError } from './config-error.ts';

/** Hard limits, each optional. */
export interface Budget {
  /** Requests to models, each retry and each fallback included; a whole number of at least 0. A performance counts the
   *  starts of agents as well; see `PerformOptions.budget`. */
  readonly calls?: number | undefined;
  /** Tokens in and out; a whole number of at least 0. */
  readonly tokens?: number | undefined;
  /** US dollars, 0 or more. */
  readonly usd?: number | undefined;
}
/** An amount of each. */
export interface Amount {
  readonly calls: number;
  readonly tokens: number;
  readonly usd: number;
}

/** A call would exceed the budget, even if all calls under way used nothing. */
export class BudgetExceededError extends BudgetError {
  override name = 'BudgetExceededError';
  readonly resource: keyof Amount;
  constructor(resource: keyof Amount, limit: number, needed: number, left: number) {
    super(resource, limit);
    this.resource = resource;
    const say = (value: number) => (resource === 'usd' ? `$${value.toFixed(6)}` : String(value));
    this.message = `the next call may need ${say(needed)} of budget.${resource}, and ${say(left)} of ${say(limit)} are left; raise budget.${resource}${resource === 'calls' ? '' : ', or lower maxOutputTokens'}.`;
  }
}

const NANO = 1e9;
const KINDS = ['calls', 'tokens', 'usd'] as const;
type Units = Record<keyof Amount, number>;
const units = ({ calls, tokens, usd }: Amount): Units => ({
  calls,
  tokens,
  usd: Math.ceil(usd * NANO - 1e-6),
});
const amount = ({ calls, tokens, usd }: Units): Amount => ({ calls, tokens, usd: usd / NANO });

/** What was set aside for one call. */
export interface Reservation {
  readonly bound: Amount;
  /** Says what was used; the rest is free again. More than was set aside is booked as it is, and reported as `overdraft`. */
  settle(used: Amount): void;
  /** Nothing was used. */
  cancel(): void;
}

interface Waiting {
  readonly bound: Units;
  readonly grant: (reservation: Reservation) => void;
  readonly refuse: (error: unknown) => void;
}

/** @example
 *  ```ts
 *  const ledger = new Ledger({ usd: 5 });
 *  const reservation = await ledger.acquire({ calls: 1, tokens: 4_000, usd: 0.02 });
 *  reservation.settle({ calls: 1, tokens: 1_200, usd: 0.006 });
 *  ledger.left.usd; // 4.994
 *  ``` */
export class Ledger {
  #limits: Budget;
  #limit: Units;
  readonly #spent: Units = { calls: 0, tokens: 0, usd: 0 };
  readonly #reserved: Units = { calls: 0, tokens: 0, usd: 0 };
  readonly #overdraft: Units = { calls: 0, tokens: 0, usd: 0 };
  /** What was set aside for the calls that have been booked. */
  readonly #bounds: Units = { calls: 0, tokens: 0, usd: 0 };
  readonly #queue: Waiting[] = [];
  #open = 0;

  /** @throws RoutingConfigError for a limit that is negative, not a number, or not whole where it must be */
  constructor(limits: Budget = {}) {
    this.#limit = checkedLimits(limits);
    this.#limits = { ...limits };
  }

  get limits(): Budget {
    return this.#limits;
  }
  /**
   * Adds to the limits; calls that wait for it go on. What has no limit has none afterwards.
   *
   * @throws RoutingConfigError for an amount that is negative, not a number, or not whole where it must be; then
   *   nothing has changed
   */
  extend(more: Budget): void {
    checkedLimits(more);
    const sum: { -readonly [Kind in keyof Budget]: Budget[Kind] } = { ...this.#limits };
    for (const kind of KINDS) {
      if (sum[kind] !== undefined && more[kind] !== undefined) sum[kind] += more[kind];
    }
    this.#limit = checkedLimits(sum);
    this.#limits = sum;
    this.#advance();
  }

  get spent(): Amount {
    return amount(this.#spent);
  }
  get reserved(): Amount {
    return amount(this.#reserved);
  }
  /** What calls used beyond what was set aside for them: 0 unless a provider breaks its own limits. */
  get overdraft(): Amount {
    return amount(this.#overdraft);
  }
  /** What has not been spent, whether set aside or not; Infinity where there is no limit. */
  get unspent(): Amount {
    const left = (kind: keyof Amount) => Math.max(0, this.#limit[kind] - this.#spent[kind]);
    return amount({ calls: left('calls'), tokens: left('tokens'), usd: left('usd') });
  }
  /** Which share of what is set aside for a call it uses, so far: 0 to 1, and 1 before the first. */
  usedShare(kind: keyof Amount): number {
    return this.#bounds[kind] === 0 ? 1 : Math.min(1, this.#spent[kind] / this.#bounds[kind]);
  }
  /** What may still be reserved, Infinity where there is no limit. */
  get left(): Amount {
    return amount({ calls: this.#free('calls'), tokens: this.#free('tokens'), usd: this.#free('usd') });
  }

  /** Books what was spent before this ledger was made. It may be more than the limits. */
  book(used: Amount): void {
    const spent = checked(used);
    for (const kind of KINDS) this.#spent[kind] += spent[kind];
  }

  /** Sets an upper bound aside, or throws.
   *  @throws {BudgetExceededError} when it does not fit now */
  reserve(bound: Amount): Reservation {
    const wanted = checked(bound);
    const short = KINDS.find((kind) => wanted[kind] > Math.max(0, this.#free(kind)));
    if (short !== undefined) throw this.#exceeded(short, wanted);
    return this.#grant(wanted);
  }

  /** Like `reserve`, but waits, first come first served, while what others have set aside may still come back.
   *  @throws {BudgetExceededError} as soon as it can no longer fit; the signal's reason when aborted */
  acquire(bound: Amount, signal?: AbortSignal): Promise<Reservation> {
    const wanted = checked(bound);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal!.reason);
        this.#advance();
      };
      const waiting: Waiting = {
        bound: wanted,
        grant: (reservation) => (signal?.removeEventListener('abort', leave), resolve(reservation)),
        refuse: (error) => (signal?.removeEventListener('abort', leave), reject(error)),
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#queue.push(waiting);
      this.#advance();
    });
  }

  #free(kind: keyof Amount): number {
    return this.#limit[kind] - this.#spent[kind] - this.#reserved[kind];
  }
  #exceeded(kind: keyof Amount, wanted: Units): BudgetExceededError {
    const scale = kind === 'usd' ? NANO : 1;
    return new BudgetExceededError(
      kind,
      this.#limit[kind] / scale,
      wanted[kind] / scale,
      Math.max(0, this.#free(kind)) / scale,
    );
  }

  /** Serves the queue from its head; stops at the first that has to wait, so that no call is overtaken indefinitely. */
  #advance(): void {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const { bound } = head;
      const never = KINDS.find((kind) => bound[kind] > Math.max(0, this.#limit[kind] - this.#spent[kind]));
      const notNow = KINDS.find((kind) => bound[kind] > Math.max(0, this.#free(kind)));
      if (never === undefined && notNow !== undefined && this.#open > 0) return;
      this.#queue.shift();
      if (never !== undefined || notNow !== undefined) head.refuse(this.#exceeded((never ?? notNow)!, bound));
      else head.grant(this.#grant(bound));
    }
  }

  #grant(bound: Units): Reservation {
    this.#open++;
    for (const kind of KINDS) this.#reserved[kind] += bound[kind];
    let settled = false;
    const settle = (used: Units, made: boolean) => {
      if (settled) return; // a second report of the same call is not a second call
      settled = true;
      this.#open--;
      for (const kind of KINDS) {
        this.#reserved[kind] -= bound[kind];
        this.#spent[kind] += used[kind];
        if (made) this.#bounds[kind] += bound[kind];
        this.#overdraft[kind] += Math.max(0, used[kind] - bound[kind]);
      }
      this.#advance();
    };
    return {
      bound: amount(bound),
      settle: (used) => settle(checked(used), true),
      cancel: () => settle({ calls: 0, tokens: 0, usd: 0 }, false),
    };
  }
}

function checkedLimits(limits: Budget): Units {
  knownFields('budget', limits, KINDS, 'limit');
  // A ledger has none of the keys of a budget, so it would count as a budget without limits.
  if (typeof (limits as { acquire?: unknown }).acquire === 'function')
    throw new RoutingConfigError('budget', 'a ledger is not limits', `Give ${KINDS.join(', ')}.`);
  const limit = (kind: keyof Amount): number => {
    const value = limits[kind];
    if (value === undefined) return Number.POSITIVE_INFINITY;
    const whole = kind !== 'usd';
    if (typeof value === 'number' && value >= 0 && (whole ? Number.isSafeInteger(value) : value <= 1e6))
      return whole ? value : Math.floor(value * NANO);
    const kindOf = whole ? 'a whole number of at least 0' : 'an amount from 0 to 1,000,000';
    throw new RoutingConfigError(
      `budget.${kind}`,
      `${String(value)} is not ${kindOf}`,
      'Correct it, or leave it out for no limit.',
    );
  };
  return { calls: limit('calls'), tokens: limit('tokens'), usd: limit('usd') };
}

function checked(given: Amount): Units {
  const bad = KINDS.find((kind) => !(given[kind] >= 0 && Number.isFinite(given[kind])));
  if (bad !== undefined)
    throw new RoutingConfigError(
      `amount.${bad}`,
      `${given[bad]} is not an amount`,
      'Give a finite number, 0 or more.',
    );
  return units(given);
}
