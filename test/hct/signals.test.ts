import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import * as vocabulary from '../../machines/hct/signal.ts';
import { SignalError } from '../../machines/hct/refusal.ts';
import { anySignal } from './arbitrary.ts';

const { attacca, caesura, cue, downbeat, fermata, tacet, vamp } = vocabulary;

const usual = { urgency: 5, tempo: 'moderato', dynamics: 'mf', timeoutMs: 30_000 };
const urgent = { ...usual, urgency: 10, tempo: 'presto' };
const { timeoutMs: _, ...untimed } = usual;

const made = [
  {
    signal: cue({ source: 'a', targets: ['b'] }),
    published: { targets: ['b'], performance: usual, intent: 'activate' },
  },
  {
    signal: fermata({ source: 'a', reason: 'why' }),
    published: {
      targets: ['governance'],
      payload: { reason: 'why' },
      performance: untimed,
      conditions: { holdType: 'human' },
      intent: 'hold',
    },
  },
  { signal: attacca({ source: 'a', targets: ['b'] }), published: { targets: ['b'], performance: urgent } },
  {
    signal: vamp({ source: 'a', repeatUntil: 'good' }),
    published: {
      targets: ['a'],
      performance: { ...usual, timeoutMs: 60_000 },
      conditions: { repeatUntil: 'good', qualityThreshold: 0.9 },
    },
  },
  {
    signal: caesura({ source: 'a', reason: 'why' }),
    published: { targets: ['*'], payload: { reason: 'why' }, performance: urgent },
  },
  // The SDK leaves the targets out, and means the source.
  { signal: tacet({ source: 'a' }), published: { targets: ['a'], performance: usual } },
  {
    signal: downbeat({ source: 'a', syncPoint: 's' }),
    published: { targets: ['*'], performance: usual, syncPoint: 's' },
  },
];

const calls: [string, (options: never) => unknown, Record<string, unknown>][] = [
  ['cue', cue, { source: 'a', targets: ['b'] }],
  ['fermata', fermata, { source: 'a' }],
  ['attacca', attacca, { source: 'a', targets: ['b'] }],
  ['vamp', vamp, { source: 'a' }],
  ['caesura', caesura, { source: 'a' }],
  ['tacet', tacet, { source: 'a' }],
  ['downbeat', downbeat, { source: 'a', syncPoint: 's' }],
];

const refusal = (attempt: () => unknown): SignalError => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof SignalError) return error;
    throw error;
  }
  throw new Error('not refused');
};

