/** Who may have a copy of a key: a set of agents that never changes, and is mostly made once for each order in which
 *  they come.
 *
 *  Keys by the thousand are shared by the same few agents. Sets of their own would be as many lists, made anew with
 *  each write and fetched from far memory at the next (docs/decisions/0030). */

/** Sets of so many agents are remembered; larger ones are seldom alike. */
const FEW = 8;
/** Sets remembered at most; then remembering begins anew. */
const MOST = 1_024;
let made = 0;
/** Those that know a larger one. Cut all, or a key that keeps one of them would keep its whole tree. */
const parents: Sharers[] = [];

export class Sharers {
  static readonly none = new Sharers([]);
  static of(agents: readonly string[]): Sharers {
    if (agents.length > FEW) return new Sharers(agents);
    return agents.reduce((sharers: Sharers, agent) => sharers.and(agent), Sharers.none);
  }

  /** In the order in which they came. */
  readonly agents: readonly string[];
  /** The one, if it is alone. */
  readonly only: string | undefined;
  /** By who comes next. */
  #and: Map<string, Sharers> | undefined = undefined;

  private constructor(agents: readonly string[]) {
    this.agents = agents;
    this.only = agents.length === 1 ? agents[0] : undefined;
  }

  has(agent: string): boolean {
    return this.agents.includes(agent);
  }
  /** These and one more. */
  and(agent: string): Sharers {
    const known = this.#and?.get(agent);
    if (known !== undefined) return known;
    if (this.has(agent)) return this;
    const more = new Sharers([...this.agents, agent]);
    if (more.agents.length > FEW) return more;
    if (made++ === MOST) {
      made = 0;
      for (const parent of parents.splice(0)) parent.#and = undefined;
    }
    if (this.#and === undefined) {
      this.#and = new Map();
      parents.push(this);
    }
    this.#and.set(agent, more);
    return more;
  }
  without(agent: string): Sharers {
    return this.has(agent) ? Sharers.of(this.agents.filter((other) => other !== agent)) : this;
  }
}
