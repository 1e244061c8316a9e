import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRouter, readOutcomes, saveRouter, trainRouter } from '../../src/routing/index.ts';
import { formatRouter, parseRouter } from '../../src/routing/router-file.ts';
import { parseOutcomes } from '../../src/routing/training/training-file.ts';
import { RoutingDataError } from '../../src/routing/errors.ts';
import { madeUp } from './routing.outcomes.ts';

const good = { prompt: 'add 2 and 3', weak: 0, strong: 1 };

/** The error that something throws. */
function refusal(act: () => unknown): RoutingDataError {
  try {
    act();
  } catch (error) {
    if (error instanceof RoutingDataError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('Routing: outcomes as text', () => {
  it('may be an object with rows, an array, or JSON lines', () => {
    const rows = [good, { ...good, prompt: 'two' }];
    const lines = rows.map((row) => JSON.stringify(row)).join('\n');
    for (const text of [
      JSON.stringify({ source: 'x', rows }),
      JSON.stringify(rows, undefined, 2),
      lines,
      `\uFEFF${lines.replace('\n', '\r\n\r\n')}\n`,
    ]) {
      expect(parseOutcomes(text)).toEqual(rows);
    }
    expect(parseOutcomes(JSON.stringify(good))).toEqual([good]);
  });
  it('may have qualities as truth values and shares; other columns are let be', () => {
    expect(parseOutcomes(JSON.stringify([{ ...good, weak: false, strong: 0.5, domain: 'law' }]))).toEqual([
      { prompt: good.prompt, weak: 0, strong: 0.5 },
    ]);
  });
  it.each([
    ['prompt', { ...good, prompt: undefined }, 'nothing is no task'],
    ['prompt', { ...good, prompt: '  ' }, 'is no task'],
    ['prompt', { ...good, prompt: 7 }, '7 is no task'],
    ['weak', { ...good, weak: undefined }, 'nothing is not a number from 0 to 1'],
    ['weak', { ...good, weak: 'yes' }, '"yes" is not a number from 0 to 1'],
    ['strong', { ...good, strong: 1.5 }, '1.5 is not a number from 0 to 1'],
    ['strong', { ...good, strong: null }, 'null is not'],
    [undefined, 'text', '"text" is not an object'],
    [undefined, [1], '[1] is not an object'],
  ])('names the row and the column %s of a broken row', (column, broken, problem) => {
    const rows = [good, good, broken, good];
    const error = refusal(() => parseOutcomes(JSON.stringify({ rows }), 'data.json'));
    expect(error).toMatchObject({ source: 'data.json', row: 3, column });
    expect(error.message).toContain(
      `data.json, row 3${column === undefined ? '' : `, column '${column}'`}: `,
    );
    expect(error.problem).toContain(problem);
    expect(error.remedy).not.toBe('');
    if (!Array.isArray(broken)) {
      const lines = rows.map((row) => JSON.stringify(row)).join('\n');
      expect(refusal(() => parseOutcomes(lines))).toMatchObject({ row: 3, column });
    }
  });
  it('names the line of JSON lines that is not JSON', () => {
    const error = refusal(() => parseOutcomes(`${JSON.stringify(good)}\n\n{"prompt": "cut of`, 'data.jsonl'));
    expect(error).toMatchObject({ row: 3 });
    expect(error.message).toContain('data.jsonl, row 3: it is not JSON');
  });
  it.each(['', '  \n', 'hello', '[{"prompt": "x",', '{}', '{"rows": 3}', '[]', '{"rows": []}', '42', 'null'])(
    'refuses %j, and shows the shape',
    (text) => {
      expect(refusal(() => parseOutcomes(text)).remedy).toContain('{"rows": [{"prompt"');
    },
  );
  it('throws nothing else, for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseOutcomes(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RoutingDataError);
        }
      }),
    );
  });
});

describe('Routing: a router as text', () => {
  const router = trainRouter(madeUp(120));
  router.learn('prove a theorem about tea', 'accepted');
  const file = formatRouter(router);
  const changed = (change: (json: Record<string, object>) => void) => {
    const json = JSON.parse(file) as Record<string, object>;
    change(json);
    return JSON.stringify(json);
  };

  it('comes back with equal estimates, also after more verdicts', () => {
    const back = parseRouter(file);
    expect(back.state).toEqual(router.state);
    expect(formatRouter(back)).toBe(file);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (task) => {
        expect(back.estimate(task)).toBe(router.estimate(task));
      }),
    );
  });
  it('is small', () => {
    expect(file.length).toBeLessThan(100_000);
  });
  it.each<[string, string, string]>([
    ['what is not JSON', '{', 'it is not JSON'],
    ['another file', '{"rows": []}', "no format 'tutti-router'"],
    ['a later version', changed((json) => Object.assign(json, { version: 2 })), 'version 2 of a router'],
    ['an unknown key', changed((json) => Object.assign(json, { extra: 1 })), 'unknown field extra'],
    ['a missing key', changed((json) => delete json['bias']), "column 'bias'"],
    [
      'a missing feature',
      changed((json) => Reflect.deleteProperty(json['features']!, 'length')),
      "column 'features.length'",
    ],
    [
      'an unknown feature',
      changed((json) => Object.assign(json['features']!, { wit: 1 })),
      'unknown field wit',
    ],
    [
      'a weight that is no number',
      changed((json) => Object.assign(json['spelling']!, { th: 'x' })),
      "column 'spelling.th'",
    ],
    [
      'an unknown spelling',
      changed((json) => Object.assign(json['spelling']!, { abc: 1 })),
      '"abc" is no spelling',
    ],
    [
      'marks that fall',
      changed((json) => Object.assign(json, { twentieths: (json['twentieths'] as number[]).toReversed() })),
      'each must be greater than the last',
    ],
  ])('refuses %s', (_, text, message) => {
    expect(refusal(() => parseRouter(text, 'router.json')).message).toContain(message);
  });
});

describe('Routing: files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tutti-routing-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('go out and come back', async () => {
    const [data, out] = [join(folder, 'data.json'), join(folder, 'router.json')];
    await writeFile(data, JSON.stringify({ rows: madeUp(60) }));
    const router = trainRouter(await readOutcomes(data));
    await saveRouter(out, router);
    await saveRouter(out, router); // over the one before
    expect((await loadRouter(out)).state).toEqual(router.state);
    expect((await readdir(folder)).toSorted()).toEqual(['data.json', 'router.json']);
  });
  it('that are missing or cannot be written are named, and nothing is left behind', async () => {
    const missing = join(folder, 'missing.json');
    await expect(readOutcomes(missing)).rejects.toMatchObject({
      source: missing,
      problem: 'cannot be read (ENOENT)',
    });
    await expect(loadRouter(folder)).rejects.toMatchObject({ problem: 'cannot be read (EISDIR)' });
    const router = trainRouter(madeUp(60));
    await expect(saveRouter(join(missing, 'x.json'), router)).rejects.toBeInstanceOf(RoutingDataError);
    await expect(saveRouter(folder, router)).rejects.toBeInstanceOf(RoutingDataError);
    expect(
      (await readdir(dirname(folder))).filter((name) => name.startsWith(`${basename(folder)}.`)),
    ).toEqual([]);
    expect(await readFile(join(folder, 'router.json'), 'utf8')).toContain('"tutti-router"');
  });
});
