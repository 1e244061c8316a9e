import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SignalError, WireError } from '../../machines/hct/refusal.ts';
import * as signals from '../../machines/hct/signal.ts';
import * as a2a from '../../machines/hct/wire/a2a.ts';
import * as mcp from '../../machines/hct/wire/mcp.ts';
import { anySignal } from './arbitrary.ts';

const refusal = (attempt: () => unknown): WireError => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof WireError) return error;
    throw error;
  }
  throw new Error('not refused');
};

const good = { type: 'cue', source: 'a', targets: ['b'] };
const at = 'params._meta.hct_signal';
const receive = (signal: unknown) => mcp.extractSignal({ params: { _meta: { hct_signal: signal } } });

/** What arrives | where the fault is. */
const malformed: [unknown, string][] = [
  [null, at],
  ['cue', at],
  [[], at],
  [{}, `${at}.type`],
  [{ source: 'a' }, `${at}.type`],
  [{ ...good, type: 'speculate' }, `${at}.type`],
  [{ ...good, type: 'pulse', tag: 't', value: 1 }, `${at}.type`],
  [{ ...good, type: '__proto__' }, `${at}.type`],
  [{ ...good, type: ['cue'] }, `${at}.type`],
  [{ ...good, source: '' }, `${at}.source`],
  [{ ...good, source: 5 }, `${at}.source`],
  [{ ...good, targets: 'b' }, `${at}.targets`],
  [{ ...good, targets: ['b', 5] }, `${at}.targets.1`],
  [{ ...good, payload: [] }, `${at}.payload`],
  [{ ...good, payload: 'x' }, `${at}.payload`],
  [{ ...good, timestamp: 5 }, `${at}.timestamp`],
  [{ ...good, performance: [] }, `${at}.performance`],
  [{ ...good, performance: { urgency: 11 } }, `${at}.performance.urgency`],
  [{ ...good, performance: { urgency: '9' } }, `${at}.performance.urgency`],
  [{ ...good, performance: { tempo: 'Allegro' } }, `${at}.performance.tempo`],
  [{ ...good, performance: { dynamics: 'ffff' } }, `${at}.performance.dynamics`],
  [{ ...good, performance: { timeout_ms: -1 } }, `${at}.performance.timeout_ms`],
  [{ ...good, conditions: 'x' }, `${at}.conditions`],
  [{ ...good, conditions: { hold_type: 'divine' } }, `${at}.conditions.hold_type`],
  [{ ...good, conditions: { quality_threshold: 1.1 } }, `${at}.conditions.quality_threshold`],
  [{ ...good, conditions: { repeat_until: 5 } }, `${at}.conditions.repeat_until`],
  [{ ...good, context: { objectives: [5] } }, `${at}.context.objectives.0`],
  [{ ...good, tutti: 'x' }, `${at}.tutti`],
  [{ ...good, tutti: { intent: 'rfo' } }, `${at}.tutti.intent`],
  [{ ...good, tutti: { sync_point: 'x' } }, `${at}.tutti.sync_point`],
  [{ ...good, tutti: { on_timeout: 'shrug' } }, `${at}.tutti.on_timeout`],
  [{ ...good, type: 'fermata', tutti: { intent: 'rfo' } }, `${at}.tutti.key`],
  [{ ...good, type: 'fermata', conditions: { timeout_ms: 'soon' } }, `${at}.conditions.timeout_ms`],
  [
    { ...good, type: 'fermata', conditions: { timeout_ms: 1 }, performance: { timeout_ms: 2 } },
    `${at}.conditions.timeout_ms`,
  ],
  [{ ...good, type: 'downbeat', payload: { sync_point: 5 } }, `${at}.payload.sync_point`],
  [{ ...good, type: 'tacet', payload: { duration_ms: -5 } }, `${at}.payload.duration_ms`],
];

describe('vocabulary: decoding: malformed', () => {
  it.each(malformed)('%j is refused at %s', (signal, path) => {
    const error = refusal(() => receive(signal));
    expect(error.path).toBe(path);
    expect(error.remedy).toMatch(/^[A-Z].*\.$/);
    expect(error.message).not.toContain('ZodError');
    expect(error).toBeInstanceOf(SignalError);
  });

  it('names the fields by the names of the other wire', () => {
    const receiveA2A = (hct: unknown) =>
      a2a.extractA2ASignals({ params: { message: { parts: [{ metadata: { hct } }] } } });
    const place = 'params.message.parts.0.metadata.hct';
    expect(refusal(() => receiveA2A({ from: 'a' })).path).toBe(`${place}.signal`);
    expect(refusal(() => receiveA2A({ signal: 'cue', from: 5 })).path).toBe(`${place}.from`);
  });

  it('a message with two signals is refused, since peers would disagree on which counts', () => {
    const smuggled = { params: { hct_signal: good, _meta: { hct_signal: { ...good, type: 'caesura' } } } };
    expect(refusal(() => mcp.extractSignal(smuggled)).path).toBe(at);
  });

  it('a message with none is none', () => {
    for (const none of [undefined, null, 5, 'x', [], {}, { params: null }, { params: { _meta: 5 } }]) {
      expect(mcp.extractSignal(none)).toBeUndefined();
      expect(mcp.hasSignal(none)).toBe(false);
      expect(mcp.getSignalType(none)).toBeUndefined();
      expect(a2a.extractA2ASignals(none)).toEqual([]);
    }
    expect(mcp.getSignalType({ hct_signal: { type: 'speculate' } })).toBeUndefined();
    expect(mcp.hasSignal({ hct_signal: 'rubbish' })).toBe(true);
  });
});

