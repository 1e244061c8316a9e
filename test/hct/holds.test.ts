import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expiry,
  holdOf,
  holdSchema,
  isHeld,
  releases,
  resolveHold,
  type FermataHold,
} from '../../machines/hct/hold.ts';
import { caesura, cue, downbeat, fermata, pulse, vamp } from '../../machines/hct/signal.ts';
import { anySignal } from './arbitrary.ts';

const hold = (options: Partial<Parameters<typeof fermata>[0]> = {}) =>
  holdOf(fermata({ source: 'reporter', ...options }), 1, 1_000);
const resume = (targets: string[], key?: string) =>
  cue({ source: 'human', targets, intent: 'resume', ...(key === undefined ? {} : { key }) });
const remains = (before: FermataHold, signal: Parameters<typeof resolveHold>[1]) =>
  resolveHold(before, signal).hold;

describe('vocabulary: holds: who is held', () => {
  it('the targets, every listener without targets, or the source when only governance is a target', () => {
    expect(hold()).toMatchObject({ held: ['reporter'], deciders: ['governance'], onTimeout: 'fail' });
    expect(hold({ targets: ['b', 'governance'] })).toMatchObject({ held: ['b'], deciders: ['governance'] });
    expect(hold({ targets: [] }).held).toEqual(['*']);
    expect(isHeld(hold({ targets: ['*'] }), 'any name')).toBe(true);
    expect(isHeld(hold({ targets: [] }), 'any name')).toBe(true);
    expect(isHeld(hold({ targets: ['b'] }), 'reporter')).toBe(false);
  });

  it('every fermata makes a hold that its schema accepts', () => {
    fc.assert(
      fc.property(anySignal, (signal) => {
        if (signal.type !== 'fermata') return;
        const made = holdOf(signal, 'id', 0);
        expect(holdSchema.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
      }),
      { numRuns: 500 },
    );
  });
});

describe('vocabulary: holds: what ends them', () => {
  it('a cue that resumes, for its targets and for no other listener', () => {
    const both = hold({ targets: ['b', 'c'] });
    const after = remains(both, resume(['b']))!;
    expect([isHeld(after, 'b'), isHeld(after, 'c')]).toEqual([false, true]);
    expect(remains(after, resume(['c']))).toBeUndefined();
    expect(remains(both, resume(['stranger']))).toBe(both);
    expect(remains(both, resume(['*']))).toBeUndefined();
    expect(remains(both, resume([]))).toBeUndefined();
    expect(remains(hold(), resume(['governance']))).toBeUndefined();
    expect(remains(hold(), resume(['reporter']))).toBeUndefined();
  });

  it('one listener, while all others stay held', () => {
    const after = remains(hold({ targets: ['*'] }), resume(['b']))!;
    expect([isHeld(after, 'b'), isHeld(after, 'c')]).toEqual([false, true]);
    expect(remains(after, resume(['b']))).toBe(after);
  });

  it('not a cue that activates or updates, nor any other signal', () => {
    const before = hold({ targets: ['b'] });
    for (const signal of [
      cue({ source: 'a', targets: ['b'] }),
      cue({ source: 'a', targets: ['b'], intent: 'update' }),
      vamp({ source: 'b' }),
      pulse('b', 1),
      fermata({ source: 'b' }),
    ]) {
      expect(remains(before, signal)).toBe(before);
    }
  });

  it('a request for ownership only by its own key', () => {
    const rfo = hold({ targets: ['b'], intent: 'rfo', key: 'plan' });
    expect(remains(rfo, resume(['*']))).toBe(rfo);
    expect(remains(rfo, resume(['*'], 'draft'))).toBe(rfo);
    expect(remains(rfo, resume(['*'], 'plan'))).toBeUndefined();
    expect(remains(hold(), resume(['*'], 'plan'))).toBeDefined();
  });

  it('a downbeat with the same sync point, and no other', () => {
    const synced = hold({ targets: ['b'], syncPoint: 'bar 12' });
    const beat = (syncPoint: string) => downbeat({ source: 'conductor', syncPoint });
    expect(resolveHold(synced, beat('bar 12'))).toEqual({ by: 'downbeat', released: ['b'] });
    expect(remains(synced, beat('bar 13'))).toBe(synced);
    expect(remains(hold(), beat(''))).toBeDefined();
  });

  it('a caesura, which is marked as one', () => {
    expect(resolveHold(hold(), caesura({ source: 'a' }))).toEqual({ by: 'caesura', released: ['reporter'] });
  });

  it('releases is resolveHold for one agent, and no signal adds a listener to a hold', () => {
    const agents = ['a', 'b', 'governance', '*', 'reporter'];
    const some = fc.uniqueArray(fc.constantFrom(...agents), { maxLength: 3 });
    fc.assert(
      fc.property(some, some, fc.constantFrom('a', 'b', 'reporter'), (targets, called, agent) => {
        const before = hold({ targets });
        const after = remains(before, resume(called));
        const still = after !== undefined && isHeld(after, agent);
        expect(releases(before, resume(called), agent)).toBe(isHeld(before, agent) && !still);
        if (still) expect(isHeld(before, agent)).toBe(true);
        expect(before).toEqual(hold({ targets }));
      }),
    );
  });

  it('time, by its policy, and not a moment before', () => {
    expect(expiry(hold(), Number.MAX_SAFE_INTEGER)).toBeUndefined();
    expect(expiry(hold({ timeoutMs: 100 }), 1_099)).toBeUndefined();
    expect(expiry(hold({ timeoutMs: 100 }), 1_100)).toBe('fail');
    expect(expiry(hold({ timeoutMs: 100, onTimeout: 'resume' }), 1_100)).toBe('resume');
    expect(() => holdOf(fermata({ source: 'a' }), 1, NaN)).toThrow('since');
  });
});
