/** The meaning of tutti's messages: steps, lines, operating points, signals. Other messages are events between actors.
 *
 *  Source: docs/guides/trace-format.md. Nothing is trusted to be there: a field that is missing leaves its part out. */
import { TRACE_SESSION } from '../../trace/format.ts';
import type { MessageTable } from './bus.ts';
import type { Governors } from './governors.ts';
import { isObject, numberOf, textOf, type ParsedObject } from './message.ts';
import type { NoteList } from './notes.ts';
import { Runs } from './runs.ts';
import type { ViewedScore } from './score.ts';
import type { Shared } from './shared.ts';
import { signalMessages } from './signals.ts';
import { ACTOR, EVENT, SNAPSHOT, type ActorRow, type Interpreter, type LoadedTrace } from './trace.ts';

export interface Parts {
  readonly score: ViewedScore;
  readonly shared: Shared;
  readonly governors: Governors;
  readonly bus: MessageTable;
  readonly notes: NoteList;
  readonly about: string[];
}

/** @returns the function to call for every message that a trace takes in. */
export function interpreter(parts: Parts, traceOf: () => LoadedTrace): Interpreter {
  const { score, shared, governors, bus, about } = parts;
  const runs = new Runs(score);
  /** The state in which a line was before. */
  const lineStates: string[] = [];

  const ofRun = (trace: LoadedTrace, event: ParsedObject, row: number): void => {
    switch (event['type']) {
      case 'tutti.run':
        runs.begin(textOf(event['runId']) ?? '');
        about.push(
          `Run ${String(event['runId'])} of ${String(event['score'])}, ${limitText(event['steps'])} steps.`,
        );
        break;
      case 'tutti.program':
        runs.program(event);
        break;
      case 'tutti.usage':
        governors.spend(row, trace.time(row), {
          calls: 1,
          inputTokens: numberOf(event['inputTokens']) ?? 0,
          outputTokens: numberOf(event['outputTokens']) ?? 0,
          cost: numberOf(event['usd']) ?? 0,
        });
        break;
      case 'tutti.ended':
        if (event['status'] === 'failed') trace.fault(row);
        about.push(`It ended ${String(event['status'])}.`);
        break;
    }
  };

  const ofLine = (trace: LoadedTrace, row: number, actor: ActorRow, context: ParsedObject): void => {
    const [agent, key] = [textOf(context['agent']), textOf(context['key'])];
    if (agent === undefined || key === undefined) return;
    shared.add(shared.agentName(agent), key, actor);
    const [before, now] = [lineStates[actor.index] ?? 'I', trace.value(row)];
    lineStates[actor.index] = now;
    const type = trace.type(row);
    // The effect of the bus on this line: a change of its state, or a refusal.
    if (!/^(SNOOP_|GRANT_|ACCEPTED|REFUSED|RECLAIMED)/.test(type) || (before === now && type !== 'REFUSED'))
      return;
    bus.add({
      row,
      from: 'memory',
      to: shared.agentName(agent),
      text: `${type}: ${before} → ${now}`,
      about: key,
      effect: true,
    });
    if (type === 'RECLAIMED' && before === 'M') trace.fault(row);
  };

  return (message, row, actor) => {
    const trace = traceOf();
    const kind = trace.kind(row);
    const event = isObject(message['event']) ? message['event'] : undefined;
    if (actor.session === TRACE_SESSION) return ofTrace(parts, trace, message, row);
    if (kind === EVENT && event !== undefined) {
      if (actor.session.startsWith('run:')) return ofRun(trace, event, row);
      if (actor.session.startsWith('bus:')) {
        for (const said of signalMessages(event, row, runs, shared)) bus.add(said);
        return runs.pulse(event, trace.time(row), row);
      }
      const sender = trace.sender(row);
      // XState records the start and the stop of an actor separately.
      if (sender !== undefined && !/^xstate\.(init|stop)$/.test(trace.type(row)))
        bus.add({ row, from: sender.name, to: actor.name, text: trace.type(row), about: '' });
      return undefined;
    }
    if (kind !== SNAPSHOT && kind !== ACTOR) return undefined;
    const snapshot = isObject(message['snapshot']) ? message['snapshot'] : {};
    const context = isObject(snapshot['context']) ? snapshot['context'] : undefined;
    if (context === undefined) return undefined;
    const { name } = actor;
    if (name.startsWith('line:')) return ofLine(trace, row, actor, context);
    if (name.startsWith('station:')) {
      const run = actor.parent === undefined ? '' : (trace.find(actor.parent)?.name ?? '');
      return runs.station(
        actor,
        run,
        trace.value(row),
        trace.type(row),
        numberOf(context['tag']) ?? -1,
        trace.time(row),
        row,
      );
    }
    const { point } = context;
    if (name.startsWith('governor:') && isObject(point))
      governors.point(name.slice('governor:'.length), {
        row, time: trace.time(row), tempo: String(point['tempo']), dynamics: String(point['dynamics']), policy: trace.value(row),
      }); // prettier-ignore
    return undefined;
  };
}

/** What a trace says of itself: its format, its limits, what it left out. */
function ofTrace({ notes, about }: Parts, trace: LoadedTrace, message: ParsedObject, row: number): void {
  const event = isObject(message['event']) ? message['event'] : {};
  const { line } = trace.place(row);
  if (event['type'] === 'tutti.leftOut')
    notes.add(
      line,
      `is where ${'messages' in event ? `${limitText(event['messages'])} messages` : `${limitText(event['characters'])} characters`} are missing: ${WHY[String(event['why'])] ?? 'left out'}`,
    );
  const context = isObject(message['snapshot']) ? message['snapshot']['context'] : undefined;
  if (!isObject(context)) return;
  if (context['format'] === 'tutti.trace') {
    const limits = isObject(context['limits']) ? context['limits'] : {};
    about.push(`Format version ${String(context['version'])}, ${String(context['clock'])} clock.`);
    about.push(
      `Its writer kept at most ${limitText(limits['messages'])} messages and ${limitText(limits['actors'])} actors; larger values stand as digests.`,
    );
  }
  if (!isObject(context['leftOut'])) return;
  const left = Object.entries(context['leftOut']).filter(([, count]) => count !== 0);
  about.push(
    `Its writer left out ${left.length === 0 ? 'nothing' : left.map(([why, count]) => `${limitText(count)} messages (${WHY[why] ?? why})`).join(', ')}.`,
  );
}

const WHY: Readonly<Record<string, string>> = {
  sampled: 'of steps that were not sampled',
  slow: 'the writer of the trace could not keep up',
  history: 'they came before this page was opened, and are no longer kept',
  actors: 'of actors beyond the limit',
};
const limitText = (value: unknown): string =>
  typeof value === 'number' ? value.toLocaleString('en') : String(value);
