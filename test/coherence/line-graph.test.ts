/** Claim: a line in a replica goes every way of its machine's graph. The tests are generated from the graph with
 *  @xstate/graph: one for each shortest path to a state, and one for each transition of it. Events of the agent are sent to
 *  the line; events of the bus are caused by real entries of other agents on a real bus. */
import { initialTransition, transition, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';
import { getAdjacencyMap, getShortestPaths } from 'xstate/graph';
import { describe, expect, it } from 'vitest';
import { type Entry } from 'tutti/actors';
import { Replica } from '../../actors/coherence/replica.ts';
import type { Cell } from '../../actors/coherence/cell.ts';
import type { Line } from '../../actors/coherence/line.ts';
import { cacheLine, type LineEvent } from 'tutti/machines';
import { LaggingLog, ManualClock, settle } from '../../specs/harness/lagging.ts';

type Type = LineEvent['type'];
const EVENTS = Object.keys(cacheLine.config.states!.I!.on!) as Type[];
const POLICIES = ['wait', 'committed'] as const;
const AGENT = ['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT'];

/** One line of one agent on a log that a test orders entry by entry. */
class Bench {
  readonly #log = new LaggingLog({ direct: false });
  readonly #view = this.#log.view();
  readonly replica: Replica;
  readonly line: Line;
  readonly #cell: Cell;
  #entries = 0;

  constructor(readers: (typeof POLICIES)[number]) {
    const initial = [['x', 0] as const];
    this.replica = new Replica({ bus: this.#view, initial, readers, clock: new ManualClock(), session: 't' });
    this.#cell = this.replica.memory.cells.get('x')!;
    this.line = this.replica.line('a', this.#cell);
  }
  /** Causes an event.
   *  @returns false when no sequence of entries causes it here. */
  cause(event: Type): boolean {
    if (AGENT.includes(event)) {
      if (event === 'STORE' && (this.line.state === 'E' || this.line.state === 'M'))
        this.replica.store(this.line, { value: 1, base: this.line.version, patches: undefined });
      else this.replica.send(this.line, event as 'LOAD');
      return true;
    }
    const seen: Type[] = [];
    const before = this.line.state;
    if (event === 'RELEASED') this.replica.send(this.line, 'RELEASE');
    if (event === 'ACCEPTED' && before === 'M') this.#publish();
    const take = this.line.take.bind(this.line);
    this.line.take = (type) => {
      seen.push(type);
      take(type);
    };
    try {
      const caused = this.#entriesFor(event).some((entry) => {
        if (entry === 'own') {
          if (!this.#log.waiting().includes('a')) return false;
          this.#log.append('a');
        } else this.#say(entry);
        while (this.#view.deliver());
        return seen.includes(event);
      });
      // An event that the machine ignores is mostly not delivered, since the line is not among those that listen.
      return caused || isIgnored(before, event);
    } finally {
      this.line.take = take;
    }
  }
  /** The entries that may cause an event, in the order in which they are tried. */
  #entriesFor(event: Type): ('own' | object)[] {
    const { key, epoch, version, held, owner } = this.#cell;
    const other = (op: string, more: object = {}) => ({ op, key, ...more });
    if (event === 'SNOOP_GETS') return [other('gets')];
    if (event === 'SNOOP_GETM') return [other('getm')];
    if (event === 'SNOOP_PUT')
      return owner === 'b' && held
        ? [other('put', { epoch, base: version, value: 2 })]
        : [other('cas', { base: version, value: 2 })];
    if (event === 'RECLAIMED') return [other('reclaim', { epoch })];
    // The line's own entries bring all others, once the way is free.
    const free = [other('release'), other('evict'), 'own' as const];
    if (event === 'RELEASED') return ['own', 'own']; // the request, then what takes it back
    if (event === 'GRANT_S') return [other('gets'), 'own', ...free];
    if (event === 'REFUSED') return owner === 'a' ? [other('gets'), 'own'] : ['own'];
    return ['own', ...free, 'own'];
  }
  /** The agent publishes the key that it holds. */
  #publish(): void {
    const { key, version } = this.#cell;
    const writes = [{ key, base: version, value: 3 }];
    void this.replica.ask(this.replica.sender('a'), { op: 'publish', reads: [], writes });
  }
  #say(entry: object): void {
    const number = this.#entries++;
    const payload = { coherence: 'shared', entry: { agent: 'b', number, floor: number, ...entry } as Entry };
    void this.#log.publish({
      type: 'cue',
      source: 'b',
      targets: ['memory'],
      intent: 'update',
      payload,
    } as never);
    this.#log.append('b');
  }
}

