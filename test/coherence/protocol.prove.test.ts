/** Claims: SWMR is proved for any number of agents, by steps that are those of the code; a fault that is seeded has no
 *  proof; and no thread or timer of z3 is left at the end. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createMachine, type AnyStateMachine } from 'xstate';
import { cacheLine } from 'tutti/machines';
import { Bench } from '../../specs/coherence/bench.ts';
import { mayHappen } from '../../specs/coherence/client.ts';
import type { Key } from '../../specs/coherence/prove/line.ts';
import { smt, truth } from '../../specs/coherence/prove/logic.ts';
import { CHOICE, declarations, declared, predicates } from '../../specs/coherence/prove/query.ts';
import { startSolver } from '../../specs/coherence/prove/solver.ts';
import { possible, step, STEPS, type StepName } from '../../specs/coherence/prove/steps.ts';
import { FLAGS, lineRules, PLACES, WORDS } from '../../specs/coherence/prove/table.ts';
import {
  prove,
  proveClaims,
  unproved,
  type ProveFaults,
  type ProveOptions,
} from '../../specs/coherence/prove/prove.ts';
import { mutants } from '../../specs/harness/mutants.ts';
import { searchWorlds } from '../../specs/coherence/search.ts';
import { shown, walks, type Visit } from './protocol.prove.walk.ts';

const line = cacheLine as unknown as AnyStateMachine;
const rules = lineRules(line);
/** The cache line with one cell replaced. */
function withCell(state: string, event: string, cell: unknown): AnyStateMachine {
  const { states, ...config } = line.config as { states: Record<string, { on: Record<string, unknown> }> };
  const on = { ...states[state]!.on, [event]: cell };
  return createMachine(
    { ...config, states: { ...states, [state]: { on } } } as never,
    line.implementations as never,
  ) as never;
}

describe('mesi: proved for any number of agents', () => {
  it('the invariant holds at first, every step keeps it, and it means one writer or any readers', async () => {
    const answers = new Map<string, boolean>();
    const finding = await prove({ answered: (subject, proved) => void answers.set(subject, proved) });
    expect(finding).toEqual({
      verdict: 'holds',
      bound: expect.stringContaining('any number of agents') as string,
    });
    expect([...answers]).toEqual(
      ['at first', 'one writer or any readers', ...STEPS].map((subject) => [subject, true]),
    );
  });

  it('is a claim of Table 3, and a reader of the claim may stop it', async () => {
    const [claim] = proveClaims;
    expect([claim!.mapping, claim!.criterion, claim!.instrument, claim!.expected]).toEqual(['mesi', 'invariant guarantees', 'prove', 'holds']); // prettier-ignore
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(claim!.check({ agents: 2, lines: 1, runs: 1, seed: 1, signal }) as Promise<unknown>).rejects.toThrow('enough'); // prettier-ignore
  });
});

