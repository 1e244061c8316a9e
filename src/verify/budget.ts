/** The claim about budgets: they are reserved first, and never overrun. */
import type { Random } from '../../specs/harness/random.ts';
import { settle } from '../../specs/harness/lagging.ts';
import { BudgetExceededError } from '../routing/index.ts';
import { Ledger } from '../budget/budget.ts';
import { apiClaim, must, text, without } from './sample.ts';

interface Call {
  readonly tokens: number;
  readonly usd: number;
  /** The share of the bound that is used in the end. */
  readonly used: number;
  readonly fails: boolean;
}
interface BudgetCase {
  readonly limits: { readonly calls: number; readonly tokens: number; readonly usd: number };
  /** By agent: its calls, one after the other. */
  readonly agents: readonly (readonly Call[])[];
  readonly seed: number;
}
const drawBudget = (random: Random): BudgetCase => ({
  limits: {
    calls: random.whole(0, 20),
    tokens: random.whole(0, 4_000),
    usd: random.whole(0, 40) / 100,
  },
  agents: Array.from({ length: random.whole(1, 12) }, () =>
    Array.from({ length: random.whole(1, 3) }, () => ({
      ...{ tokens: random.whole(1, 1_000), usd: random.whole(0, 100) / 1_000 },
      ...{ used: random.below(11) / 10, fails: random.below(4) === 0 },
    })),
  ),
  seed: random.below(1_000),
});

/** Agents call at once; what they used is reported late, in any order, and twice. */
async function neverOverruns({ limits, agents, seed }: BudgetCase): Promise<undefined> {
  const ledger = new Ledger(limits);
  const reports: (() => void)[] = [];
  const spent = { calls: 0, tokens: 0, usd: 0 };
  const open = { calls: 0, tokens: 0, usd: 0 };
  /** Requests in the order in which they were made, which have not been answered. */
  const waiting: number[] = [];
  let [request, running] = [0, agents.length];
  let wrong: string | undefined;
  const check = () => {
    for (const kind of ['calls', 'tokens', 'usd'] as const) {
      const [all, own] = [ledger.spent[kind] + ledger.reserved[kind], spent[kind] + open[kind]];
      if (own > limits[kind] + 1e-6) wrong ??= `${own} ${kind} are spent or under way, of ${limits[kind]}.`;
      if (all > limits[kind] + 1e-6) wrong ??= `The ledger counts ${all} ${kind}, of ${limits[kind]}.`;
      // What was granted, and has not reached its caller yet, is set aside already.
      if (own > all + 1e-6) wrong ??= `The ledger counts ${all} ${kind}, and they are ${own}.`;
    }
  };
  const live = async (calls: readonly Call[]) => {
    for (const call of calls) {
      const bound = { calls: 1, tokens: call.tokens, usd: call.usd };
      const number = request++;
      waiting.push(number);
      try {
        const reservation = await ledger.acquire(bound);
        if (waiting[0] !== number) wrong ??= 'A call is granted before one that asked earlier.';
        waiting.splice(waiting.indexOf(number), 1);
        add(open, bound, 1);
        check();
        await new Promise<void>((reported) => reports.push(reported));
        const used = { calls: 1, tokens: Math.floor(call.tokens * call.used), usd: call.usd * call.used };
        if (call.fails) reservation.cancel();
        else reservation.settle(used);
        reservation.settle(bound); // reported twice, and booked once
        add(open, bound, -1);
        if (!call.fails) add(spent, used, 1);
        check();
      } catch (error) {
        if (!(error instanceof BudgetExceededError)) throw error;
        waiting.splice(waiting.indexOf(number), 1);
        // Refused only when it cannot fit, whatever becomes of the calls under way.
        const fits = (['calls', 'tokens', 'usd'] as const).every(
          (kind) => bound[kind] <= limits[kind] - spent[kind],
        );
        if (fits)
          wrong ??= `A call of ${text(bound)} is refused, with ${text(spent)} spent of ${text(limits)}.`;
      }
    }
    running--;
  };
  let failure: unknown;
  for (const calls of agents) live(calls).catch((error: unknown) => (failure ??= error));
  for (let turn = 0; running > 0 && failure === undefined && turn < 1_000; turn++) {
    await settle();
    if (reports.length > 0) reports.splice((seed + turn * 7) % reports.length, 1)[0]!();
  }
  if (failure !== undefined) throw failure;
  must(wrong === undefined, () => wrong!);
  must(running === 0, () => 'A call waits, and no other is under way.');
  const booked = text([ledger.spent.calls, ledger.spent.tokens]);
  const right = text([spent.calls, spent.tokens]);
  must(booked === right, () => `The ledger has booked ${booked} calls and tokens, and ${right} were used.`);
  must(ledger.reserved.calls === 0, () => `${ledger.reserved.calls} calls are still set aside at the end.`);
}
type Amounts = { calls: number; tokens: number; usd: number };
function add(to: Amounts, amount: Amounts, sign: 1 | -1): void {
  for (const kind of ['calls', 'tokens', 'usd'] as const) to[kind] += sign * amount[kind];
}

export const budgetClaim = apiClaim('dvfs', 'failure modes', {
  property:
    'A budget is never overrun: what is spent and set aside stays within it at every moment, calls are served in order, and one is refused only when it cannot fit.',
  source: 'docs/decisions/0023 (thermal limit ↔ budget)',
  bound: 'up to 12 agents with 3 calls each, whose use is reported late, in any order, and twice',
  share: 0.1,
  draw: drawBudget,
  judge: neverOverruns,
  shown: (given) => [text(given)],
  smaller: function* (given) {
    for (const agents of without(given.agents)) yield { ...given, agents };
  },
});
