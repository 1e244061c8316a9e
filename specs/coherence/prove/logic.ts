/** First-order logic over agents, with two meanings. The same formula is computed in JavaScript, for a given number of
 *  agents, and is given to an SMT solver, for any number of them: so the rules that are proved are those that were
 *  compared with the code.
 *
 *  `B` is a truth value, `A` an agent. All predicates are about one agent (`copy(a)`, `owner(a)`), apart from equality:
 *  no function leads from agents to agents. That fragment is decidable (EPR; Piskac, de Moura & Bjørner 2010), so a
 *  solver need not give up. */

/** A predicate on agents. */
export type Of<B, A> = (agent: A) => B;

export interface Logic<B, A> {
  readonly yes: B;
  readonly no: B;
  not(b: B): B;
  and(...all: readonly B[]): B;
  or(...any: readonly B[]): B;
  /** If, then, else. */
  ite(condition: B, then: B, otherwise: B): B;
  same(a: A, b: A): B;
  all(of: Of<B, A>): B;
  /** The same, found once. */
  kept(of: Of<B, A>): Of<B, A>;
  fact(b: B): B;
}

/** True of no agent. */
export const none = <B, A>(logic: Logic<B, A>, of: Of<B, A>): B => logic.all((a) => logic.not(of(a)));

/** In JavaScript: agents are 0 … count − 1. */
export function truth(count: number): Logic<boolean, number> {
  const agents = Array.from({ length: count }, (_, index) => index);
  return {
    yes: true,
    no: false,
    not: (b) => !b,
    and: (...all) => all.every(Boolean),
    or: (...any) => any.some(Boolean),
    ite: (condition, then, otherwise) => (condition ? then : otherwise),
    same: (a, b) => a === b,
    all: (of) => agents.every(of),
    kept: (of) => {
      const known = agents.map(of);
      return (agent) => known[agent]!;
    },
    fact: (b) => b,
  };
}

/** In SMT-LIB 2.6: agents are an uninterpreted sort, `Agent`. */
export interface Smt extends Logic<string, string> {
  /** The definitions that the terms made so far refer to, in order. */
  readonly definitions: readonly string[];
}

export function smt(): Smt {
  const definitions: string[] = [];
  let names = 0;
  const [yes, no] = ['true', 'false'];
  /** Simplified: without neutral operands, and constant where one operand decides. */
  const join = (operator: string, neutral: string, decisive: string) => (terms: readonly string[]) => {
    const left = [...new Set(terms.filter((term) => term !== neutral))];
    if (left.includes(decisive)) return decisive;
    return left.length === 0 ? neutral : left.length === 1 ? left[0]! : `(${operator} ${left.join(' ')})`;
  };
  const [and, or] = [join('and', yes, no), join('or', no, yes)];
  const not = (b: string) => (b === yes ? no : b === no ? yes : `(not ${b})`);
  return {
    definitions,
    yes,
    no,
    not,
    and: (...all) => and(all),
    or: (...any) => or(any),
    ite: (condition, then, otherwise) => {
      if (condition === yes || then === otherwise) return then;
      if (condition === no) return otherwise;
      return `(ite ${condition} ${then} ${otherwise})`;
    },
    same: (a, b) => (a === b ? yes : `(= ${a} ${b})`),
    all: (of) => {
      const agent = `a${names++}`;
      const body = of(agent);
      return body === yes || body === no ? body : `(forall ((${agent} Agent)) ${body})`;
    },
    kept: (of) => {
      const body = of('a');
      if (!body.includes(' ')) return of; // a constant
      const name = `p${names++}`;
      definitions.push(`(define-fun ${name} ((a Agent)) Bool ${body})`);
      return (agent) => `(${name} ${agent})`;
    },
    fact: (b) => {
      if (!b.includes(' ')) return b;
      const name = `f${names++}`;
      definitions.push(`(define-fun ${name} () Bool ${b})`);
      return name;
    },
  };
}
