/** z3, with questions in SMT-LIB, one at a time.
 *
 *  Its bindings run a long question in a thread, which has faults that matter here (z3-solver 5.2): the script is
 *  passed on the stack, where it may be overwritten before it is read, and a timer of ten minutes outlives a thread
 *  that is stopped, and keeps the process from ending. So a question runs in this thread: it takes a second at most,
 *  and after each the event loop gets a turn. The limit of a question is counted in z3's own steps, not in time, so
 *  that the answer is the same on a slow machine. No thread is started, so none has to be stopped. */

/** The answer of z3 to a script: `unsat` is a proof, `sat` comes with the truth values that satisfy it. */
export type SolverResult =
  | { readonly says: 'unsat' | 'unknown' }
  | { readonly says: 'sat'; readonly values: ReadonlyMap<string, boolean> };

/** Asks one question: declarations, definitions and assertions in SMT-LIB. */
export type Solver = (script: string) => Promise<SolverResult>;

/** What is used of `z3-solver`. */
interface Z3Module {
  init(): Promise<{
    readonly em: { ccall(name: string, returns: 'string', types: string[], values: unknown[]): string };
    readonly Z3: {
      mk_config(): unknown;
      del_config(config: unknown): void;
      mk_context(config: unknown): unknown;
      del_context(context: unknown): void;
    };
  }>;
}

export interface SolverOptions {
  readonly signal?: AbortSignal | undefined;
  /** Steps that z3 may take for one question (its `rlimit`); then the answer is `unknown`. */
  readonly effort: number;
}

/** Starts z3.
 *  @throws {Error} when `z3-solver` is not installed. A question throws the signal's reason when it has been aborted. */
export async function startSolver({ signal, effort }: SolverOptions): Promise<Solver> {
  signal?.throwIfAborted();
  const { init } = await load();
  const { Z3, em } = await init();
  return async (script) => {
    await new Promise((turn) => setTimeout(turn)); // so that a signal can interrupt
    signal?.throwIfAborted();
    const config = Z3.mk_config();
    const context = Z3.mk_context(config);
    Z3.del_config(config);
    const evaluate = (text: string): string => {
      const said = em.ccall('Z3_eval_smtlib2_string', 'string', ['number', 'string'], [context, text]).trim();
      if (said.includes('(error')) throw new Error(`z3 rejected its question: ${said.slice(0, 500)}`);
      return said;
    };
    try {
      const says = evaluate(`(set-option :rlimit ${effort})\n${script}\n(check-sat)`);
      if (says === 'sat') return { says, values: truths(evaluate('(get-model)')) };
      return { says: says === 'unsat' ? says : 'unknown' };
    } finally {
      Z3.del_context(context);
    }
  };
}

async function load(): Promise<Z3Module> {
  try {
    return await import('z3-solver');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const what =
      "prove() needs the package 'z3-solver', which is not installed. Install it: npm install z3-solver";
    throw new Error(what, { cause: error });
  }
}

/** The constants of a model that are true or false. */
const truths = (model: string): Map<string, boolean> =>
  new Map(
    [...model.matchAll(/\(define-fun (\w+) \(\) Bool\s+(true|false)\)/g)].map(([, name, is]) => [
      name!,
      is === 'true',
    ]),
  );
