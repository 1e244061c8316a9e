/** Claim: the cache line's table is total, and its compiled form behaves as the interpreted one. */
import { initialTransition, transition } from 'xstate';
import { describe, expect, it } from 'vitest';
import { cacheLine, compile, type LineEvent } from 'tutti/machines';

const EVENTS = [
  ...['LOAD', 'STORE', 'HOLD', 'RELEASE', 'EVICT'],
  ...['SNOOP_GETS', 'SNOOP_GETM', 'SNOOP_PUT'],
  ...['GRANT_S', 'GRANT_E', 'GRANT_M', 'ACCEPTED', 'REFUSED', 'RELEASED', 'RECLAIMED'],
] as LineEvent['type'][];
const STATES = ['I', 'S', 'E', 'M', 'IS', 'IM', 'SM', 'MP'] as const;

/** The target and the actions of a cell, by the pure interpreter. */
function cell(state: string, type: LineEvent['type'], readers: 'wait' | 'committed' = 'wait', copy = false) {
  const resolved = cacheLine.resolveState({ value: state, context: { readers, copy } } as never);
  const [next, actions] = transition(cacheLine, resolved, { type });
  const said = (actions as { type: string }[]).map((action) => action.type);
  return [next.value, ...said].join(' ');
}

describe('mesi: table', () => {
  it('declares every (state, event) cell', () => {
    expect(Object.keys(cacheLine.states).sort()).toEqual([...STATES].sort());
    for (const state of STATES) {
      expect(Object.keys(cacheLine.config.states![state]!.on!).sort()).toEqual([...EVENTS].sort());
    }
    expect(initialTransition(cacheLine)[0].value).toBe('I');
  });

  it.each([
    ['I', 'LOAD', 'IS requestShared'],
    ['I', 'STORE', 'IM requestModified'],
    ['S', 'STORE', 'SM requestModified'],
    ['E', 'STORE', 'MP put'],
    ['M', 'STORE', 'MP put'],
    ['E', 'SNOOP_GETS', 'S'],
    ['S', 'SNOOP_GETM', 'I drop'],
    ['SM', 'SNOOP_GETM', 'IM drop'], // lost the race: must ask as BusRdX
    ['M', 'SNOOP_GETM', 'M impossible'], // queued behind the hold
    ['M', 'RECLAIMED', 'S lost'],
    ['MP', 'ACCEPTED', 'E done'],
    ['IM', 'GRANT_M', 'M fill granted'],
    ['IS', 'GRANT_E', 'E fill'],
  ] as const)('%s %s leads to %s, as the textbook has it', (state, event, expected) => {
    expect(cell(state, event)).toBe(expected);
  });

  it("keeps copies while another holds the key, with readers: 'committed'", () => {
    expect(cell('S', 'SNOOP_GETM', 'committed')).toBe('S');
    expect(cell('E', 'SNOOP_GETM', 'committed')).toBe('S');
    expect(cell('SM', 'SNOOP_GETM', 'committed')).toBe('SM');
    for (const state of ['S', 'E', 'SM']) expect(cell(state, 'SNOOP_PUT', 'committed')).toMatch(/^I/);
  });

  it('serves the old value while the own write is in flight, and nothing once that is stale', () => {
    expect(cell('MP', 'LOAD', 'wait', true)).toBe('MP hit');
    expect(cell('MP', 'LOAD', 'wait', false)).toBe('MP stall');
    expect(cell('MP', 'SNOOP_PUT', 'wait', true)).toBe('MP drop'); // the write will be refused
    expect(cell('MP', 'SNOOP_PUT', 'wait', false)).toBe('MP'); //     notified once
    expect(cell('MP', 'REFUSED', 'wait', true)).toBe('SM requestModified');
    expect(cell('MP', 'REFUSED', 'wait', false)).toBe('IM requestModified');
  });

  it('compiled and interpreted agree in every cell, with and without a copy, under both policies', () => {
    const logic = compile(cacheLine);
    let compared = 0;
    for (const value of STATES) {
      for (const readers of ['wait', 'committed'] as const) {
        for (const copy of [false, true]) {
          for (const type of EVENTS) {
            const context = { readers, copy };
            const [next] = transition(cacheLine, cacheLine.resolveState({ value, context } as never), {
              type,
            });
            const before = logic.restoreSnapshot!({ value, context } as never, {} as never);
            const after = logic.transition(before, { type }, {} as never);
            expect([after.value, after.context]).toEqual([next.value, next.context]);
            compared++;
          }
        }
      }
    }
    expect(compared).toBe(8 * 15 * 4);
  });
});
