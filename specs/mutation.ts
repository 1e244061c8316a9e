/** Runs the checks of each machine on every mutant of it. */
import type { AnyStateMachine } from 'xstate';
import { cacheLine } from '../machines/coherence/cache-line.ts';
import { tempoGovernor } from '../machines/governor/tempo-governor.ts';
import type { MappingName } from './harness/claim.ts';
import { governorDiffers } from './governor/lockstep.ts';
import { lineDiffers } from './coherence/differs.ts';
import { mutants } from './harness/mutants.ts';
import { EXPLORED, isEquivalent, kills } from './tomasulo/explored.ts';

/** What became of a machine's mutants. */
export interface MutantReport {
  readonly machine: string;
  readonly total: number;
  readonly killed: number;
  /** Mutants that behave like the machine: that is proved, not assumed. */
  readonly equivalent: readonly string[];
  readonly survivors: readonly string[];
}

/** A machine, and the checks that detect a mutant of it. */
interface Subject {
  readonly mapping: MappingName;
  readonly machine: AnyStateMachine;
  readonly kills: (mutant: AnyStateMachine) => boolean;
  /** Whether a mutant that is not killed behaves like the machine. */
  readonly isEquivalent: (mutant: AnyStateMachine) => boolean;
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  ...Object.fromEntries(
    Object.entries(EXPLORED).map(([name, explored]): [string, Subject] => [
      name,
      {
        mapping: 'tomasulo',
        machine: explored.machine,
        kills: (mutant) => kills(explored, mutant),
        isEquivalent: (mutant) => isEquivalent(explored, mutant),
      },
    ]),
  ),
  'cache-line': {
    mapping: 'mesi',
    machine: cacheLine,
    kills: (mutant) => lineDiffers(mutant) !== undefined,
    isEquivalent: () => true, // where `lineDiffers` finds no difference, no caller that keeps the protocol can
  },
  'tempo-governor': {
    mapping: 'dvfs',
    machine: tempoGovernor,
    kills: (mutant) => governorDiffers(mutant) !== undefined,
    isEquivalent: () => false,
  },
};

/** Mutants at a time, before the event loop gets a turn. */
const BATCH = 16;

/** Judges the mutants of one machine after the other.
 *  @param options.only the machines of one mapping. Default: all.
 *  @param options.progress is called from time to time with the share of a machine's mutants that have been judged: 0 …
 *  1.
 *  @throws the signal's reason when it is aborted. */
export async function* judgeMutants({
  only,
  signal,
  progress,
}: {
  readonly only?: MappingName | undefined;
  readonly signal?: AbortSignal;
  readonly progress?: (machine: string, part: number) => void;
} = {}): AsyncGenerator<MutantReport> {
  for (const [name, subject] of Object.entries(SUBJECTS)) {
    if (only !== undefined && subject.mapping !== only) continue;
    const survivors: string[] = [];
    const equivalent: string[] = [];
    const all = mutants(subject.machine);
    for (const [i, { name: mistake, machine }] of all.entries()) {
      if (i % BATCH === 0) {
        await new Promise((done) => setTimeout(done));
        progress?.(name, i / all.length);
      }
      signal?.throwIfAborted();
      if (!subject.kills(machine)) (subject.isEquivalent(machine) ? equivalent : survivors).push(mistake);
    }
    const killed = all.length - survivors.length - equivalent.length;
    yield { machine: name, total: all.length, killed, equivalent, survivors };
  }
}
