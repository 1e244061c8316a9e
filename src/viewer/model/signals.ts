/** Signals of a bus as messages of a sequence diagram. */
import type { MessageRow } from './bus.ts';
import { resultTag } from './score.ts';
import { isObject, numberOf, textOf, type ParsedObject } from './message.ts';
import type { Runs } from './runs.ts';
import type { Shared } from './shared.ts';

/** The sender or target of a signal that names none. */
const WHOLE_BUS = 'bus';

/** A signal that names several keys is about each of them. */
export function signalMessages(event: ParsedObject, row: number, runs: Runs, shared: Shared): MessageRow[] {
  const type = textOf(event['type']) ?? 'signal';
  if (type === 'pulse') return [pulse(event, row, runs)];
  const from = shared.agentName(textOf(event['source']) ?? WHOLE_BUS);
  const targets = Array.isArray(event['targets']) ? event['targets'].map(String) : [];
  const to = targets.length === 0 ? WHOLE_BUS : targets.slice(0, 3).join(', ');
  const { coherence } = event;
  if (isObject(coherence)) {
    const keys = Array.isArray(coherence['keys']) ? coherence['keys'].map(String) : [];
    const after = Array.isArray(coherence['after']) ? coherence['after'] : [];
    return keys.map((key, index) => ({
      row,
      from,
      to,
      text: `${String(coherence['op'])} ${key}${outcome(after[index], shared)}`,
      about: key,
    }));
  }
  const key = textOf(event['key']);
  const intent = textOf(event['intent']);
  const text = [type, intent, key].filter((part) => part !== undefined).join(' ');
  return [{ row, from, to, text, about: key ?? '' }];
}

function pulse(event: ParsedObject, row: number, runs: Runs): MessageRow {
  const tag = event['tag'];
  const number = numberOf(tag);
  const step = number === undefined ? undefined : runs.step(textOf(event['runId']) ?? runs.current, number);
  const name = step === undefined ? String(tag) : resultTag(step);
  // The agent and not the step: of steps there are thousands, and the tag names them.
  const from = step === undefined ? WHOLE_BUS : step.agent || step.id;
  const { fault, value } = event;
  const said = isObject(fault)
    ? `fault: ${textOf(fault['message']) ?? ''}`
    : value === undefined
      ? ''
      : shown(value);
  return {
    row,
    from,
    to: WHOLE_BUS,
    text: said === '' ? name : `${name}: ${said}`.slice(0, 120),
    about: name,
  };
}
const shown = (value: unknown): string =>
  isObject(value) && '$digest' in value
    ? `${String(value['$type'])} of ${String(value['$size'])}`
    : (JSON.stringify(value) ?? '').slice(0, 60);

/** Memory's state after an entry: the owner of the key, and its version. */
function outcome(after: unknown, shared: Shared): string {
  if (!isObject(after)) return '';
  const owner = textOf(after['owner']);
  const queued = numberOf(after['queued']) ?? 0;
  return `: v${String(after['version'])}${owner === undefined ? '' : `, ${shared.agentName(owner)}${after['held'] === true ? ' holds' : ''}`}${queued > 0 ? `, ${queued} wait` : ''}`;
}
