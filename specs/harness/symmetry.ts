/** Names that are interchangeable, and a check that they are.
 *
 *  Where three agents run the same machine, a situation in which the first has the lock is as good as one in which the
 *  second has it. Exploring one of them is enough; of n agents, up to n! situations become one. (Clarke, Enders,
 *  Filkorn & Jha 1996; Ip & Dill 1996.) It is sound only if the names really are interchangeable. */
import type { Model } from './explorable.ts';
import { renamed, plainText } from './plain.ts';

const MOST = 5_040;

export type Rename = (name: string) => string;

/** Groups of interchangeable names. A name in a dotted name (`out.a0`) is a name, too. */
export class Symmetry {
  /** Two neighbours of a group exchanged: every permutation is made of these. */
  readonly swaps: readonly Rename[];
  readonly #groups: readonly (readonly string[])[];
  readonly #group = new Map<string, number>();

  /** @throws {RangeError} for more than 5,040 permutations, or a name that stands in two places. */
  constructor(groups: readonly (readonly string[])[]) {
    this.#groups = groups;
    for (const [i, group] of groups.entries())
      for (const name of group) {
        if (this.#group.has(name)) throw new RangeError(`symmetry names ${JSON.stringify(name)} twice.`);
        this.#group.set(name, i);
      }
    const count = groups.reduce((total, { length }) => total * factorial(length), 1);
    if (count > MOST)
      throw new RangeError(`symmetry has ${count} permutations; at most ${MOST} (seven names in one group).`);
    this.swaps = groups.flatMap((group) =>
      group.slice(1).map((name, i) => renaming([name, group[i]!], [group[i]!, name])),
    );
  }

  /** The same text for situations that differ only in which name stands where: the least of all such texts.
   *
   *  Names that play different parts are distinguished first, so that only names that look alike are permuted, and only
   *  where it makes a difference. */
  text(value: unknown): string {
    const choices = this.#groups.map((group, i) => {
      const parts = new Map(group.map((name) => [name, this.#part(value, name, i)]));
      const sorted = group.toSorted((a, b) => (parts.get(a)! < parts.get(b)! ? -1 : 1));
      const alike: string[][] = [];
      for (const name of sorted) {
        const last = alike.at(-1);
        if (last !== undefined && parts.get(last[0]!) === parts.get(name)) last.push(name);
        else alike.push([name]);
      }
      return alike.map((names) => (this.#same(value, names) ? [names] : orders(names)));
    });
    const targets = this.#groups.flat();
    let least: string | undefined;
    for (const order of product(choices.flat())) {
      const text = plainText(value, 'the situation', renaming(order.flat(), targets));
      if (least === undefined || text < least) least = text;
    }
    return least ?? plainText(value, 'the situation');
  }

  /** What the situation looks like from a name: itself, others of its group, others. */
  #part(value: unknown, name: string, group: number): string {
    return plainText(
      value,
      'the situation',
      dotted((other) =>
        other === name
          ? '\u0000'
          : this.#group.has(other)
            ? `\u0001${this.#group.get(other)! - group}`
            : other,
      ),
    );
  }

  /** Whether exchanging any of these changes nothing. */
  #same(value: unknown, names: readonly string[]): boolean {
    if (names.length < 2) return true;
    const text = plainText(value, 'the situation');
    return names
      .slice(1)
      .every(
        (name, i) =>
          plainText(value, 'the situation', renaming([name, names[i]!], [names[i]!, name])) === text,
      );
  }
}

/** A name, or each part of a dotted one. */
const dotted =
  (rename: Rename): Rename =>
  (name) =>
    name.includes('.') ? name.split('.').map(rename).join('.') : rename(name);

function renaming(from: readonly string[], to: readonly string[]): Rename {
  const map = new Map(from.map((name, i) => [name, to[i]!]));
  return dotted((name) => map.get(name) ?? name);
}

/** Every choice of one from each list. */
function product<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>((all, list) => all.flatMap((some) => list.map((item) => [...some, item])), [[]]);
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

const orders = (names: readonly string[]): string[][] =>
  names.length < 2
    ? [[...names]]
    : names.flatMap((first, i) => orders(names.filter((_, k) => k !== i)).map((rest) => [first, ...rest]));

/** Checks that a situation with two names exchanged has the same steps, with the two names exchanged.
 *  @param key the text of a situation.
 *  @param holds whether nothing is wrong with a situation; here nothing is.
 *  @throws {Error} when it may not: then the names are not interchangeable. */
export function notSymmetric<W, S>(
  model: Model<W, S>,
  world: W,
  { swaps }: Symmetry,
  key: (world: W) => string,
  holds: (world: W) => boolean,
): void {
  const outcomes = (from: W) =>
    [...new Set(model.steps(from).map((step) => outcome(model, from, step, key)))].sort().join('\n');
  const here = outcomes(world);
  for (const rename of swaps) {
    const other = renamed(world, rename);
    if (outcomes(other) === here && holds(other)) continue;
    throw new Error(
      'The names given as symmetry are not interchangeable: with them exchanged, other things may happen. ' +
        'A machine, an input, the surroundings or the invariant treats one of them differently.',
    );
  }
}

function outcome<W, S>(model: Model<W, S>, from: W, step: S, key: (world: W) => string): string {
  const { world, broken } = model.after(from, step);
  return broken === undefined ? key(world) : 'broken';
}
