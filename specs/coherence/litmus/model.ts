/** One memory, and threads that take turns at it: what is sequentially consistent, and nothing else.
 *
 *  Source: Lamport 1979, "the result of any execution is the same as if the operations of all the processors were
 *  executed in some sequential order, and the operations of each individual processor appear in this sequence in the
 *  order specified by its program". Every such order is taken, with equal situations joined. An oracle imports nothing,
 *  so that it cannot agree with us by accident. */
interface Operation {
  readonly op: 'W' | 'R';
  readonly loc: string;
  readonly val?: number;
  readonly reg?: string;
}
interface Situation {
  /** By thread: which operation is next. */
  readonly at: readonly number[];
  readonly memory: Readonly<Record<string, number>>;
  /** By thread: what its registers hold. */
  readonly registers: readonly Readonly<Record<string, number>>[];
  /** Which thread took which turn: one path to this situation. */
  readonly turns: readonly number[];
}

/** Every outcome that one memory may show, such as `0:r0=1;[x]=2`: registers by thread, then memory, by name; and for
 *  each an order of the threads' turns that shows it.
 *  @throws {RangeError} when there are more situations than `limit`. */
export function oneMemory(
  init: Readonly<Record<string, number>>,
  threads: readonly (readonly Operation[])[],
  limit = 500_000,
): Map<string, readonly number[]> {
  let now = new Map<string, Situation>();
  now.set('', { at: threads.map(() => 0), memory: init, registers: threads.map(() => ({})), turns: [] });
  let seen = 0;
  for (let steps = threads.flat().length; steps > 0; steps--) {
    const next = new Map<string, Situation>();
    for (const { at, memory, registers, turns } of now.values()) {
      threads.forEach((ops, thread) => {
        const operation = ops[at[thread]!];
        if (operation === undefined) return;
        const { op, loc, val, reg } = operation;
        const after: Situation = {
          at: at.map((place, index) => (index === thread ? place + 1 : place)),
          memory: op === 'W' ? { ...memory, [loc]: val! } : memory,
          registers: registers.map((held, index) =>
            op === 'R' && index === thread ? { ...held, [reg!]: memory[loc]! } : held,
          ),
          turns: [...turns, thread],
        };
        const key = JSON.stringify([after.at, byName(after.memory), after.registers.map(byName)]);
        if (!next.has(key)) next.set(key, after);
      });
      if (seen + next.size > limit) throw new RangeError(`more than ${limit} situations of one memory`);
    }
    seen += next.size;
    now = next;
  }
  return new Map([...now.values()].map((end) => [outcome(end), end.turns]));
}

const byName = (values: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));

function outcome({ memory, registers }: Situation): string {
  return [
    ...registers.flatMap((held, thread) => byName(held).map(([reg, value]) => `${thread}:${reg}=${value}`)),
    ...byName(memory).map(([loc, value]) => `[${loc}]=${value}`),
  ].join(';');
}
