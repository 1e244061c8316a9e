/** Claim: the examples in the instruments' docstrings run, and what is written after `//` comes out. */
import { readFileSync } from 'node:fs';
import * as machines from 'tutti/machines';
import * as specs from 'tutti/specs';
import { describe, expect, test } from 'vitest';
import * as xstate from 'xstate';
import { plainText } from '../../specs/harness/plain.ts';

const FILES = [
  'cells',
  'sut',
  'explore',
  'mermaid',
  'occurred',
  'paths',
  'plain',
  'property-test',
  'system',
  'temporal',
  'transcript',
];
const scope = { ...xstate, ...machines, ...specs, plainText };

const examples = FILES.flatMap((file) => {
  const text = readFileSync(`specs/harness/${file}.ts`, 'utf8');
  return [...text.matchAll(/^ \*  ```ts\n([\s\S]*?)^ \*  ```/gm)].map(([, code], i) => ({
    name: `${file} ${i + 1}`,
    code: code!.replaceAll(/^ \*  ?/gm, ''),
  }));
});

/** `expression; // value` becomes a comparison. */
const compared = (code: string): string =>
  code.replaceAll(
    /^(?!const |\/\/|\s)(.+); \/\/ (.+)$/gm,
    (_, expression, value) => `compare(${expression}, ${value});`,
  );

describe('the example of', () => {
  test.each(examples)('$name', async ({ code }) => {
    const runnable = compared(code);
    expect(runnable).toContain('compare(');
    let comparisons = 0;
    const compare = (actual: unknown, expected: unknown) => {
      comparisons++;
      expect(actual).toEqual(expected);
    };
    const names = Object.keys(scope);
    const run = new Function('compare', ...names, `return (async () => {\n${runnable}\n})();`);
    await run(compare, ...names.map((name) => (scope as Record<string, unknown>)[name]));
    expect(comparisons).toBe(runnable.split('compare(').length - 1);
  });
  test('every instrument is there', () => {
    expect(new Set(examples.map(({ name }) => name.split(' ')[0]))).toEqual(new Set(FILES));
  });
});
