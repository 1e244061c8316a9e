/** Claims: JSON that a model wrapped in a fence or in prose is taken out of it, once, where it is clear which JSON is meant; and `repairText` lets the caller repair an answer. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { modelCall } from '../../src/models/model-call.ts';
import type { RepairText } from '../../src/models/repair.ts';
import { scriptedModel } from '../../src/testing/index.ts';
import { stepContext } from './helpers.ts';

const outputSchema = z.object({ ok: z.boolean(), n: z.number(), note: z.string() });
type Output = z.infer<typeof outputSchema>;

async function answered(text: string, repairText?: RepairText) {
  const model = scriptedModel({ script: [text] });
  const call = modelCall<object, Output>({ prompt: 'x', outputSchema, repairText });
  const ended = await call({}, stepContext().context, { model }).then(
    ({ output }) => ({ output, failure: undefined }),
    (error: unknown) => ({ output: undefined, failure: (error as { failure?: string }).failure }),
  );
  expect(model.calls).toHaveLength(1);
  return ended;
}

const value = fc.record({
  ok: fc.boolean(),
  n: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
  // Brackets, quotes and fences in texts must not end the JSON.
  note: fc.oneof(fc.string(), fc.constantFrom('}', '{"ok":', '"]', '```', '\\"}')),
});
/** Prose without quotes, since a quote before a bracket is a part of no JSON, and with brackets that are none. */
const prose = fc
  .array(fc.constantFrom('Here', ' is', ' it', ':', '\n', ' [1]', ' {x}', ' {', ' [', ' }', ' ]', ' {"other":1}'), { maxLength: 6 })
  .map((words) => words.join('')); // prettier-ignore
const fence = fc.constantFrom(
  (json: string) => json,
  (json: string) => `\`\`\`json\n${json}\n\`\`\``,
  (json: string) => `\`\`\`\n${json}\n\`\`\``,
  (json: string) => `\`\`\`JSON ${json}\`\`\``,
);
const indent = fc.constantFrom(undefined, 2);

test('the one JSON that fits is the answer, with any text around it', async () => {
  await fc.assert(
    fc.asyncProperty(value, prose, fence, indent, prose, async (wanted, before, fenced, spaces, after) => {
      // A bracket that is open in the prose may take the JSON in, as a part of something that is no JSON.
      const text = `${before} \n${fenced(JSON.stringify(wanted, null, spaces))}\n ${after}`;
      expect(await answered(text)).toEqual({ output: wanted, failure: undefined });
    }),
    { numRuns: 200 },
  );
});

test('an answer inside an array of one is the answer', async () => {
  const wanted = { ok: false, n: 0, note: '}' };
  expect((await answered(`[ ${JSON.stringify(wanted)} ]`)).output).toEqual(wanted);
  expect((await answered(`[[\n${JSON.stringify(wanted)}\n]]`)).output).toEqual(wanted);
});

test('where two different pieces fit, the answer is refused; the same one twice is one', async () => {
  const [three, four] = [3, 4].map((n) => JSON.stringify({ ok: true, n, note: '' }));
  expect(await answered(`First ${three}, no: ${four}`)).toEqual({ output: undefined, failure: 'output' });
  expect((await answered(`It is ${three}, so:\n\`\`\`json\n${three}\n\`\`\``)).output).toMatchObject({
    n: 3,
  });
});

test.each([
  '',
  'no JSON at all',
  '{"ok":true',
  '```json\n{"ok":true,"n":"3","note":""}\n```',
  '['.repeat(20_000),
])('an answer without JSON that fits is refused', async (text) => {
  expect(await answered(text)).toEqual({ output: undefined, failure: 'output' });
});

test('a repair of the caller is asked once, with the text and what is wrong, and instead of the own one', async () => {
  const asked: [string, string][] = [];
  const repair =
    (repaired: string | null): RepairText =>
    ({ text, error }) => {
      asked.push([text, error.name]);
      return repaired;
    };
  const wanted = { ok: true, n: 1, note: 'mended' };
  expect((await answered('oops', repair(JSON.stringify(wanted)))).output).toEqual(wanted);
  expect(
    (await answered('{"ok":1}', async (options) => repair(JSON.stringify(wanted))(options))).output,
  ).toEqual(wanted);
  expect((await answered(`oops ${JSON.stringify(wanted)}`, repair(null))).failure).toBe('output');
  expect((await answered('oops', repair('still wrong'))).failure).toBe('output');
  expect(asked.map(([text]) => text)).toEqual(['oops', '{"ok":1}', `oops ${JSON.stringify(wanted)}`, 'oops']);
  expect(asked.map(([, name]) => name).slice(0, 2)).toEqual(['AI_JSONParseError', 'AI_TypeValidationError']);
  expect((await answered(JSON.stringify(wanted), repair(null))).output).toEqual(wanted);
  expect(asked).toHaveLength(4); // an answer that fits needs no repair
});