describe('vocabulary: factories: defaults', () => {
  it.each(made)('$signal.type equals what the published SDK makes', ({ signal, published }) => {
    expect(signal).toEqual({ type: signal.type, source: 'a', payload: {}, ...published });
  });

  it.each(made)('$signal.type is frozen through its own structure', ({ signal }) => {
    for (const part of [signal, signal.targets, signal.payload, signal.performance]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    if (signal.conditions) expect(Object.isFrozen(signal.conditions)).toBe(true);
  });

  it('leaves what the caller owns unfrozen', () => {
    const mine = { deep: { value: 1 } };
    cue({ source: 'a', targets: [], payload: mine });
    expect(Object.isFrozen(mine) || Object.isFrozen(mine.deep)).toBe(false);
  });

  it('keeps the given fields', () => {
    const said = { urgency: 1, tempo: 'grave', dynamics: 'fff', timeoutMs: 0 } as const;
    expect(caesura({ source: 'a', ...said }).performance).toEqual(said);
    expect(fermata({ source: 'a', intent: 'rfo', key: 'plan', targets: ['b'] })).toMatchObject({
      intent: 'rfo',
      key: 'plan',
      targets: ['b'],
    });
    expect(tacet({ source: 'a', durationMs: 5 }).durationMs).toBe(5);
    expect(cue({ source: 'a', targets: ['b'], intent: 'resume' }).intent).toBe('resume');
  });
});

describe('vocabulary: factories: refusals', () => {
  it.each(calls)('%s refuses an option it does not know, by name', (type, make, good) => {
    const error = refusal(() => make({ ...good, tempoo: 'presto' } as never));
    expect(error).toMatchObject({ path: `${type}.tempoo`, problem: 'unknown option' });
    expect(error.remedy).toContain('tempo,');
  });

  it.each(calls)('%s refuses no options, and options out of range, with the place', (type, make, good) => {
    for (const nothing of [undefined, null, 'x']) refusal(() => make(nothing as never));
    const bad = {
      urgency: [0, 11, 1.5, NaN, '5'],
      tempo: ['fast', null],
      dynamics: ['loud'],
      timeoutMs: [-1, Infinity],
    };
    for (const [option, values] of Object.entries(bad)) {
      for (const value of values) {
        const error = refusal(() => make({ ...good, [option]: value } as never));
        expect(error.path).toBe(`${type}.performance.${option}`);
      }
    }
    expect(refusal(() => make({ ...good, source: '' } as never)).path).toBe(`${type}.source`);
    expect(refusal(() => make({ ...good, targets: 'b' } as never)).path).toBe(`${type}.targets`);
    expect(refusal(() => make({ ...good, payload: ['b'] } as never)).path).toBe(`${type}.payload`);
  });

  it('refuses ownership of nothing, and a key on a mere hold', () => {
    expect(refusal(() => fermata({ source: 'a', intent: 'rfo' })).path).toBe('fermata.key');
    expect(refusal(() => fermata({ source: 'a', key: 'plan' })).path).toBe('fermata.key');
  });

  it('refuses a payload that repeats a field', () => {
    const payload = { sync_point: 'x' };
    expect(refusal(() => downbeat({ source: 'a', syncPoint: 's', payload })).path).toBe(
      'downbeat.payload.sync_point',
    );
    expect(refusal(() => downbeat({ source: 'a' } as never)).path).toBe('downbeat.syncPoint');
  });
});

describe('vocabulary: schemas', () => {
  it('accept what they produced, unchanged', () => {
    fc.assert(
      fc.property(anySignal, (signal) => {
        expect(vocabulary.signalSchema.parse(signal)).toEqual(signal);
        const envelope = { seq: 0, runId: 'r', signal, timestamp: 0.5 };
        expect(vocabulary.envelopeSchema.parse(JSON.parse(JSON.stringify(envelope)))).toEqual(envelope);
      }),
    );
  });

  it('infer the types that the code states', () => {
    expectTypeOf<z.infer<typeof vocabulary.hctSignalSchema>>().toEqualTypeOf<vocabulary.HctSignal>();
    expectTypeOf<vocabulary.Envelope['signal']>().toEqualTypeOf<vocabulary.Signal>();
    expectTypeOf<Extract<vocabulary.Signal, { type: 'cue' }>>().toEqualTypeOf<vocabulary.Cue>();
  });

  it('refuse unknown fields, unknown types, and envelopes out of order', () => {
    const good = cue({ source: 'a', targets: [] });
    for (const bad of [{ ...good, x: 1 }, { ...good, type: 'speculate' }, { type: 'cue' }, null, 'cue', []]) {
      expect(vocabulary.signalSchema.safeParse(bad).success).toBe(false);
    }
    for (const bad of [{ seq: -1 }, { seq: 0.5 }, { runId: '' }, { timestamp: NaN }, { more: 1 }]) {
      const envelope = { seq: 1, runId: 'r', signal: good, timestamp: 1, ...bad };
      expect(vocabulary.envelopeSchema.safeParse(envelope).success).toBe(false);
    }
  });
});

describe('vocabulary: pulse', () => {
  it('carries a value or a fault, by tag', () => {
    const value = vocabulary.pulse('t', { n: 1 });
    const fault = vocabulary.pulseFault(7, 'broken');
    expect(vocabulary.signalSchema.parse(value)).toEqual(value);
    expect(vocabulary.signalSchema.parse(fault)).toEqual(fault);
    expect([value, fault].map(vocabulary.isPulseFault)).toEqual([false, true]);
    expect(vocabulary.isPulseFault(vocabulary.pulse('t', null))).toBe(false);
  });

  it('refuses both, a null fault, and a tag that is no name', () => {
    const base = { type: 'pulse', tag: 't' };
    for (const bad of [
      { value: 1, fault: 2 },
      { fault: null },
      { value: 1, tag: {} },
      { value: 1, tag: NaN },
    ]) {
      expect(vocabulary.signalSchema.safeParse({ ...base, ...bad }).success).toBe(false);
    }
  });
});
