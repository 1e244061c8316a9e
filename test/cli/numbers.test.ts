/** Claims about options that take a number: one parser reads all of them, and it refuses what is out of range. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { number, CommandLineError } from '../../src/cli/usage.ts';

const whole = number('--n', { from: 1, to: 100 });
const share = number('--p', { from: 0, to: 1, whole: false });
const positive = number('--s', { above: 0, to: 10, whole: false, unit: 'seconds' });
const units = number('--units', { from: 1, to: 100, words: { inf: Infinity } });

test('every whole number of the range is read, and no other', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1_000, max: 1_000 }), (n) => {
      if (n >= 1 && n <= 100) expect(whole(String(n))).toBe(n);
      else expect(() => whole(String(n))).toThrow(CommandLineError);
    }),
  );
});

test('a fraction is read where fractions are allowed, and refused where whole numbers are', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (p) => {
      expect(share(String(p))).toBe(p);
      if (!Number.isInteger(p)) expect(() => whole(String(p))).toThrow(CommandLineError);
    }),
  );
});

test('any other text is refused, with the option and the range', () => {
  const numberLike = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const text = fc.oneof(
    fc.string().filter((given) => !numberLike.test(given)),
    fc.constantFrom(
      '',
      ' ',
      '5 ',
      ' 5',
      'NaN',
      'Infinity',
      '-Infinity',
      '0x10',
      '0b1',
      '1_000',
      '1,5',
      '٣',
      'inf',
    ),
  );
  fc.assert(
    fc.property(text, (given) => {
      expect(() => whole(given)).toThrow(`--n takes a whole number from 1 to 100; not '${given}'.`);
      expect(() => share(given)).toThrow(`--p takes a number from 0 to 1; not '${given}'.`);
    }),
  );
});

test('a limit that is excluded is refused, and what is above it is read', () => {
  expect(() => positive('0')).toThrow("--s takes seconds more than 0 and at most 10; not '0'.");
  expect([positive('.5'), positive('1e1')]).toEqual([0.5, 10]);
});

test('a word stands for its number', () => {
  expect([units('inf'), units('7')]).toEqual([Infinity, 7]);
  expect(() => units('infinite')).toThrow(
    "--units takes a whole number from 1 to 100, or inf; not 'infinite'.",
  );
  expect(() => units('constructor')).toThrow(CommandLineError);
});