describe('mesi: a seeded fault has no proof, and the step that breaks it is named', () => {
  const FAULTS: readonly [what: string, options: ProveOptions, steps: readonly string[], says: RegExp][] = [
    ['M without a hold', { faults: { noHold: true } }, ['getm'], /^after getm: M receives SNOOP_GETM/],
    ['a PUT without its epoch', { faults: { ignoreEpoch: true } }, ['put'], /writes by a right that is gone/],
    ['a CAS against a hold', { faults: { ignoreHoldInCas: true } }, ['cas'], /writes what another holds/],
    [
      'a CAS of an old version',
      { faults: { ignoreVersion: true } },
      ['cas'],
      /buries a version that it has not seen/,
    ],
    [
      'a reclaim that comes late',
      { faults: { reclaimStale: true } },
      ['reclaim'],
      /loses the key to a reclaim of the past/,
    ],
    ['S keeps its copy when another writes', { machine: withCell('S', 'SNOOP_PUT', {}) }, ['cas'], /who reads has the current version/], // prettier-ignore
    ['a grant that invalidates no line', { machine: withCell('S', 'SNOOP_GETM', {}) }, ['getm', 'reclaim'], /no other reads/], // prettier-ignore
    ['E that stays alone when another reads', { machine: withCell('E', 'SNOOP_GETS', {}) }, ['gets', 'release'], /no other reads/], // prettier-ignore
    ['a read in MP that does not look at its copy', { machine: withCell('MP', 'LOAD', { actions: 'hit' }) }, ['LOAD'], /MP answers LOAD without a current copy/], // prettier-ignore
    ['a line that evicts without sending EVICT', { machine: withCell('E', 'EVICT', 'I') }, ['EVICT'], /about to evict/], // prettier-ignore
  ];
  it.each(FAULTS)('%s: %o', async (_, options, broken, says) => {
    const failed: string[] = [];
    const finding = await prove({
      ...options,
      only: STEPS.filter((name) => broken.includes(name) || name === 'HOLD'),
      answered: (subject, proved) => void (proved || failed.push(subject)),
    });
    expect(finding.verdict).toBe('fails');
    expect(failed.sort()).toEqual(broken.toSorted());
    expect(finding.counterexample!.what).toMatch(says);
    // A state, the step, and the state after it; of at most two agents, and memory.
    const told = finding.counterexample!.transcript;
    expect(told.filter(({ text }) => text.startsWith('before')).length).toBeLessThanOrEqual(3);
    expect(told.some(({ text }) => text.startsWith('after'))).toBe(true);
  });

  it('no answer is no proof', async () => {
    const gap = await unproved(await startSolver({ effort: 100_000 }), 'put', rules, {});
    expect(gap?.counterexample.what).toBe('put: z3 came to no answer, and no answer is no proof.');
  });

  it('a machine that is not understood is refused, and not proved', async () => {
    const refusal = (machine: AnyStateMachine) => prove({ machine }).catch((error: unknown) => String(error));
    expect(await refusal(withCell('S', 'LOAD', { actions: 'forget' }))).toContain("S LOAD of 'cache-line' has the action 'forget', of which nothing is known"); // prettier-ignore
    expect(await refusal(withCell('S', 'LOAD', { guard: 'late', actions: 'hit' }))).toContain("the guard 'late'; only copy and committed"); // prettier-ignore
    const [other] = mutants(line);
    const states = { ...other!.machine.config.states, O: {} };
    expect(await refusal(createMachine({ ...other!.machine.config, states } as never) as never)).toContain('differ in O'); // prettier-ignore
  });
});

describe('mesi: what is proved is what the code does', () => {
  it('on random walks of 2 to 4 agents every step of the proof is the step of the line and of memory', () => {
    const { mismatches, taken, mishaps, broken } = walks(250, 1);
    expect(mismatches).toEqual([]);
    expect([[...mishaps], [...broken]]).toEqual([[], []]);
    for (const name of STEPS) expect(taken.get(name) ?? 0, name).toBeGreaterThan(20);
  });

  it('so it is of machines and memories with a fault, which the invariant notices', () => {
    const faults: ProveFaults[] = [
      {},
      { noHold: true },
      { ignoreEpoch: true },
      { ignoreVersion: true, ignoreEpoch: true },
      { ignoreHoldInCas: true },
      { reclaimStale: true },
    ];
    const machines = [line, ...mutants(line).map(({ machine }) => machine)];
    const { mismatches, mishaps, broken, wrong } = walks(300, 2, { machines, faults });
    expect(mismatches).toEqual([]);
    // Each world that the exploration calls wrong is among those that the invariant does not allow.
    expect([mishaps.size > 5, broken.size > 5, wrong > 50]).toEqual([true, true, true]);
  });

  it('the proof allows every step of a client that the exploration allows', () => {
    const setting = { agents: 2, readers: 'wait', bus: 'queued', client: 'any' } as const;
    const { worlds, lanes } = searchWorlds(setting);
    const bench = new Bench(setting, lanes);
    const refused = new Set<string>();
    let offered = 0;
    for (const world of worlds) {
      bench.load(world);
      const key = keyOf(bench);
      for (const { by, event } of mayHappen(bench, setting)) {
        if (by === bench.agents || event === 'APPEND') continue; // the manager may always speak, and so may the bus
        offered++;
        const choice = { agent: by, next: 0, current: true };
        if (!possible(event as StepName, truth(bench.agents), key, choice))
          refused.add(`${event} ${shown(key, 2)}`);
      }
    }
    expect([...refused]).toEqual([]);
    expect(offered).toBeGreaterThan(1_000);
  });

  it('z3 gets the same rules as JavaScript: from a given state it finds no other outcome', async () => {
    const { visits } = walks(60, 5);
    const solver = await startSolver({ effort: 1e8 });
    const outcomes: string[] = [];
    for (const name of STEPS)
      for (const visit of visits.filter((one) => one.name === name).slice(0, 2)) {
        const { may, otherwise } = outcomeOf(visit);
        outcomes.push(`${name}: ${(await solver(may)).says}, ${(await solver(otherwise)).says}`);
      }
    expect(outcomes).toEqual(STEPS.flatMap((name) => [`${name}: sat, unsat`, `${name}: sat, unsat`]));
  });
});

