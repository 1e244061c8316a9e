import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DYNAMICS_LEVELS } from '../../machines/hct/dynamics.ts';
import * as signals from '../../machines/hct/signal.ts';
import { TEMPI } from '../../machines/hct/tempo.ts';
import * as a2a from '../../machines/hct/wire/a2a.ts';
import * as mcp from '../../machines/hct/wire/mcp.ts';
import { anySignal, publishedA2A, publishedMCP } from './arbitrary.ts';

const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const body = (wire: unknown) => (wire as { hct_signal: Record<string, unknown> }).hct_signal;
const hct = (wire: unknown) => (wire as { metadata: { hct: Record<string, unknown> } }).metadata.hct;

/** What a peer of the published vocabulary does not receive, decided by hand from the signal. */
function unheard(signal: signals.HctSignal): string[] {
  const { tempo = 'moderato', dynamics = 'mf' } = signal.performance ?? {};
  const intent = 'intent' in signal ? signal.intent : 'activate';
  return [
    ...(['grave', 'adagio', 'vivace'].includes(tempo) ? ['performance.tempo'] : []),
    ...(['ppp', 'mp', 'fff'].includes(dynamics) ? ['performance.dynamics'] : []),
    ...(['resume', 'update', 'rfo'].includes(intent) ? ['intent'] : []),
    ...('key' in signal ? ['key'] : []),
    ...(signal.type === 'fermata' && signal.syncPoint !== undefined ? ['syncPoint'] : []),
    ...(signal.conditions?.onTimeout ? ['conditions.onTimeout'] : []),
    ...(signal.conditions?.maxIterations ? ['conditions.maxIterations'] : []),
  ];
}

