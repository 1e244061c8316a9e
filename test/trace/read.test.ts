/** Claims: from any file, everything readable is read, and the rest is noted with its line. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readTrace, type TraceLine } from '../../src/trace/index.ts';
import { checkMessage, LONGEST_LINE, TraceLines } from '../../src/trace/read.ts';
import { tracedReview } from './helpers.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
async function read(text: string, size = 1 << 16): Promise<TraceLine[]> {
  const whole = bytes(text);
  const chunks = (async function* () {
    for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
  })();
  const found: TraceLine[] = [];
  for await (const line of readTrace(chunks)) found.push(line);
  return found;
}
const event = JSON.stringify({ type: '@xstate.event', sessionId: 'a', event: { type: 'GO' } });
const notes = (found: readonly TraceLine[]) =>
  found.flatMap(({ line, note }) => (note === undefined ? [] : [`${line}: ${note}`]));

test('what was written is what is read, without a note', async () => {
  const { messages, text } = await tracedReview();
  const found = await read(text);
  expect(notes(found)).toEqual([]);
  expect(found.map(({ message }) => message)).toEqual(messages);
  const whole = bytes(text);
  const { offset, length } = found[7]!;
  expect(JSON.parse(new TextDecoder().decode(whole.subarray(offset, offset + length)))).toEqual(messages[7]);
});

test('a truncated trace is read up to where it was cut, wherever that is', async () => {
  const { messages, text } = await tracedReview();
  for (const cut of [1, 100, text.length >> 1, text.length - 2]) {
    const found = await read(text.slice(0, cut));
    const whole = text.slice(0, cut).split('\n').length - 1;
    expect(found.slice(0, whole).map(({ message }) => message)).toEqual(messages.slice(0, whole));
    expect(notes(found)).toEqual([`${whole + 1}: is cut off: the trace ends within a message`]);
  }
});

test('lines that are not JSON, not a message, or empty do not end it', async () => {
  const text = `${event}\nnot json\n\n[1]\n{"type":"@xstate.weird","sessionId":"a"}\n{"type":"@xstate.event"}\n{"type":"@xstate.snapshot","sessionId":"a"}\r\n${event}\r\n${event}`;
  const found = await read(text);
  expect(found.filter(({ message }) => message !== undefined).map(({ line }) => line)).toEqual([1, 8, 9]);
  expect(notes(found)).toEqual([
    '2: is not JSON; it is left out',
    '4: is not an object; it is left out',
    '5: is of an unknown type, "@xstate.weird"; it is left out',
    '6: names no sessionId; it is left out',
    '7: has no snapshot; it is left out',
  ]);
});

test('another version is read, and noted; so is a definition that is not a machine', async () => {
  const { text } = await tracedReview();
  const [found] = await read(text.replace('"version":1', '"version":7'));
  expect(found).toMatchObject({ line: 1, message: {}, note: expect.stringContaining('version 7') });
  const actor = { type: '@xstate.actor', sessionId: 'a', snapshot: {}, definition: '[1]' };
  expect(checkMessage(actor)).toMatchObject({
    message: actor,
    note: expect.stringContaining('not a machine'),
  });
  expect(checkMessage({ ...actor, definition: '{"id":"x"}' })).not.toHaveProperty('note');
});

test('a line beyond the limit is left out without being kept', () => {
  const lines = new TraceLines();
  const found: TraceLine[] = [];
  const piece = new Uint8Array(1 << 20).fill(120);
  for (let size = 0; size <= LONGEST_LINE; size += piece.length) found.push(...lines.add(piece));
  found.push(...lines.add(bytes(`\n${event}\n`)), ...lines.end());
  expect(notes(found)).toEqual(['1: is longer than 8 MB; it is left out']);
  expect(found[1]).toMatchObject({ line: 2, message: JSON.parse(event) });
});

test('how the bytes come makes no difference', async () => {
  const text = `${event}\n{"type":"@xstate.event","sessionId":"ä€😀","event":{"type":"é"}}\nbad\n${event}`;
  const expected = await read(text);
  const whole = bytes(text);
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
      const lines = new TraceLines();
      const found: TraceLine[] = [];
      let from = 0;
      const buffer = new Uint8Array(whole.length); // the giver uses its buffer again
      for (const to of [...cuts.sort((a, b) => a - b), whole.length]) {
        buffer.set(whole.subarray(from, to));
        found.push(...lines.add(buffer.subarray(0, to - from)));
        from = to;
      }
      found.push(...lines.end());
      expect(found).toEqual(expected);
    }),
  );
});