/** As much of an explored world as a client looks at: lines, and what is under way. A session is a compare-and-set. */
function keyOf(bench: Bench): Key<boolean, number> {
  const record = <K extends string>(keys: readonly K[], of: (key: K) => (agent: number) => boolean) =>
    Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<K, (agent: number) => boolean>;
  const states = bench.state.map((state) => bench.table.states[state]);
  const words = bench.said.map((said) => said.map(({ op }) => (op === 'session' ? 'cas' : op)));
  return {
    line: record(rules.states, (state) => (agent) => states[agent] === state),
    words: Array.from({ length: PLACES }, (_, i) =>
      record([...WORDS, 'none'], (word) => (agent) => (words[agent]![i] ?? 'none') === word),
    ),
    is: record(FLAGS, () => () => false),
    held: false,
  };
}

/** In SMT-LIB: a state of so many agents, and a step to what JavaScript makes of it; and to anything else. */
function outcomeOf({ name, choice, count, committed, before }: Visit): { may: string; otherwise: string } {
  const after = step(name, { logic: truth(count), rules, committed }, before, choice).key;
  const logic = smt();
  const told = declared(rules);
  const outcome = step(name, { logic, rules, committed: 'committed' }, told, CHOICE).key;
  const agents = Array.from({ length: count }, (_, agent) => agent);
  const equal = (terms: typeof told, values: typeof before) => [
    `(= ${terms.held} ${values.held})`,
    ...agents.flatMap((a) => {
      const of = predicates(values);
      return predicates(terms).map((term, k) => `(= ${term(`u${a}`)} ${of[k]!(a)})`);
    }),
  ];
  const given = [
    ...declarations(rules),
    ...agents.map((a) => `(declare-const u${a} Agent)`),
    ...logic.definitions,
    `(assert (distinct ${agents.map((a) => `u${a}`).join(' ')}))`,
    `(assert (forall ((a Agent)) (or ${agents.map((a) => `(= a u${a})`).join(' ')})))`,
    `(assert (and (= agent u${choice.agent}) (= next u${choice.next})))`,
    `(assert (and (= committed ${committed}) (= current ${choice.current})))`,
    ...equal(told, before).map((equation) => `(assert ${equation})`),
  ].join('\n');
  const same = `(and ${equal(outcome, after).join(' ')})`;
  return { may: `${given}\n(assert ${same})`, otherwise: `${given}\n(assert (not ${same}))` };
}

describe('mesi: z3 is optional, and ends', () => {
  const module = JSON.stringify(
    pathToFileURL(join(import.meta.dirname, '../../specs/coherence/prove/prove.ts')).href,
  );
  /** Runs a script in a separate process, which has to end by itself. */
  const alone = (script: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 50_000 });

  it('the process ends after a proof, after a counter-example, and when the proof is broken off', () => {
    const { status, stdout } = alone(`
      const { prove } = await import(${module});
      console.log((await prove({ only: ['gets'] })).verdict);
      console.log((await prove({ only: ['getm'], faults: { noHold: true } })).verdict);
      const stop = new AbortController();
      const answered = (subject) => stop.abort(new Error('enough after ' + subject));
      await prove({ only: ['gets', 'put'], signal: stop.signal, answered }).catch((error) => console.log(error.message));
      console.log(process.getActiveResourcesInfo().filter((what) => what === 'Timeout' || what === 'Worker').length);`);
    expect([status, stdout]).toEqual([0, 'holds\nfails\nenough after gets\n0\n']);
  });

  it('without the package the error names what to install', () => {
    const { status, stdout } = alone(`
      import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) => next(name === 'z3-solver' ? 'z3-solver-which-is-not-there' : name, context) });
      const { prove } = await import(${module});
      await prove().catch((error) => console.log(error.message));`);
    expect([status, stdout.trim()]).toEqual([0, "prove() needs the package 'z3-solver', which is not installed. Install it: npm install z3-solver"]); // prettier-ignore
  });
});
