/** What one performance may spend on models, and what it has spent: one ledger and one sum for all of its agents. */
import { BudgetError } from '../../actors/tomasulo/errors.ts';
import type { FailedModel } from './call-report.ts';
import type { CallReport } from './call-report.ts';
import { Ledger, type Amount, type Budget, type Reservation } from './budget.ts';

/** How a step went whose answers were checked. */
export interface StepCheck {
  readonly stepId: string;
  readonly accepted: boolean;
  /** 0 to 1. */
  readonly quality: number;
  /** US dollars of all attempts and checks; 0 where no prices are known. */
  readonly usd: number;
  /** Answers until one was accepted, 1 or more. */
  readonly attempts: number;
}
/** Quality and cost together, so that neither is bought with the other unseen. */
export interface Checked {
  readonly steps: readonly StepCheck[];
  readonly accepted: number;
  /** The mean, 0 to 1. */
  readonly quality: number;
  /** US dollars of all of them. */
  readonly usd: number;
}

/** An answer for which more than one model was asked. */
export interface Fallback {
  readonly stepId: string;
  /** The model that answered, as `provider:name`; undefined where none did. */
  readonly answered: string | undefined;
  /** Models that gave no answer, in the order in which they were asked. If `answered` is undefined, the last one of
   *  `models` is not among them: its failure is the step's error. */
  readonly failed: readonly FailedModel[];
}

/** What models used in a performance. */
export interface ModelUsage {
  /** Requests to models: rounds of tools, retries and fallbacks included. */
  readonly modelCalls: number;
  /** Tokens in and out. */
  readonly tokens: number;
  /** US dollars; undefined where the price of some call is not known. */
  readonly usd: number | undefined;
  /** Answers for which more than one model was asked; absent where there are none. */
  readonly fallbacks?: readonly Fallback[] | undefined;
  /** What verifiers said; absent where nothing was checked. */
  readonly checked?: Checked | undefined;
}

/** What the account has to know of the performance. */
export interface PerformanceFacts {
  /** How many steps there are that pay from the account. */
  readonly spenders: () => number;
  /** Milliseconds on the performance's clock until all has to be done; undefined where nothing is said. */
  readonly deadline: number | undefined;
  /** Which share of the time that is left belongs to a step, as the longest path through it has others: above 0 to 1. */
  readonly shareOfTime: (stepId: string) => number;
}

/** Finds the account of a performance, whichever copy of this module made it. */
const ACCOUNT = Symbol.for('tutti.run-account');
export const accountOf = ({ account }: { readonly account?: object | undefined }): RunAccount | undefined =>
  account !== undefined && ACCOUNT in account ? (account as RunAccount) : undefined;

export class RunAccount {
  readonly [ACCOUNT] = true;
  readonly ledger: Ledger;
  readonly #performed: PerformanceFacts | undefined;
  /** Steps that have ended, as far as is known: a retry begins them again. */
  readonly #ended = new Set<string>();
  readonly #begun = new Set<string>();
  /** By step, the latest try that has sent its first request. */
  readonly #asking = new Map<string, number>();
  readonly #checks: StepCheck[] = [];
  readonly #fallbacks: Fallback[] = [];
  readonly #listeners = new Set<(report: CallReport) => void>();
  #notes: AccountNotes | undefined;
  #spenders: number | undefined;
  #modelCalls = 0;
  #tokens = 0;
  #usd: number | undefined = 0;

