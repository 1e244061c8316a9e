/** What one performance may spend on models, and what it has spent: one ledger and one sum for all of its agents. */
import { Ledger, type Amount, type Reservation } from './ledger.ts';
import type { TokenUsage } from './prices.ts';

/** What models used in a performance. */
export interface ModelUsage {
  /** Calls of models, the loop's own and retries included. */
  readonly modelCalls: number;
  /** Tokens in and out. */
  readonly tokens: number;
  /** US dollars; undefined where the price of some call is not known. */
  readonly usd: number | undefined;
}

export class RunAccount {
  readonly ledger: Ledger;
  #modelCalls = 0;
  #tokens = 0;
  #usd: number | undefined = 0;

  /** @throws {RoutingConfigError} for a limit that is negative, not a number, or not whole where it must be. */
  constructor(limits: { readonly tokens?: number | undefined; readonly usd?: number | undefined } = {}) {
    this.ledger = new Ledger(limits);
  }
  add({ usage, usd }: { readonly usage: TokenUsage; readonly usd: number | undefined }): void {
    this.#modelCalls++;
    this.#tokens += (usage.inputTokens.total ?? 0) + (usage.outputTokens.total ?? 0);
    this.#usd = this.#usd === undefined || usd === undefined ? undefined : this.#usd + usd;
  }
  /** Undefined where no model was asked. */
  get used(): ModelUsage | undefined {
    if (this.#modelCalls === 0) return undefined;
    return { modelCalls: this.#modelCalls, tokens: this.#tokens, usd: this.#usd };
  }
}

/** Where a call's upper bound is set aside. */
export type Purse = Pick<Ledger, 'acquire'>;

/** Sets aside in one's own ledger and then in everybody's, always in this order, so that nobody waits in a circle. */
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
