/** From a base value and a change to the next value: recipes, schemas, patches. Pure, but for the mark that a
 *  recipe runs, by which a write within a recipe is found out. */
import { enablePatches, produceWithPatches, type Patch as ImmerPatch } from 'immer';
import { freeze } from '../../actors/freeze.ts';
import type { Patch } from '../../actors/coherence/index.ts';
import { validate, type Schema } from '../schema.ts';
import { CoherenceError, NestedWriteError, RecipeError, UnsetError } from './errors.ts';

enablePatches();

/** The next value, and what changed if that is known. */
export interface Computed {
  readonly value: unknown;
  readonly patches: readonly Patch[] | undefined;
}

/** Changes a draft in place, or returns the next value. Synchronous: whoever holds a key does not wait. */
export type Recipe<T> = (draft: T) => T | void | undefined;

/** Which key: its name, and its place among the keys. */
export interface Place {
  readonly key: string;
  readonly index: number;
}

export class Computer {
  /** By place. */
  readonly #schemas: readonly Schema[];
  #running: string | undefined;

  constructor(schemas: readonly Schema[]) {
    this.#schemas = schemas;
  }

  /** @throws {NestedWriteError} while a recipe runs. */
  refuseWithinRecipe(key: string): void {
    if (this.#running !== undefined) throw new NestedWriteError(key);
  }

  /** A whole value.
   *  @throws {SchemaError} */
  whole(place: Place, value: unknown): Computed | Promise<Computed> {
    const checked = this.#check(place, value);
    return checked instanceof Promise ? checked.then(replaced) : replaced(checked);
  }

  /** A recipe applied to a base.
   *  @throws {RecipeError | SchemaError} */
  recipe(place: Place, base: unknown, recipe: Recipe<never>): Computed | Promise<Computed> {
    if (base === undefined) throw new UnsetError(place.key);
    const ran = this.#run(place.key, base, recipe);
    const checked = this.#check(place, ran.value);
    return checked instanceof Promise ? checked.then((fit) => fitted(fit, ran)) : fitted(checked, ran);
  }

  #run(key: string, base: unknown, recipe: Recipe<never>): Computed {
    const outer = this.#running;
    this.#running = key;
    try {
      const guarded = (draft: never): unknown => {
        const returned: unknown = recipe(draft);
        if (!isThenable(returned)) return returned;
        returned.then(undefined, () => undefined); // its failure is not news: the recipe is refused
        throw new RecipeError(
          key,
          'returned a promise; compute first, then write synchronously (update() does).',
        );
      };
      const made = produceWithPatches(base, guarded as never) as unknown as readonly [unknown, ImmerPatch[]];
      // They are remembered for long, and a list that grew by `push` has room for sixteen more.
      return { value: made[0], patches: made[1].slice() as readonly Patch[] };
    } catch (error) {
      if (error instanceof CoherenceError) throw error;
      throw new RecipeError(key, `threw: ${error instanceof Error ? error.message : String(error)}`, error);
    } finally {
      this.#running = outer;
    }
  }

  #check({ key, index }: Place, value: unknown): unknown {
    return validate(this.#schemas[index] as Schema, value, `the value of '${key}'`);
  }
}

const replaced = (value: unknown): Computed => ({ value: freeze(value), patches: undefined });
/** What a schema made of what a recipe made. An equal value has changed nothing: what shares its structure with the
 *  base is kept then. */
function fitted(fit: unknown, ran: Computed): Computed {
  if (fit !== ran.value && !equal(fit, ran.value)) return replaced(fit);
  freeze(ran.value);
  return ran;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Equality of JSON values. */
function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equal(a[key as never], b[key as never]));
}
