/** A cache line's machine as plain arrays, read from its compiled form: for any table, also that of a mutant. */
import type { AnyStateMachine } from 'xstate';
import { compile } from '../../machines/index.ts';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import { PERMISSION } from './mapping.ts';

/** Every event that a line receives. The first five come from its agent. */
export const LINE_EVENTS = [
  ...(['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT'] as const),
  ...(['SNOOP_GETS', 'SNOOP_GETM', 'SNOOP_PUT'] as const),
  ...(['GRANT_S', 'GRANT_E', 'GRANT_M', 'ACCEPTED', 'REFUSED', 'RELEASED', 'RECLAIMED'] as const),
];
export type LineEventName = (typeof LINE_EVENTS)[number];

/** What a line does in one cell of its table. */
export interface CellEffect {
  /** The state's place in {@link LineTable.states}. */
  readonly target: number;
  readonly copy: boolean;
  /** Its output, in order. */
  readonly words: readonly string[];
}

/** A line between two events. */
export interface LineStatus {
  readonly state: number;
  readonly copy: boolean;
}

const nowhere = {} as never;

export class LineTable {
  readonly states: readonly string[];
  readonly start: LineStatus;
  /** By state: whether the mapping permits reads. MP reads while its copy is good. */
  readonly #reads: readonly boolean[];
  readonly #outcomes: readonly CellEffect[];
  /** By state: whether the line's memory can still matter. Where it cannot, lines that differ in it count as one. */
  readonly copyMatters: readonly boolean[];
  readonly versionMatters: readonly boolean[];
  readonly epochMatters: readonly boolean[];

  constructor(machine: AnyStateMachine, readers: ReaderPolicy) {
    const spoken: string[] = [];
    const logic: any = compile(speaking(machine, spoken));
    this.states = Object.keys(machine.states);
    this.start = { state: this.states.indexOf(logic.getInitialSnapshot(nowhere, {}).value), copy: false };
    this.#reads = this.states.map((state) => PERMISSION[state as keyof typeof PERMISSION] !== 'none');
    const outcomes: CellEffect[] = [];
    for (const value of this.states) {
      for (const type of LINE_EVENTS) {
        for (const copy of [false, true]) {
          spoken.length = 0;
          const before = logic.restoreSnapshot({ value, context: { line: 0, readers, copy } }, nowhere);
          const after = logic.transition(before, { type }, nowhere);
          const target = this.states.indexOf(after.value);
          outcomes.push({ target, copy: after.context.copy, words: [...spoken] });
        }
      }
    }
    this.#outcomes = outcomes;
    const none = this.states.map(() => false);
    this.copyMatters = this.#matters(none, ({ target, copy, words }, other) => {
      const same = target === other.target && `${words}` === `${other.words}`;
      if (!same) return 'used';
      return copy === other.copy ? 'written' : 'kept';
    });
    const saysPut = (words: readonly string[]) => words.includes('put');
    const fills = (words: readonly string[]) => words.includes('fill') || words.includes('done');
    this.versionMatters = this.#matters(this.#reads, ({ words }) =>
      saysPut(words) ? 'used' : fills(words) ? 'written' : 'kept',
    );
    const held = this.states.map((state) => PERMISSION[state as keyof typeof PERMISSION] === 'write');
    this.epochMatters = this.#matters(held, ({ words }) =>
      saysPut(words) ? 'used' : fills(words) || words.includes('granted') ? 'written' : 'kept',
    );
  }

  /** @param event its place in {@link LINE_EVENTS}. */
  at(state: number, event: number, copy: boolean): CellEffect {
    return this.#outcomes[(state * LINE_EVENTS.length + event) * 2 + (copy ? 1 : 0)] as CellEffect;
  }
  readable(state: number, copy: boolean): boolean {
    return this.#reads[state] === true && (this.states[state] !== 'MP' || copy);
  }

  /** Live variables, as a compiler finds them: a state needs what one of its cells uses, or hands on to a state that
   *  needs it. */
  #matters(
    asked: readonly boolean[],
    use: (outcome: CellEffect, other: CellEffect) => 'used' | 'written' | 'kept',
  ): readonly boolean[] {
    const matters = [...asked];
    for (let changed = true; changed;) {
      changed = false;
      for (let state = 0; state < this.states.length; state++) {
        if (matters[state]) continue;
        for (let event = 0; event < LINE_EVENTS.length; event++) {
          const [without, having] = [this.at(state, event, false), this.at(state, event, true)];
          for (const [outcome, other] of [
            [without, having],
            [having, without],
          ] as const) {
            const used = use(outcome, other);
            if (used === 'used' || (used === 'kept' && matters[outcome.target])) matters[state] = true;
          }
        }
        changed ||= matters[state] === true;
      }
    }
    return matters;
  }
}

/** The machine with actions that record their names. Those that assign still do so, and show by what they assign. */
function speaking(machine: AnyStateMachine, spoken: string[]): AnyStateMachine {
  const actions: Record<string, () => void> = {};
  for (const [name, action] of Object.entries(machine.implementations.actions))
    if (typeof action === 'function' && !('assignment' in action))
      actions[name] = () => void spoken.push(name);
  return machine.provide({ actions } as never);
}