describe('vocabulary: MCP: what goes out comes back', () => {
  it('every signal survives parameters, _meta, and the legacy messages', () => {
    fc.assert(
      fc.property(anySignal, (signal) => {
        for (const { wire } of [
          mcp.embedSignal({ id: 1 }, signal),
          mcp.createMCPTaskSend('t', 'do', signal),
          mcp.createMCPTaskSubscribe('t', 'do', signal),
          mcp.createMCPToolCall(1, 'tool', {}, signal, { meta: { progressToken: 1 } }),
        ]) {
          const received = overTheWire(wire);
          expect(mcp.extractSignal(received)).toEqual(signal);
          expect(mcp.getSignalType(received)).toBe(signal.type);
          expect(mcp.hasSignal(received)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('every message is one that the published schema accepts', () => {
    fc.assert(
      fc.property(anySignal, (signal) => {
        const sent = overTheWire(body(mcp.embedSignal({}, signal).wire));
        expect(publishedMCP.safeParse(sent).error).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('lists exactly what a peer will not receive', () => {
    fc.assert(
      fc.property(anySignal, (signal) => {
        const { lossy, wire } = mcp.embedSignal({}, signal);
        expect(lossy).toEqual(unheard(signal));
        expect('tutti' in body(wire)).toBe(lossy.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  it('puts the signal where MCP has room for it, and keeps what is there', () => {
    const cue = signals.cue({ source: 'a', targets: ['b'], urgency: 8, tempo: 'allegro', dynamics: 'ff' });
    const { wire } = mcp.createMCPToolCall(7, 'review', { repo: '.' }, cue, { meta: { progressToken: 1 } });
    expect(overTheWire(wire)).toEqual({
      jsonrpc: '2.0',
      id: 7,
      method: 'tools/call',
      params: {
        name: 'review',
        arguments: { repo: '.' },
        _meta: {
          progressToken: 1,
          hct_signal: {
            type: 'cue',
            source: 'a',
            targets: ['b'],
            payload: {},
            performance: { urgency: 8, tempo: 'allegro', dynamics: 'ff', timeout_ms: 30_000 },
          },
        },
      },
    });
    expect(mcp.createMCPTaskSend('t', 'x', cue).wire).toMatchObject({
      method: 'tasks/send',
      params: { id: 't', message: { role: 'user', content: 'x' } },
    });
    expect(mcp.createMCPTaskSubscribe('t', 'x', cue, 'agent').wire).toMatchObject({
      method: 'tasks/sendSubscribe',
      params: { message: { role: 'agent' } },
    });
  });

  it('declares itself in both places, and accepts either', () => {
    expect(mcp.supportsMCPSignals(mcp.MCP_CAPABILITIES)).toBe(true);
    expect(mcp.supportsMCPSignals({ hct_signals: true })).toBe(true);
    expect(mcp.supportsMCPSignals({ experimental: { hct_signals: {} } })).toBe(true);
    for (const no of [undefined, {}, { hct_signals: 'no' }, []])
      expect(mcp.supportsMCPSignals(no)).toBe(false);
  });
});

describe('vocabulary: A2A: what goes out comes back', () => {
  it('every signal survives a part, a request in both dialects, and stays within the published schema', () => {
    fc.assert(
      fc.property(anySignal, (signal) => {
        const { wire, lossy } = a2a.embedInPart({ text: 'x', metadata: { other: 1 } }, signal);
        const received = overTheWire(wire) as { metadata: object };
        expect(received.metadata).toMatchObject({ other: 1 });
        expect(publishedA2A.safeParse(hct(received)).error).toBeUndefined();
        expect(a2a.extractA2ASignals({ parts: [{ text: 'none' }, received] })).toEqual([signal]);
        expect(lossy).toEqual(unheard(signal));
        if (signal.type === 'tacet') return;
        for (const dialect of ['1.0', 'legacy'] as const) {
          const request = a2a.createA2ARequest('x', signal, { id: 1, taskId: 't', dialect });
          const methods = dialect === 'legacy' ? a2a.A2A_LEGACY_METHODS : a2a.A2A_METHODS;
          expect(request.wire.method).toBe(methods[signal.type]);
          expect(a2a.extractA2ASignals(overTheWire(request.wire))).toEqual([signal]);
          expect(a2a.hasA2ASignal(request.wire)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('both wires agree on the content of a signal', () => {
    fc.assert(
      fc.property(anySignal, (signal) => {
        const { type, source, ...rest } = body(mcp.embedSignal({}, signal).wire);
        expect(hct(a2a.embedInPart({}, signal).wire)).toEqual({ signal: type, from: source, ...rest });
      }),
    );
  });

  it('speaks v1.0: method, role, extension, and a part without a kind', () => {
    const cue = signals.cue({ source: 'a', targets: ['b'] });
    const { wire } = a2a.createA2ARequest('go', cue, { id: 1, contextId: 'c' });
    expect(wire).toMatchObject({
      method: 'SendMessage',
      params: {
        message: {
          messageId: '1',
          role: 'ROLE_USER',
          contextId: 'c',
          parts: [{ text: 'go' }],
          extensions: ['https://github.com/stefanwiest/hct-a2a'],
        },
      },
    });
    expect(a2a.A2A_METHODS).toMatchObject({ vamp: 'SendStreamingMessage', caesura: 'CancelTask' });
    expect(a2a.A2A_HEADERS).toEqual({ 'A2A-Extensions': 'https://github.com/stefanwiest/hct-a2a' });
    expect(a2a.activatesA2ASignals('urn:x, https://github.com/stefanwiest/hct-a2a')).toBe(true);
    expect(a2a.activatesA2ASignals(undefined)).toBe(false);
  });

  it('accepts every declaration that was ever published', () => {
    for (const card of [
      { capabilities: { extensions: [a2a.A2A_EXTENSION] } },
      { extensions: { 'hct-coordination': '1.0.0' } },
      { extensions: ['hct-coordination'] },
      { extensions: [{ uri: 'https://github.com/stefanwiest/hct-a2a' }] },
    ]) {
      expect(a2a.supportsA2ASignals(card)).toBe(true);
    }
    for (const card of [undefined, {}, { capabilities: { extensions: [{ uri: 'x' }] } }]) {
      expect(a2a.supportsA2ASignals(card)).toBe(false);
    }
  });

  it('a fermata becomes an interrupted task, with a status message that bears it', () => {
    const states = signals.HOLD_TYPES.map((holdType) => {
      const held = signals.fermata({ source: 'a', reason: 'Publish?', holdType });
      const { wire } = a2a.a2aTaskStatus(held, 'm');
      expect(wire.message).toMatchObject({
        messageId: 'm',
        role: 'ROLE_AGENT',
        parts: [{ text: 'Publish?' }],
      });
      expect(a2a.extractA2ASignals(wire.message)).toEqual([held]);
      return [holdType, wire.state];
    });
    expect(Object.fromEntries(states)).toEqual({
      human: 'TASK_STATE_INPUT_REQUIRED',
      governance: 'TASK_STATE_AUTH_REQUIRED',
      resource: 'TASK_STATE_INPUT_REQUIRED',
      quality: 'TASK_STATE_INPUT_REQUIRED',
    });
  });
});

describe('vocabulary: wires: a peer with only the published vocabulary', () => {
  it('changes tempo and dynamics on the way, and its values stand', () => {
    for (const tempo of TEMPI) {
      for (const dynamics of DYNAMICS_LEVELS) {
        const { wire } = mcp.embedSignal({}, signals.cue({ source: 'a', targets: [], tempo, dynamics }));
        const passed = overTheWire(wire) as { hct_signal: { performance: object } };
        Object.assign(passed.hct_signal.performance, { tempo: 'presto', dynamics: 'pp' });
        const heard = mcp.extractSignal(passed)?.performance;
        expect(heard).toMatchObject({ tempo: 'presto', dynamics: dynamics === 'ppp' ? 'ppp' : 'pp' });
      }
    }
  });

  it('is understood when it is as brief as the RFC allows', () => {
    const heard = (signal: unknown) => mcp.extractSignal({ params: { hct_signal: signal } });
    expect(heard({ type: 'cue' })).toEqual({
      type: 'cue',
      source: 'anonymous',
      targets: [],
      intent: 'activate',
    });
    expect(heard({ type: 'fermata' })?.targets).toEqual(['governance']);
    expect(heard({ type: 'caesura' })?.targets).toEqual(['*']);
    expect(heard({ type: 'vamp', source: 'v' })?.targets).toEqual(['v']);
    expect(heard({ type: 'downbeat', source: 'd' })).toMatchObject({ targets: ['*'], syncPoint: '' });
    expect(heard({ type: 'cue', performance: { dynamics: 'ff' } })?.performance).toEqual({
      urgency: 5,
      tempo: 'moderato',
      dynamics: 'ff',
      timeoutMs: 30_000,
    });
  });

  it('is understood when it is the Python SDK, which sends null for absent fields', () => {
    const sent = {
      type: 'fermata',
      source: 'a',
      targets: ['governance'],
      payload: { reason: 'why' },
      performance: { urgency: 5, tempo: 'moderato', timeout_ms: null },
      conditions: { hold_type: null, repeat_until: null, quality_threshold: null },
      timestamp: '2026-01-01T00:00:00.123456',
    };
    expect(mcp.extractSignal({ hct_signal: sent })).toEqual({
      ...signals.fermata({ source: 'a', reason: 'why' }),
      timestamp: '2026-01-01T00:00:00.123456',
    });
    expect(mcp.extractSignal({ hct_signal: { ...sent, conditions: null } })?.conditions).toEqual({
      holdType: 'human',
    });
  });

  it('may put the timeout of a hold in either published place', () => {
    const timeout = (where: object) =>
      mcp.extractSignal({ hct_signal: { type: 'fermata', source: 'a', ...where } })?.performance?.timeoutMs;
    expect(timeout({ conditions: { hold_type: 'human', timeout_ms: 3_600_000 } })).toBe(3_600_000);
    expect(timeout({ performance: { timeout_ms: 3_600_000 } })).toBe(3_600_000);
    expect(timeout({ performance: { timeout_ms: 5 }, conditions: { timeout_ms: 5 } })).toBe(5);
    expect(timeout({ performance: { urgency: 9 } })).toBeUndefined();
    expect(timeout({ conditions: { timeout_ms: null } })).toBeUndefined();
  });

  it('keeps unknown fields, at every level', () => {
    const sent = {
      type: 'cue',
      source: 'a',
      targets: [],
      reference: { frame: 1 },
      performance: {
        urgency: 5,
        tempo: 'moderato',
        dynamics: 'mf',
        timeout_ms: 1,
        articulation: 'legato',
        toString: '',
      },
      conditions: { timeout_ms: 9, weather: 'fine' },
      context: { movement: 'm', prior_outputs: [1] },
      tutti: { intent: 'resume', later: true },
    };
    const heard = mcp.extractSignal({ hct_signal: sent })!;
    expect(heard).toMatchObject({
      intent: 'resume',
      extra: { reference: { frame: 1 }, tutti: { later: true } },
      performance: { extra: { articulation: 'legato' } },
      conditions: { extra: { timeout_ms: 9, weather: 'fine' } },
      context: { extra: { prior_outputs: [1] } },
    });
    expect(body(mcp.embedSignal({}, heard).wire)).toEqual(sent);
  });

  it('reads the time at which a signal was sent', () => {
    const { wire } = mcp.embedSignal({}, signals.cue({ source: 'a', targets: [] }), { timestamp: 0 });
    expect(body(wire)['timestamp']).toBe('1970-01-01T00:00:00.000Z');
  });
});
