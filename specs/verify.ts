/** Judges every claim of Table 3 that something is built for, and says what is not built. */
import { tempoGovernor } from '../machines/tempo-governor.ts';
import { GOVERNORS } from '../machines/governor.ts';
import { cacheLine } from '../machines/cache-line.ts';
import type { AnyStateMachine } from 'xstate';
import { CRITERIA, MAPPINGS, type Bounds, type Claim, type Finding, type Verdict } from './claim.ts';
import { governorRun } from './governor/lockstep.ts';
import { governorClaims } from './governor/properties.ts';
import { explore } from './mesi/explore.ts';
import { mesiClaims } from './mesi/properties.ts';
import { mutants } from './mutants.ts';
import { EXPLORED, exploredClaims } from './tomasulo/explored.ts';
import { tomasuloClaims } from './tomasulo/properties.ts';
import { walk } from './walk.ts';

/** All that is claimed, in the order of Table 3. */
export const CLAIMS: readonly Claim[] = [
  ...tomasuloClaims,
  ...exploredClaims,
  ...mesiClaims,
  ...governorClaims,
];

export interface Judged {
  readonly claim: Claim;
  readonly finding: Finding;
  readonly ms: number;
}

/** From strongest to weakest. */
const STRENGTH: readonly Verdict[] = ['isomorphism', 'holds', 'simulation', 'not built', 'fails'];
/** Whether a finding falls short of what was expected of it. */
export const fellShort = ({ claim, finding }: Judged): boolean =>
  STRENGTH.indexOf(finding.verdict) > STRENGTH.indexOf(claim.expected);
/** The weakest of some verdicts; `not built` for none. */
export const weakest = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.toSorted((a, b) => STRENGTH.indexOf(b) - STRENGTH.indexOf(a))[0] ?? 'not built';

/** Judges claims one by one.
 *  @param claims default: all.
 *  @throws the signal's reason when it is aborted between two checks. */
export async function* judge(bounds: Bounds, claims: readonly Claim[] = CLAIMS): AsyncGenerator<Judged> {
  for (const claim of claims) {
    bounds.signal?.throwIfAborted();
    const start = performance.now();
    const finding = await claim.check(bounds);
    yield { claim, finding, ms: performance.now() - start };
    await new Promise((done) => setTimeout(done)); // somebody may want to draw, or to interrupt
  }
}

/** The mappings and criteria of which nothing is claimed, because nothing is built. */
export const unbuilt = (): { mapping: string; criterion: string }[] =>
  MAPPINGS.flatMap((mapping) =>
    CRITERIA.filter(
      (criterion) => !CLAIMS.some((c) => c.mapping === mapping && c.criterion === criterion),
    ).map((criterion) => ({ mapping, criterion })),
  );

export interface MutantReport {
  readonly machine: string;
  readonly total: number;
  readonly killed: number;
  readonly survivors: readonly string[];
}

/** Whether some instrument tells the machine from the real one. */
type Killer = (machine: AnyStateMachine) => boolean;
const throws = (check: () => unknown): boolean => {
  try {
    check();
    return false;
  } catch {
    return true;
  }
};

const SUBJECTS: Readonly<Record<string, { machine: AnyStateMachine; kills: Killer }>> = {
  ...Object.fromEntries(
    Object.entries(EXPLORED).map(([name, { machine, settings }]) => [
      name,
      {
        machine,
        kills: (mutant: AnyStateMachine) => settings.some((s) => walk(mutant, s).violation !== undefined),
      },
    ]),
  ),
  'cache-line': { machine: cacheLine as unknown as AnyStateMachine, kills: lineDiffers },
  'tempo-governor': {
    machine: tempoGovernor as unknown as AnyStateMachine,
    kills: (mutant) =>
      GOVERNORS.some((policy) =>
        Array.from({ length: 12 }, (_, seed) => seed).some((seed) =>
          throws(() => {
            if (governorRun(mutant, policy, seed).counterexample !== undefined) throw new Error('differs');
          }),
        ),
      ),
  },
};

/** Killed by a violation, or by another number of reachable states: a line that is right in every state but reaches
 *  others is not the same line. */
const LINE_SCOPES = [[2, 'wait'], [2, 'committed'], [3, 'wait']] as const; // prettier-ignore
let realLines: readonly string[] | undefined;
function lineDiffers(mutant: AnyStateMachine): boolean {
  const size = (machine?: AnyStateMachine) => (scope: (typeof LINE_SCOPES)[number]) => {
    const { states, edges } = explore(scope[0], scope[1], {
      bus: 'atomic',
      limit: 5_000,
      ...(machine && { machine }),
    });
    return `${states} ${edges}`;
  };
  const real = (realLines ??= LINE_SCOPES.map(size()));
  return LINE_SCOPES.some((scope, i) =>
    throws(() => {
      if (size(mutant)(scope) !== real[i]) throw new Error('differs');
    }),
  );
}

/** Every mutant of every machine through the other instruments. */
export async function* judgeMutants(signal?: AbortSignal): AsyncGenerator<MutantReport> {
  for (const [name, { machine, kills }] of Object.entries(SUBJECTS)) {
    const survivors: string[] = [];
    const all = mutants(machine);
    for (const [i, mutant] of all.entries()) {
      if (i % 16 === 0) await new Promise((done) => setTimeout(done));
      signal?.throwIfAborted();
      if (!kills(mutant.machine)) survivors.push(mutant.name);
    }
    yield { machine: name, total: all.length, killed: all.length - survivors.length, survivors };
  }
}