  /** @throws {RoutingConfigError} for a limit that is negative, not a number, or not whole where it must be. */
  constructor(limits: Budget = {}, performed?: PerformanceFacts) {
    this.ledger = new Ledger(limits);
    this.#performed = performed;
  }
  /** Books the start of an agent as a call. @returns why the budget does not allow it; undefined if it does */
  charge(): BudgetError | undefined {
    const { calls } = this.ledger.limits;
    if (calls === undefined) return undefined;
    if (this.ledger.left.calls < 1) return new BudgetError('calls', calls);
    this.ledger.reserve(ONE_CALL).settle(ONE_CALL);
    return undefined;
  }
  /**
   * Where one try of a step pays for its requests. The start of the try has been booked as a call, so its first request
   * is not booked as another one.
   */
  purseOf({ stepId, attempt }: { readonly stepId: string; readonly attempt: number }): Purse {
    return {
      acquire: async (bound, signal) => {
        const isFirst = (this.#asking.get(stepId) ?? 0) < attempt;
        if (isFirst) this.#asking.set(stepId, attempt);
        if (!isFirst) return this.#noted(await this.ledger.acquire(bound, signal));
        const reservation = await this.#noted(await this.ledger.acquire({ ...bound, calls: 0 }, signal));
        return {
          bound,
          settle: (used) => reservation.settle({ ...used, calls: 0 }),
          cancel: () => reservation.cancel(),
        };
      },
    };
  }
  /** A reservation that is noted before the call that it is for. */
  async #noted(reservation: Reservation): Promise<Reservation> {
    const notes = this.#notes;
    if (notes === undefined || Object.keys(this.ledger.limits).length === 0) return reservation;
    let number: string;
    try {
      number = await notes.reserved(reservation.bound);
    } catch (error) {
      reservation.cancel();
      throw error;
    }
    return {
      bound: reservation.bound,
      settle(used) {
        reservation.settle(used);
        notes.settled(number, used);
      },
      cancel() {
        reservation.cancel();
        notes.settled(number, undefined);
      },
    };
  }
  /** Notes what is set aside and used from now on, for a later life. @returns how to stop it */
  note(notes: AccountNotes): () => void {
    this.#notes = notes;
    const stop = this.listen(({ stepId, usage, usd, tokens }) =>
      notes.used({ stepId, usd, tokens: tokens ?? sumOfTokens(usage) }),
    );
    return () => {
      stop();
      this.#notes = undefined;
    };
  }
  /** Adds what models used in earlier lives. */
  restore({ modelCalls, tokens, usd }: Pick<ModelUsage, 'modelCalls' | 'tokens' | 'usd'>): void {
    this.#modelCalls += modelCalls;
    this.#tokens += tokens;
    this.#usd = this.#usd === undefined || usd === undefined ? undefined : this.#usd + usd;
  }
  /** Whether one call more leaves one for every step that has not begun to spend. */
  get hasSpareCall(): boolean {
    return this.ledger.unspent.calls > this.#allSpenders - this.#begun.size;
  }
  get #allSpenders(): number {
    return (this.#spenders ??= this.#performed?.spenders() ?? 1);
  }
  /** A step begins to spend, once more perhaps. */
  begin(stepId: string): void {
    this.#begun.add(stepId);
    this.#ended.delete(stepId);
  }
  end(stepId: string): void {
    this.#ended.add(stepId);
  }
  /** Steps that may still spend, 1 or more. */
  get stepsLeft(): number {
    return Math.max(1, this.#allSpenders - this.#ended.size);
  }
  /** Milliseconds that a step may take if all is to be done by the deadline, if there is one. */
  remainingMs(now: number, stepId: string): number | undefined {
    const { deadline, shareOfTime } = this.#performed ?? {};
    if (deadline === undefined || shareOfTime === undefined) return undefined;
    return (deadline - now) * shareOfTime(stepId);
  }
  check(check: StepCheck): void {
    this.#checks.push(check);
  }
  fellBack(fallback: Fallback): void {
    this.#fallbacks.push(fallback);
  }
  /** Calls the listener for every call of a model from now on.
   *  @returns how to stop listening. */
  listen(listener: (report: CallReport) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
  add(report: CallReport): void {
    const { usage, usd } = report;
    for (const listener of this.#listeners) listener(report);
    this.#modelCalls++;
    this.#tokens += report.tokens ?? sumOfTokens(usage);
    this.#usd = this.#usd === undefined || usd === undefined ? undefined : this.#usd + usd;
  }
  /** Undefined where no model was asked. */
  get used(): ModelUsage | undefined {
    if (this.#modelCalls === 0) return undefined;
    const used = {
      modelCalls: this.#modelCalls,
      tokens: this.#tokens,
      usd: this.#usd,
      ...(this.#fallbacks.length === 0 ? {} : { fallbacks: [...this.#fallbacks] }),
    };
    return this.#checks.length === 0 ? used : { ...used, checked: sumOf(this.#checks) };
  }
}

/** Where an account notes what must outlive the process. */
export interface AccountNotes {
  used(call: { readonly stepId: string; readonly tokens: number; readonly usd: number | undefined }): void;
  /** Before the call is made. @returns a name for it @throws {LogError} and then the call must not be made */
  reserved(bound: Amount): Promise<string>;
  /** @param used undefined: nothing was used */
  settled(number: string, used: Amount | undefined): void;
}

const sumOfTokens = ({ inputTokens, outputTokens }: CallReport['usage']): number =>
  (inputTokens.total ?? 0) + (outputTokens.total ?? 0);

const ONE_CALL: Amount = Object.freeze({ calls: 1, tokens: 0, usd: 0 });

function sumOf(steps: readonly StepCheck[]): Checked {
  const accepted = steps.filter((step) => step.accepted).length;
  const quality = steps.reduce((sum, step) => sum + step.quality, 0) / steps.length;
  return { steps, accepted, quality, usd: steps.reduce((sum, step) => sum + step.usd, 0) };
}

/** Where a call's upper bound is set aside. */
export type Purse = Pick<Ledger, 'acquire'>;

/** Reserves in the caller's ledger and then in the shared one, always in this order, so that no two calls deadlock. */
export function bothOf(own: Purse, shared: Purse): Purse {
  return {
    async acquire(bound, signal): Promise<Reservation> {
      const first = await own.acquire(bound, signal);
      try {
        const second = await shared.acquire(bound, signal);
        const settle = (used: Amount) => {
          first.settle(used);
          second.settle(used);
        };
        const cancel = () => {
          first.cancel();
          second.cancel();
        };
        return { bound: first.bound, settle, cancel };
      } catch (error) {
        first.cancel();
        throw error;
      }
    },
  };
}
