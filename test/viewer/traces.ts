/** Traces made by code, in the format of docs/guides/trace-format.md: small ones to look at, large ones to measure. */
import { setup, type AnyStateMachine } from 'xstate';
import { cacheLine, reservationStation, tempoGovernor } from '../../machines/index.ts';
import { TRACE_LIMITS, TRACE_SESSION, TRACE_VERSION } from '../../src/trace/format.ts';

type Fields = Record<string, unknown>;

/** Writes messages as in a trace. The caller passes the time, in milliseconds. */
export class TraceText {
  readonly lines: string[] = [];
  readonly #machines = new Map<AnyStateMachine, number>();
  time = 1_000;

  constructor(version: number = TRACE_VERSION) {
    this.actor(TRACE_SESSION, 'trace', {
      snapshot: {
        status: 'active',
        context: { format: 'tutti.trace', version, clock: 'virtual', limits: TRACE_LIMITS },
      },
    });
  }
  message(type: string, sessionId: string, more: Fields): void {
    const base = { type: `@xstate.${type}`, sessionId, rootId: sessionId, id: String(this.lines.length + 1) };
    this.lines.push(JSON.stringify({ ...base, createdAt: String(this.time), _version: '0.7.2', ...more }));
  }
  actor(sessionId: string, name: string, more: Fields = {}, machine?: AnyStateMachine): void {
    const known = machine === undefined ? undefined : this.#machines.get(machine);
    const definition =
      machine === undefined || known !== undefined ? undefined : JSON.stringify(machine.config);
    const number = machine === undefined ? undefined : (known ?? this.#machines.size);
    if (machine !== undefined && known === undefined) this.#machines.set(machine, this.#machines.size);
    this.message('actor', sessionId, {
      name,
      snapshot: { status: 'active' },
      ...(number === undefined ? {} : { machine: number }),
      ...(definition === undefined ? {} : { definition }),
      ...more,
    });
  }
  event(sessionId: string, event: Fields, sourceId?: string): void {
    this.message('event', sessionId, { ...(sourceId === undefined ? {} : { sourceId }), event });
  }
  /** An event, and the state that it led to. */
  moves(sessionId: string, event: Fields, value: unknown, context: Fields = {}): void {
    this.event(sessionId, event);
    this.message('snapshot', sessionId, { event, snapshot: { status: 'active', value, context } });
  }
  end(messages = this.lines.length + 1): void {
    const context = { messages, leftOut: { sampled: 0, slow: 0, actors: 0 }, faults: 0 };
    this.message('snapshot', TRACE_SESSION, {
      event: { type: 'tutti.end' },
      snapshot: { status: 'done', context },
    });
  }
  get text(): string {
    return `${this.lines.join('\n')}\n`;
  }
}

/** A user's own machine, nested and parallel. */
export const radio = setup({}).createMachine({
  id: 'radio',
  type: 'parallel',
  states: {
    power: {
      initial: 'off',
      states: {
        off: { on: { TOGGLE: 'on' } },
        on: {
          initial: 'quiet',
          states: {
            quiet: { on: { TURN: 'loud' } },
            loud: { after: { 500: 'quiet' }, on: { TURN: '#radio.power.off' } },
          },
          on: { TOGGLE: 'off' },
        },
      },
    },
    band: {
      initial: 'fm',
      states: { fm: { on: { BAND: 'am' } }, am: { on: { BAND: { target: 'fm' } } } },
    },
  },
});

const PROGRAM = [
  { id: 'files', agent: 'lister', reads: [-1] },
  { id: 'security', agent: 'reviewer', reads: [0] },
  { id: 'style', agent: 'reviewer', reads: [0] },
  { id: 'report', agent: 'reporter', reads: [2] },
  { id: 'draft', agent: 'writer', reads: [1] },
  { id: 'revise', agent: 'writer', writes: 'draft', reads: [4] },
];
/** When each step starts and ends; `style` fails, and so `report` is skipped. */
const PLAYED: readonly (readonly [start: number, end: number])[] = [
  [1_010, 1_100], [1_110, 1_400], [1_110, 1_250], [0, 1_260], [1_410, 1_700], [1_710, 1_900],
]; // prettier-ignore

/** One performance of six steps, two agents that share two keys, a governor with costs, and a radio of the user's. */
export function smallTrace(version?: number): TraceText {
  const trace = new TraceText(version);
  trace.actor(
    'x:radio',
    'radio',
    { snapshot: { status: 'active', value: { power: 'off', band: 'fm' } } },
    radio,
  );
  trace.actor('x:tuner', 'tuner');
  trace.actor('bus:1', 'bus');
  trace.actor('x:root', 'review-1');
  trace.actor('run:review-1', 'performance');
  trace.event('run:review-1', {
    type: 'tutti.run',
    runId: 'review-1',
    score: 'review',
    steps: PROGRAM.length,
  });
  trace.event('run:review-1', { type: 'tutti.program', from: 0, steps: PROGRAM });
  trace.actor('x:governor', 'governor:reviewer', {}, tempoGovernor);
  governs(trace, 'andante', 'p');
  PROGRAM.forEach((_, tag) =>
    trace.actor(`x:s${tag}`, `station:${tag}`, { parentId: 'x:root' }, reservationStation),
  );
  shares(trace);
  const moments = PLAYED.flatMap(([start, end], tag) => [
    { at: 1_005, tag, what: 'issue' },
    ...(start === 0 ? [] : [{ at: start, tag, what: 'start' }]),
    { at: end, tag, what: 'end' },
  ]).sort((a, b) => a.at - b.at);
  for (const { at, tag, what } of moments) {
    trace.time = at;
    play(trace, tag, what);
  }
  trace.time = 1_950;
  trace.event('x:radio', { type: 'TOGGLE' }, 'x:tuner');
  trace.message('snapshot', 'x:radio', {
    event: { type: 'TOGGLE' },
    snapshot: { status: 'active', value: { power: { on: 'quiet' }, band: 'fm' }, context: { volume: 3 } },
  });
  trace.event('run:review-1', {
    type: 'tutti.ended', status: 'failed', makespan: 900, calls: 5, retries: 0, stalls: 0, errors: ['style failed'],
  }); // prettier-ignore
  trace.end();
  return trace;
}

function play(trace: TraceText, tag: number, what: string): void {
  const session = `x:s${tag}`;
  const context = { station: tag, tag, missing: 0 };
  const waits = PROGRAM[tag]?.reads.some((read) => read >= 0) === true;
  if (what === 'issue') trace.moves(session, { type: 'ISSUE', tag }, waits ? 'waiting' : 'ready', context);
  if (what === 'start') {
    if (waits) trace.moves(session, { type: 'OPERAND' }, 'ready', context);
    trace.time += 1;
    trace.moves(session, { type: 'GRANT_UNIT' }, 'executing', context);
    if (tag === 1) governs(trace, 'presto', 'f');
  }
  if (what !== 'end') return;
  const failed = tag === 2;
  const skipped = tag === 3;
  const pulse = { type: 'pulse', seq: tag + 1, runId: 'review-1', tag };
  if (failed || skipped) trace.moves(session, { type: failed ? 'FAILED' : 'FAULT' }, 'poisoned', context);
  else trace.moves(session, { type: 'DONE' }, 'writing', context);
  const fault = { name: 'StepError', message: 'no style guide', stepId: 'style' };
  trace.event('bus:1', failed || skipped ? { ...pulse, fault } : { ...pulse, value: `result of ${tag}` });
  trace.moves(session, { type: 'WRITTEN' }, 'free', context);
  if (!skipped)
    trace.event('run:review-1', {
      type: 'tutti.usage', stepId: PROGRAM[tag]?.id, model: 'any', inputTokens: 100, outputTokens: 10, usd: 0.001,
    }); // prettier-ignore
}
const governs = (trace: TraceText, tempo: string, dynamics: string): void =>
  trace.moves('x:governor', { type: 'LOAD' }, 'schedutil', { unit: 'reviewer', point: { tempo, dynamics } });

/** The planner writes the plan, and the writer reads it; then the writer writes it. */
function shares(trace: TraceText): void {
  const line = (agent: string, key: string) => `x:${agent}/${key}`;
  const full = (agent: string) => `${agent}@0a1b2c3d`;
  const be = (agent: string, key: string, type: string, value: string) =>
    trace.moves(line(agent, key), { type }, value, { agent: full(agent), key, version: 1 });
  for (const agent of ['planner', 'writer'])
    for (const key of ['plan', 'draft']) {
      trace.actor(line(agent, key), `line:${full(agent)}/${key}`, {}, cacheLine);
      be(agent, key, 'xstate.init', 'I');
    }
  const said = (agent: string, op: string, owner?: string) =>
    trace.event('bus:1', {
      type: op === 'getm' ? 'fermata' : 'cue', seq: 1, runId: 'local', source: full(agent), targets: ['memory'], key: 'plan',
      coherence: { scope: 'shared', op, agent: full(agent), number: 1, keys: ['plan'], after: [{ version: 1, epoch: 1, held: false, queued: 0, ...(owner === undefined ? {} : { owner: full(owner) }) }] },
    }); // prettier-ignore
  be('planner', 'plan', 'STORE', 'IM');
  trace.time += 1;
  be('planner', 'plan', 'GRANT_M', 'M');
  said('planner', 'getm', 'planner');
  trace.time += 1;
  be('planner', 'plan', 'STORE', 'MP');
  be('planner', 'plan', 'ACCEPTED', 'E');
  said('planner', 'put', 'planner');
  trace.time += 1;
  be('writer', 'plan', 'LOAD', 'IS');
  be('planner', 'plan', 'SNOOP_GETS', 'S');
  be('writer', 'plan', 'GRANT_S', 'S');
  said('writer', 'gets');
}

/** A trace of so many actors and messages, half of them stations with steps and half lines of shared state. */
export function* largeTrace(actors: number, messages: number): Generator<string> {
  const trace = new TraceText();
  const flush = (): string => {
    const { text } = trace;
    trace.lines.length = 0;
    return text;
  };
  const stations = Math.floor(actors / 2);
  const agents = 100;
  const keys = Math.floor((actors - stations) / agents);
  const steps = Math.floor((messages / 2 - actors) / 10);
  trace.actor('bus:1', 'bus');
  trace.actor('x:root', 'large-1');
  trace.actor('run:large-1', 'performance');
  trace.event('run:large-1', { type: 'tutti.run', runId: 'large-1', score: 'large', steps });
  for (let from = 0; from < steps; from += 256) {
    const part = Array.from({ length: Math.min(256, steps - from) }, (_, index) => {
      const tag = from + index;
      return {
        id: `step-${tag}`,
        agent: `agent-${tag % 20}`,
        reads: tag === 0 ? [-1] : [Math.floor((tag - 1) / 3), Math.max(0, tag - 40)],
      };
    });
    trace.event('run:large-1', { type: 'tutti.program', from, steps: part });
  }
  for (let station = 0; station < stations; station++)
    trace.actor(`x:${station}`, `station:${station}`, { parentId: 'x:root' }, reservationStation);
  for (let agent = 0; agent < agents; agent++)
    for (let key = 0; key < keys; key++)
      trace.actor(`l:${agent}/${key}`, `line:agent-${agent}@00000000/key-${key}`, {}, cacheLine);
  let written = trace.lines.length;
  yield flush();
  let line = 0;
  for (let tag = 0; written < messages; tag++) {
    const session = `x:${tag % stations}`;
    const context = {
      station: tag % stations,
      tag,
      missing: 0,
      holds: 0,
      retries: 0,
      repeats: 0,
      tolerant: false,
      fallback: false,
    };
    if (tag < steps) {
      trace.time += 0.5;
      trace.moves(session, { type: 'ISSUE', tag, missing: 1 }, 'waiting', { ...context, missing: 1 });
      trace.moves(session, { type: 'OPERAND' }, 'ready', context);
      trace.time += 0.2;
      trace.moves(session, { type: 'GRANT_UNIT' }, 'executing', context);
      trace.time += 1 + (tag % 7);
      trace.moves(session, { type: 'DONE' }, 'writing', context);
      trace.event('bus:1', {
        type: 'pulse',
        seq: tag + 1,
        runId: 'large-1',
        tag,
        ...(tag % 5_000 === 4_999 ? { fault: { name: 'Error', message: 'planted' } } : { value: tag }),
      });
      trace.moves(session, { type: 'WRITTEN' }, 'free', context);
    } else trace.time += 0.1;
    for (let more = 0; more < 5; more++) {
      const [agent, key] = [line % agents, Math.floor(line / agents) % keys];
      const state = ['IS', 'S', 'SM', 'M', 'E', 'I'][
        (line * 7 + Math.floor(line / (agents * keys))) % 6
      ] as string;
      trace.moves(`l:${agent}/${key}`, { type: 'SNOOP_GETS' }, state, {
        line, readers: 'wait', copy: true, agent: `agent-${agent}@00000000`, key: `key-${key}`, copyVersion: 1, version: 1, epoch: 1, held: false, queued: 0,
      }); // prettier-ignore
      line++;
    }
    written += trace.lines.length;
    yield flush();
  }
}