describe('vocabulary: decoding: hostile', () => {
  it('any JSON at all, anywhere in a signal, decodes or is refused in our own words', () => {
    const fields = 'type source targets payload performance conditions context timestamp tutti __proto__';
    const field = fc.constantFrom(...fields.split(' '));
    fc.assert(
      fc.property(anySignal, field, fc.jsonValue(), (signal, name, value) => {
        const sent = mcp.embedSignal({}, signal).wire['hct_signal'] as object;
        const twisted = Object.fromEntries([...Object.entries(sent), [name, value]]);
        let heard: signals.HctSignal | undefined;
        try {
          heard = receive(twisted);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
        if (heard) expect(mcp.extractSignal(mcp.embedSignal({}, heard).wire)).toEqual(heard);
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('a prototype in the message does not become one', () => {
    const sent: unknown = JSON.parse(
      '{"type":"cue","source":"a","__proto__":{"intent":"resume","polluted":1},"performance":{"__proto__":{"urgency":10}}}',
    );
    const heard = receive(sent) as unknown as Record<string, unknown>;
    expect(heard['polluted']).toBeUndefined();
    expect(heard['intent']).toBe('activate');
    expect(heard['performance']).toMatchObject({ urgency: 5 });
  });

  it('a very long name does not flood the message', () => {
    const error = refusal(() => receive({ ...good, type: 'x'.repeat(1e6) }));
    expect(error.message.length).toBeLessThan(500);
    const extension = { tutti: { intent: 'x'.repeat(1e6) } };
    expect(refusal(() => receive({ ...good, ...extension })).message.length).toBeLessThan(500);
  });

  it('a deep payload costs no stack to decode', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = { deep };
    expect(receive({ ...good, payload: { deep } })?.type).toBe('cue');
  });
});

describe('vocabulary: encoding: what cannot travel', () => {
  const send = (payload: Record<string, unknown>) =>
    mcp.embedSignal({}, signals.cue({ source: 'a', targets: [], payload }));

  it('is refused with its place', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    const cases: [Record<string, unknown>, string][] = [
      [{ score: NaN }, 'payload.score'],
      [{ list: [1, Infinity] }, 'payload.list.1'],
      [{ list: [undefined] }, 'payload.list.0'],
      [{ big: 1n }, 'payload.big'],
      [{ call: () => 1 }, 'payload.call'],
      [{ when: new Date(0) }, 'payload.when'],
      [{ map: new Map() }, 'payload.map'],
      [{ cycle }, 'payload.cycle.self'],
    ];
    for (const [payload, path] of cases) expect(refusal(() => send(payload)).path).toBe(path);
    expect(refusal(() => send({ deep })).problem).toContain('nested deeper');
    const shared = {};
    expect(send({ one: shared, two: [shared, shared] }).lossy).toEqual([]);
    const long = { ['x'.repeat(1e6)]: NaN };
    expect(refusal(() => send(long)).message.length).toBeLessThan(500);
    expect(send({ unsaid: undefined }).lossy).toEqual([]);
  });

  it('a pulse, and anything else that is not one of the seven, is refused', () => {
    for (const bad of [signals.pulse('t', 1), {}, null, { type: 'cue' }]) {
      expect(() => mcp.embedSignal({}, bad as never)).toThrow(WireError);
    }
  });

  it('an extra that repeats a field is refused', () => {
    const cue = signals.cue({ source: 'a', targets: [] });
    expect(refusal(() => mcp.embedSignal({}, { ...cue, extra: { source: 'b' } })).path).toBe('extra.source');
    const performance = { ...cue.performance!, extra: { timeout_ms: 1 } };
    expect(refusal(() => mcp.embedSignal({}, { ...cue, performance })).path).toBe(
      'performance.extra.timeout_ms',
    );
    expect(refusal(() => mcp.embedSignal({}, cue, { timestamp: NaN })).path).toBe('options.timestamp');
  });

  it('a tacet has no method, and a cancellation needs its task', () => {
    const silent = signals.tacet({ source: 'a' });
    expect(refusal(() => a2a.createA2ARequest('x', silent, { id: 1 })).path).toBe('signal');
    const stop = signals.caesura({ source: 'a' });
    expect(refusal(() => a2a.createA2ARequest('x', stop, { id: 1 })).path).toBe('options.taskId');
  });
});
