/** Vitest for tests that are run more than once: `test` and `describe` keep what they are given. */
import { expect, vi } from '../../node_modules/vitest/dist/index.js';

export { expect, vi };

type Work = (...args: unknown[]) => unknown;
export interface CollectedTest {
  readonly id: string;
  readonly run: () => unknown;
}
export const collected: CollectedTest[] = [];
const ids = new Map<string, number>();
let around: readonly string[] = [];

export function inFile(name: string): void {
  around = [name];
}

const workOf = (given: readonly unknown[]): Work => given.find((one) => typeof one === 'function') as Work;

/** A title with its arguments, as `test.each` fills it in; only unique among its like. */
const titleOf = (title: string, args: readonly unknown[], place: number): string => {
  let next = 0;
  const filled = title.replace(/%[sdifjop]/g, () => String(args[next++]));
  return `${filled} [${place}]`;
};
const each =
  (add: (title: string, work: Work) => void) =>
  (rows: readonly unknown[]) =>
  (title: string, ...given: unknown[]): void =>
    rows.forEach((row, place) => {
      const args = Array.isArray(row) ? row : [row];
      add(titleOf(title, args, place), () => workOf(given)(...args));
    });

const addTest = (title: string, run: () => unknown): void => {
  const name = [...around, title].join(' > ');
  const before = ids.get(name) ?? 0;
  ids.set(name, before + 1);
  collected.push({ id: before === 0 ? name : `${name} (${before})`, run });
};
const addSuite = (title: string, work: () => unknown): void => {
  const outer = around;
  around = [...outer, title];
  work();
  around = outer;
};

const test = Object.assign((title: string, ...given: unknown[]) => addTest(title, () => workOf(given)()), { each: each(addTest) }); // prettier-ignore
export { test, test as it };
export const describe = Object.assign(addSuite, { each: each(addSuite) });
/** What is checked after all tests of a file compares them with each other, which tests of one mutant cannot. */
export const afterAll = (): void => {};
