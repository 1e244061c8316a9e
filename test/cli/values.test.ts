/** Claims: an output that JSON cannot say is reported by name and loses no other; names of inputs, results that no step
 *  reads, and files that are no trace are reported before anything runs. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { perform, score, type Report } from 'tutti';
import { jsonText, reportJson, shownText } from '../../src/cli/json.ts';
import { writeOut } from '../../src/cli/out.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'tutti-values-'));
afterAll(() => rmSync(folder, { recursive: true }));
const tutti = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 60_000 });
let files = 0;
const file = (text: string | Buffer, name = 'score.yaml') => {
  const path = join(folder, `${++files}-${name}`);
  writeFileSync(path, text);
  return path;
};

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
const throwing = Object.defineProperty({}, 'x', {
  enumerable: true,
  get() {
    throw new Error('no x');
  },
});
const notJson = fc.oneof(
  fc.bigInt(),
  fc.constantFrom<unknown>(
    NaN,
    Infinity,
    cyclic,
    throwing,
    () => 1,
    Symbol('s'),
    new Map([[1, 2]]),
    new Set([1]),
  ),
  fc.constant([undefined]),
  fc.constant({ toJSON: () => 1n }),
);
const inside = fc.oneof(
  notJson,
  fc.tuple(fc.jsonValue(), notJson).map(([good, bad]) => ({ good, deep: [bad] })),
);
const good = fc.oneof(
  fc.jsonValue().filter((value) => typeof value !== 'string'),
  fc.date({ noInvalidDate: true }),
  fc.constant(undefined),
);
const base = (await perform(score('s').step('a', { agent: () => 1 })).report) as Report;

test('of any outputs, those that are JSON are written, and each of the others is named', async () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 6 });
  const outputs = names.chain((keys) =>
    fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), fc.boolean(), good, inside))),
  );
  await fc.assert(
    fc.asyncProperty(outputs, async (list) => {
      const into = join(folder, `out-${++files}`);
      mkdirSync(into);
      const values = Object.fromEntries(list.map(([key, fine, value, bad]) => [key, fine ? value : bad]));
      const report: Report = { ...base, outputs: values };
      const { files: written, lost } = await writeOut(into, report);
      const json = JSON.parse(JSON.stringify(reportJson(report)));
      for (const [key, fine, value] of list) {
        const plain: unknown = JSON.parse(JSON.stringify(value ?? null));
        expect(written.includes(join(into, `${key}.json`))).toBe(fine);
        expect(lost.some((line) => line.startsWith(`output '${key}' (`))).toBe(!fine);
        expect(Object.hasOwn(json.outputs, key)).toBe(fine);
        if (!fine) continue;
        expect(json.outputs[key]).toEqual(plain);
        expect(JSON.parse(readFileSync(join(into, `${key}.json`), 'utf8'))).toEqual(plain);
      }
      const bad = list.filter(([, fine]) => !fine).map(([key]) => key);
      expect((json.unwritten ?? []).map(({ output }: { output: string }) => output)).toEqual(bad);
      expect(readdirSync(into)).toHaveLength(list.length - bad.length + 2);
      rmSync(into, { recursive: true });
    }),
    { numRuns: 60 },
  );
});

test('any value has a text for a person', () => {
  fc.assert(fc.property(fc.oneof(inside, good, fc.anything()), (value) => shownText(value).length > 0));
});

test('what is not JSON is named with its place', () => {
  expect(jsonText({ a: [{ n: 10n }] })).toEqual({ why: 'a.0.n: bigint is not JSON' });
  expect(jsonText(new Date(0))).toEqual({ text: '"1970-01-01T00:00:00.000Z"' });
  expect(jsonText(new Date(Number.NaN))).toEqual({ text: 'null' });
});

test('two outputs whose names make one file are two files', async () => {
  const into = join(folder, 'twins');
  mkdirSync(into);
  const outputs = { 'a/x.txt': 'one', 'b/X.txt': 'two', 'run.json': 'three' };
  const { files: written, lost } = await writeOut(into, { ...base, outputs } as Report);
  expect(lost).toEqual([]);
  expect(new Set(written).size).toBe(5);
  expect(readFileSync(join(into, 'x.txt'), 'utf8')).toBe('one');
  expect(readFileSync(join(into, 'X-2.txt'), 'utf8')).toBe('two');
});

test('the command writes and prints the other outputs, names the lost one, and exits with 1', () => {
  file('export default () => ({ n: 10n });\n', 'big.mjs');
  const node = JSON.stringify(process.execPath);
  const mixed = file(`score: mixed
agents:
  g: { command: [${node}, -e, 'console.log("good")'] }
  b: { module: ./${files}-big.mjs }
steps: [{ id: good, agent: g }, { id: big, agent: b }]
`);
  const out = join(folder, 'mixed');
  const written = tutti('perform', mixed, '--quiet', '--out', out);
  expect(written.status).toBe(1);
  expect(written.stderr).toContain("could not be written: output 'big' (n: bigint is not JSON)");
  expect(readFileSync(join(out, 'good.txt'), 'utf8').trim()).toBe('good');
  const printed = tutti('perform', mixed, '--json');
  expect([printed.status, JSON.parse(printed.stdout)]).toMatchObject([
    1,
    { outputs: { good: expect.stringContaining('good') }, unwritten: [{ output: 'big' }] },
  ]);
  const shown = tutti('perform', mixed, '--quiet');
  expect([shown.status, shown.stdout.includes('big: { n: 10n }')]).toEqual([0, true]);
});

const echo = `{ command: [${JSON.stringify(process.execPath)}, -e, '0'] }`;
const steps = (list: string, more = '') => file(`score: s\n${more}agents: { a: ${echo} }\nsteps: ${list}\n`);

test('check warns of a result that is overwritten before any step reads it, and of no other', () => {
  const warnings = (list: string, more?: string) => {
    const { status, stderr } = tutti('check', steps(list, more));
    expect(status).toBe(0);
    return stderr.trim();
  };
  const twice = '{ id: first, agent: a, writes: x }, { id: second, agent: a, writes: x';
  expect(warnings(`[${twice} }]`)).toBe(
    "warning: no step reads what 'first' writes: 'second' writes 'x' again.",
  );
  expect(warnings(`[${twice}, after: [x] }]`)).toContain("no step reads what 'first' writes");
  expect(warnings(`[${twice}, reads: { x: x } }]`)).toBe('');
  expect(warnings(`[${twice}, reads: { x: [x.text] } }]`)).toBe('');
  expect(warnings('[{ id: first, agent: a }, { id: second, agent: a }]')).toBe('');
});

test('an input that the score does not know is refused, or warned of, with the nearest name', () => {
  const reads = '[{ id: x, agent: a, reads: { t: input.topic } }]';
  const closed = steps(
    reads,
    'input: { type: object, properties: { topic: { type: string } }, additionalProperties: false }\n',
  );
  const refused = tutti('perform', closed, '--input', 'topik=1');
  expect([refused.status, refused.stderr]).toEqual([
    2,
    expect.stringContaining(
      "--input topik: the score has no such input; it has topic. Did you mean 'topic'?",
    ),
  ]);
  for (const open of [steps(reads), steps(reads, 'input: { type: object, properties: { topic: {} } }\n')]) {
    const warned = tutti('perform', open, '--input', 'topic=1', '--input', 'topik=1');
    expect([warned.status, warned.stderr]).toEqual([
      0,
      expect.stringContaining(
        "--input topik: nothing in the score reads this; it has topic. Did you mean 'topic'?",
      ),
    ]);
  }
  const whole = tutti('perform', steps('[{ id: x, agent: a, reads: { t: input } }]'), '--input', 'any=1');
  expect([whole.status, whole.stderr]).toEqual([0, expect.not.stringContaining('reads this')]);
});

test.each([
  ['an empty file', '', /is empty/],
  ['a text', '# Hello\n\nNo trace at all.\n', /is neither a trace nor a counter-example/],
  ['other JSON', '{"name":"x"}\n', /is neither a trace nor a counter-example/],
  ['bytes', Buffer.from([0, 255, 254, 10, 0, 200]), /is neither a trace nor a counter-example/],
])('view refuses %s with exit code 2 and serves nothing', (_, text, said) => {
  const { status, stdout, stderr } = tutti('view', file(text, 'x.jsonl'));
  expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(said)]);
});

test.each([
  ['perform', []],
  ['check', []],
  ['simulate', []],
  ['train-router', ['--out', '/dev/null']],
  ['evaluate-router', []],
])(
  '%s explains a folder, an empty file, a binary file and a missing one, with exit code 2',
  (command, more) => {
    const given = [
      folder,
      file(''),
      file(Buffer.from([0, 159, 146, 150])),
      join(folder, 'no', 'such', 'file'),
    ];
    for (const path of given) {
      const { status, stdout, stderr } = tutti(command, path, ...more);
      expect([status, stdout], stderr).toEqual([2, '']);
      expect(stderr).toMatch(new RegExp(`^tutti: .*${path.slice(-12)}`, 'm'));
      expect(stderr).not.toMatch(/\n\s+at |not expected/);
    }
  },
);

test('check warns of results that nothing reads, holds that no person can answer, and what can never run', () => {
  const warnings = (list: string, more?: string) => {
    const { status, stderr } = tutti('check', steps(list, more));
    expect(status).toBe(0);
    return stderr.trim().split('\n');
  };
  const outputs = 'outputs: [last]\n';
  expect(warnings('[{ id: lost, agent: a }, { id: sent, agent: a, effects: external }, { id: last, agent: a }]', outputs)).toEqual([
    "warning: no step and no output reads what 'lost' writes; name it in outputs, or say effects: external.",
  ]); // prettier-ignore
  const hold = (more: string, rest = '') => `[{ id: ask, agent: a, fermata: { timeout: 0${more} }${rest} }, { id: last, agent: a, reads: { x: ask } }]`; // prettier-ignore
  expect(warnings(hold(''))).toEqual([
    "warning: no person can answer the fermata of 'ask': its time is over at once. Raise its timeout, or say onTimeout: resume.",
    "warning: 'last' can never run: it waits for 'ask', which never has a result.",
  ]);
  expect(warnings(hold('', ', default: 1'))).toHaveLength(1);
  expect(warnings(hold(', onTimeout: resume'))).toEqual(['']);
  expect(warnings(hold('', ', tacet: true'))).toEqual([
    "warning: no person can answer the fermata of 'ask': the step is silent, so it is never held.",
  ]);
});

test('check shows hedges and joins, and warns of a second attempt that is never started', () => {
  const late = '{ id: a, agent: a, effects: none, hedge: { after: 2 }, timeout: 1 }';
  const { status, stdout, stderr } = tutti(
    'check',
    steps(
      `[${late}, { id: b, agent: a }, { id: last, agent: a, join: { quorum: 1 }, reads: { x: [a, b] } }]`,
    ),
  );
  expect(status).toBe(0);
  expect(stdout).toContain('a (a) → a#1  a second attempt after 2 s');
  expect(stdout).toContain('last (a) → last#1  reads a#1, b#1  any 1 of its reads');
  expect(stderr.trim()).toBe(
    "warning: the hedge of 'a' never starts a second attempt: its timeout ends the first before. Lower hedge.after.",
  );
  const refused = tutti(
    'check',
    steps('[{ id: a, agent: a }, { id: b, agent: a, join: { quorum: 2 }, reads: { x: a } }]'),
  );
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('is 2, and the step reads 1; lower it, or read more names.');
});
