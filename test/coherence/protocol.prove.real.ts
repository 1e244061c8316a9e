/** The code that the proof speaks of, put together with as little as possible: the compiled line, the real `Memory`, and for each
 *  agent the words that the bus has not ordered yet. */
import type { AnyStateMachine } from 'xstate';
import { type Entry } from 'tutti/actors';
import { Memory } from '../../actors/coherence/memory.ts';
import { type Faults } from '../../actors/coherence/faults.ts';
import { compile } from 'tutti/machines';
import type { ReaderPolicy } from '../../machines/coherence/cache-line.ts';
import type { Key } from '../../specs/coherence/prove/line.ts';
import type { ObservedLine } from '../../specs/coherence/rules.ts';
import type { LineRules, SentWord } from '../../specs/coherence/prove/table.ts';
import { FLAGS, PLACES, WORDS } from '../../specs/coherence/prove/table.ts';

/** An entry under way. What a PUT replaces, and by which right. */
interface Said {
  readonly op: SentWord;
  readonly version: number;
  readonly epoch: number;
}
interface Line {
  snapshot: any;
  version: number;
  epoch: number;
}
const nowhere = {} as never;
const ENTRY: Readonly<Record<string, SentWord>> = {
  requestShared: 'gets',
  requestModified: 'getm',
  put: 'put',
  release: 'release',
  evict: 'evict',
};
export const name = (agent: number) => `a${agent}`;

/** A machine and its last output. */
export class Speaking {
  readonly machine: AnyStateMachine;
  readonly logic: any;
  said: string[] = [];

  constructor(machine: AnyStateMachine) {
    this.machine = machine;
    const actions: Record<string, () => void> = {};
    for (const [action, code] of Object.entries(machine.implementations.actions))
      if (!('assignment' in (code as object))) actions[action] = () => void this.said.push(action);
    this.logic = compile(machine.provide({ actions } as never));
  }
}

export class Real {
  readonly memory: Memory;
  readonly lines: Line[];
  readonly said: Said[][];
  /** `state EVENT` since {@link heard} was emptied. */
  heard: string[] = [];
  readonly #speaking: Speaking;

  constructor(speaking: Speaking, agents: number, readers: ReaderPolicy, faults: Faults) {
    this.#speaking = speaking;
    this.memory = new Memory({ initial: [['x', 0]], readers, history: 0, faults });
    this.lines = Array.from({ length: agents }, () => {
      const snapshot = speaking.logic.getInitialSnapshot(nowhere, { readers });
      return { snapshot, version: -1, epoch: -1 };
    });
    this.said = this.lines.map(() => []);
  }
  get cell() {
    return this.memory.cells.get('x')!;
  }

  /** An agent's event. */
  tell(agent: number, type: string): void {
    const line = this.lines[agent]!;
    this.heard.push(`${line.snapshot.value} ${type}`);
    this.#speaking.said = [];
    line.snapshot = this.#speaking.logic.transition(line.snapshot, { type }, nowhere);
    for (const word of this.#speaking.said) {
      if (word === 'fill' || word === 'done') Object.assign(line, { version: this.cell.version, epoch: this.cell.epoch }); // prettier-ignore
      if (word === 'granted') line.epoch = this.cell.epoch;
      const op = ENTRY[word];
      if (op !== undefined) this.said[agent]!.push({ op, version: line.version, epoch: line.epoch });
    }
  }
  /** An agent begins a compare-and-set. */
  cas(agent: number, version: number): void {
    this.said[agent]!.push({ op: 'cas', version, epoch: -1 });
  }
  /** The bus takes an agent's oldest word. */
  append(agent: number): void {
    const { op, version, epoch } = this.said[agent]!.shift()!;
    this.#apply({ op, agent: name(agent), epoch, base: version, value: 0 });
  }
  reclaim(epoch: number): void {
    this.#apply({ op: 'reclaim', agent: 'memory', epoch });
  }

  #number = 0;
  #apply(entry: object): void {
    const number = this.#number++;
    this.memory.apply({ ...entry, key: 'x', number, floor: number } as unknown as Entry, {
      own: (agent, _, event) => this.tell(Number(agent.slice(1)), event),
      others: (agent, _, event) =>
        this.lines.forEach((__, index) => name(index) !== agent && this.tell(index, event)),
      held: () => undefined,
      settled: () => undefined,
    });
  }

  /** The lines as the exploration looks at them. */
  get looked(): ObservedLine[] {
    const { cell } = this;
    return this.lines.map(({ snapshot: { value: state, context }, version, epoch }) => {
      const readable = ['S', 'E', 'M', 'SM'].includes(state) || (state === 'MP' && context.copy);
      return { state, readable, fresh: version === cell.version, mine: epoch === cell.epoch, dead: false };
    });
  }
  /** The same as the proof sees it, fixed as of now. */
  seen({ states }: LineRules): Key<boolean, number> {
    const { cell, lines, said } = this;
    const put = (agent: number) => said[agent]!.find(({ op }) => op === 'put');
    const is = {
      copy: this.#fixed((a) => lines[a]!.snapshot.context.copy as boolean),
      fresh: this.#fixed((a) => lines[a]!.version === cell.version),
      mine: this.#fixed((a) => lines[a]!.epoch === cell.epoch),
      base: this.#fixed((a) => put(a)?.version === cell.version),
      token: this.#fixed((a) => put(a)?.epoch === cell.epoch),
      owner: this.#fixed((a) => cell.owner === name(a)),
      queue: this.#fixed((a) => cell.queue.includes(name(a))),
      readers: this.#fixed((a) => cell.readers.includes(name(a))),
      sharers: this.#fixed((a) => cell.sharers.has(name(a))),
    } satisfies Record<(typeof FLAGS)[number], (agent: number) => boolean>;
    const words = Array.from({ length: PLACES }, (_, i) =>
      this.#each([...WORDS, 'none'], (word, a) => (said[a]![i]?.op ?? 'none') === word),
    );
    return {
      line: this.#each(states, (state, a) => lines[a]!.snapshot.value === state),
      words,
      is,
      held: cell.held,
    };
  }
  #fixed(of: (agent: number) => boolean): (agent: number) => boolean {
    const known = this.lines.map((_, agent) => of(agent));
    return (agent) => known[agent]!;
  }
  #each<K extends string>(keys: readonly K[], of: (key: K, agent: number) => boolean) {
    return Object.fromEntries(keys.map((key) => [key, this.#fixed((agent) => of(key, agent))])) as Record<
      K,
      (agent: number) => boolean
    >;
  }
}
