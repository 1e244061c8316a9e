/** From a base value and a change to the next value: recipes, schemas, patches. */
import { enablePatches, Immer, type Patch as ImmerPatch } from 'immer';
import type { Patch } from '../../actors/coherence/index.ts';
import { validate, type Schema } from '../score/schema.ts';
import { CoherenceError, NestedCallError, RecipeError, UnsetError } from './errors.ts';
import { equalJson, isShared, sharedCopy } from './json.ts';

enablePatches();
/** Nothing that a recipe puts into its draft is frozen by Immer: it may belong to the caller. */
const immer = new Immer({ autoFreeze: false });

/** The next value, and what changed if that is known. */
export interface Computed {
  readonly value: unknown;
  readonly patches: readonly Patch[] | undefined;
}

/** Changes a draft in place, or returns the next value. Synchronous: the key is owned while it runs. */
export type Recipe<T> = (draft: T) => T | void | undefined;

/** The key whose recipe runs now. Recipes are synchronous, so there is at most one. */
let running: string | undefined;

/** A recipe changes its draft and calls nothing else of shared state.
 *  @throws {NestedCallError} while a recipe runs. */
export function refuseWithinRecipe(key: string): void {
  if (running !== undefined) throw new NestedCallError(key, running);
}

/** The next value of a key: a whole value, or a recipe applied to a base.
 *  @throws {RecipeError | SchemaError | ValueError | UnsetError} */
export function compute(
  key: string,
  schema: Schema,
  change: unknown,
  base: unknown,
): Computed | Promise<Computed> {
  if (typeof change !== 'function') return checked(key, schema, { value: change, patches: undefined });
  if (base === undefined) throw new UnsetError(key);
  return checked(key, schema, run(key, base, change as Recipe<never>));
}

function run(key: string, base: unknown, recipe: Recipe<never>): Computed {
  const outer = running;
  running = key;
  try {
    const guarded = (draft: never): unknown => {
      const returned: unknown = recipe(draft);
      if (!isThenable(returned)) return returned;
      returned.then(undefined, () => undefined); // the recipe is refused already
      throw new RecipeError(
        key,
        'returned a promise; compute first, then write synchronously (update() does).',
      );
    };
    const [value, patches] = immer.produceWithPatches(base, guarded as never) as unknown as readonly [
      unknown,
      ImmerPatch[],
    ];
    return { value, patches: patches };
  } catch (error) {
    if (error instanceof CoherenceError) throw error;
    throw new RecipeError(key, `threw: ${error instanceof Error ? error.message : String(error)}`, error);
  } finally {
    running = outer;
  }
}

/** The schema decides what is shared: its output, as a frozen copy. */
function checked(key: string, schema: Schema, made: Computed): Computed | Promise<Computed> {
  const { value } = made;
  const fit = validate(schema, value, `the value of '${key}'`);
  return fit instanceof Promise ? fit.then((late) => settled(key, late, made)) : settled(key, fit, made);
}
function settled(key: string, fit: unknown, { value, patches }: Computed): Computed {
  const copies = new Map<object, object>();
  // A schema mostly returns an equal value: what shares its structure with the base is kept then.
  const same = patches !== undefined && (fit === value || equalJson(fit, value));
  const next = sharedCopy(key, same ? value : fit, copies);
  if (!same) return { value: next, patches: undefined };
  const copied = patches.map((patch) =>
    'value' in patch && !isShared(patch.value)
      ? { ...patch, value: sharedCopy(key, patch.value, copies) }
      : patch,
  );
  return { value: next, patches: copied };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