interface Node {
  readonly state: AnyMachineSnapshot;
  readonly transitions: Readonly<Record<string, { readonly event: { readonly type: Type } }>>;
}
const nameOf = ({ value, context }: AnyMachineSnapshot): string =>
  value === 'MP' && context.copy === true ? 'MP with a good copy' : (value as string);
const cellOf = ({ value }: AnyMachineSnapshot, type: string): unknown =>
  cacheLine.config.states![value as 'I']!.on![type as 'LOAD'];
/** Whether the machine does anything at all on an event: it neither ignores it nor calls it impossible. */
const isLive = (state: AnyMachineSnapshot, type: Type): boolean => {
  const [next, actions] = transition(cacheLine as AnyStateMachine, state, { type });
  return next.value !== state.value || actions.length > 0 || next.context !== state.context;
};
const isIgnored = (state: string, type: string): boolean => {
  const cell = cacheLine.config.states![state as 'I']!.on![type as 'LOAD'];
  return typeof cell === 'object' && Object.keys(cell).length === 0;
};
const isImpossible = (state: AnyMachineSnapshot, type: string): boolean =>
  (cellOf(state, type) as { actions?: unknown }).actions === 'impossible';

describe.each(POLICIES)('a line in a replica, readers %s', (readers) => {
  const input = { line: 0, readers };
  const options = { input, events: EVENTS.map((type) => ({ type })), serializeState: nameOf } as never;
  const graph = getAdjacencyMap(cacheLine as never, options) as unknown as Record<string, Node>;
  const ways = getShortestPaths(cacheLine as never, options) as unknown as {
    readonly state: AnyMachineSnapshot;
    readonly steps: readonly { readonly event: { readonly type: Type } }[];
  }[];
  const walked = new Set<string>();

  /** Goes a way on a live line. Every event that the line receives on it is compared with the machine's own step. */
  const walk = (way: readonly Type[]): boolean => {
    const bench = new Bench(readers);
    const { line } = bench;
    let [expected] = initialTransition(cacheLine as AnyStateMachine, input);
    const take = line.take.bind(line);
    line.take = (type) => {
      walked.add(`${nameOf(expected)} ${type}`);
      [expected] = transition(cacheLine as AnyStateMachine, expected, { type });
      take(type);
      const { value, context } = line.actor.getSnapshot();
      expect([value, context, line.state]).toEqual([expected.value, expected.context, expected.value]);
      expect(line.readable).toBe(hits(expected));
    };
    const gone = way.every((type) => bench.cause(type));
    expect(bench.replica.impossible).toBe(0);
    bench.replica.stop();
    return gone;
  };
  const hits = (state: AnyMachineSnapshot): boolean =>
    transition(cacheLine as AnyStateMachine, state, { type: 'LOAD' })[1].some(
      ({ type }) => (type as string) === 'hit',
    );

  it.each(ways.map(({ state, steps }) => [nameOf(state), steps] as const))(
    'goes the shortest way to %s, and every transition from there that a bus can cause',
    async (name, steps) => {
      const way = steps.map(({ event }) => event.type).filter((type) => EVENTS.includes(type));
      for (const { event } of Object.values(graph[name]!.transitions)) {
        if (isImpossible(graph[name]!.state, event.type)) continue;
        walk([...way, event.type]);
        for (const detour of EVENTS) walk([detour, ...way, event.type]); // the same, where another agent was first
      }
      await settle();
    },
  );
  it('takes every transition of the graph that does anything', () => {
    const missing = Object.entries(graph).flatMap(([name, { state, transitions }]) =>
      Object.values(transitions)
        .map(({ event }) => event.type)
        .filter((type) => !isImpossible(state, type) && isLive(state, type) && !walked.has(`${name} ${type}`))
        .map((type) => `${name} ${type}`),
    );
    // A write whose copy went stale on its way is always refused; and where readers wait, a line that is queued behind a
    // hold has lost its copy to it.
    const never = readers === 'wait' ? ['MP ACCEPTED', 'SM RELEASED'] : ['MP ACCEPTED'];
    expect(missing.sort()).toEqual(never);
  });
});
