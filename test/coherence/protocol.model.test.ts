/** Claims about the line and a model that uses no table: they are the same; each mistake in the table makes them differ,
 *  or changes nothing that can be observed; and the mapping is total. */
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { cacheLine } from 'tutti/machines';
import { alphabet, tableCells } from '../../specs/harness/cells.ts';
import { besideModel, lineDiffers, realBesideModel } from '../../specs/coherence/differs.ts';
import { PERMISSION } from '../../specs/coherence/mapping.ts';
import { EMPTY, hears } from '../../specs/coherence/model.ts';
import { searchWorlds } from '../../specs/coherence/search.ts';
import { simulatesBook } from '../../specs/coherence/simulates.ts';
import { LINE_EVENTS, LineTable } from '../../specs/coherence/table.ts';
import { bookStep } from '../../specs/coherence/textbook.ts';
import { mutants } from '../../specs/harness/mutants.ts';

const line = cacheLine as unknown as AnyStateMachine;
const all = mutants(line);
const named = (name: string) => all.find((one) => one.name === name)!.machine;

describe('mesi: the line and its model', () => {
  it('answer and permit the same in every cell that is not impossible', () => {
    const { difference, cells: compared, states, steps } = realBesideModel();
    expect(difference).toBeUndefined();
    expect([states, steps]).toEqual([32, 316]);
    const live = tableCells(line).filter(({ kind }) => kind !== 'impossible');
    expect([...compared].sort()).toEqual(live.map(({ state, event }) => `${state} ${event}`).sort());
  });

  it('the mapping names every state of the line and no other, and the events are the whole alphabet', () => {
    expect(Object.keys(PERMISSION).sort()).toEqual(Object.keys(line.states).sort());
    expect([...LINE_EVENTS].sort()).toEqual(alphabet(line).sort());
    expect(new LineTable(line, 'wait').start).toEqual({
      state: Object.keys(line.states).indexOf('I'),
      copy: false,
    });
  });

  it('the model calls impossible what the bus never sends, and nothing that an agent does', () => {
    for (const event of LINE_EVENTS.slice(0, 5)) expect(hears(EMPTY, event, false)).not.toBe('never');
    for (const event of ['GRANT_S', 'GRANT_M', 'ACCEPTED', 'REFUSED', 'RELEASED'])
      expect(hears(EMPTY, event, false)).toBe('never');
  });
});

describe('mesi: the line and the textbook', () => {
  it.each([
    [2, 8, 48],
    [3, 14, 126],
    [4, 24, 288],
    [5, 42, 630],
  ])(
    '%i agents on an atomic bus have their copies where the book has them',
    (agents, states, transitions) => {
      expect(simulatesBook(agents)).toEqual({ states, transitions });
    },
  );

  it('the caches of the book have hits, flushes and upgrades', () => {
    expect(bookStep(['I', 'I'], 0, 'read')).toEqual(['E', 'I']);
    expect(bookStep(['M', 'I', 'I'], 1, 'read')).toEqual(['S', 'S', 'I']);
    expect(bookStep(['S', 'S', 'I'], 0, 'write')).toEqual(['M', 'I', 'I']);
    expect(bookStep(['M', 'I'], 0, 'evict')).toEqual(['I', 'I']);
  });

  it('a line that keeps its copy when another writes is detected, with the operations that show it', () => {
    const { difference } = simulatesBook(2, named('S SNOOP_GETM[1] to S'));
    expect(difference!.transcript.map(({ from, text }) => `${from} ${text}`)).toEqual([
      'a0 reads x',
      'a1 reads x',
      'a0 writes x',
    ]);
  });
});

describe('mesi: mutants', () => {
  // An assignment does not depend on the output, so it may stand before or after it. The walk finds no difference, and
  // the walk is complete.
  const EQUIVALENT = [
    'E STORE[0] with put before keep',
    'M STORE[0] with put before keep',
    'MP SNOOP_GETM[1] with drop before spoil',
    'MP SNOOP_PUT[0] with drop before spoil',
  ];

  it('each is detected, except those that are equivalent', () => {
    const left = all.filter(({ machine }) => lineDiffers(machine) === undefined).map(({ name }) => name);
    expect(all.length).toBeGreaterThan(600);
    expect(left).toEqual(EQUIVALENT);
  });

  it('is reported with a shortest path to the visible difference', () => {
    expect(lineDiffers(named('S SNOOP_PUT[0] without drop'))).toBe(
      "SNOOP_PUT in S: the line sends '' and should send 'drop' (readers wait: LOAD, GRANT_S, SNOOP_PUT)",
    );
    expect(lineDiffers(named('IM GRANT_M[0] to S'))).toBe(
      'in S the line is not a writer (readers wait: STORE, GRANT_M)',
    );
    expect(besideModel(named('E STORE[0] without keep')).difference!.path).toEqual([
      'LOAD',
      'GRANT_E',
      'STORE',
    ]);
  });

  it('the equivalent ones are not detected by exploring two agents, either', () => {
    for (const name of EQUIVALENT) {
      const [one, other] = [line, named(name)].map((each) =>
        searchWorlds({
          agents: 2,
          readers: 'wait',
          bus: 'queued',
          events: ['LOAD', 'STORE', 'RECLAIM'],
          machine: each,
        }),
      );
      expect([other!.states, other!.edges, other!.violation]).toEqual([one!.states, one!.edges, undefined]);
    }
  });

  // Without the model: the rules of the protocol alone, in some of them.
  it('most break a rule among two agents, too', () => {
    const some = all.filter((_, i) => i % 31 === 0);
    const broken = some.filter(({ machine }) =>
      (['wait', 'committed'] as const).some(
        (readers) => searchWorlds({ agents: 2, readers, bus: 'queued', client: 'any', machine }).violation,
      ),
    );
    expect(broken.length).toBeGreaterThan(some.length / 2);
  });
});
