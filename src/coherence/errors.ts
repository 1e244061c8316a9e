/** What can go wrong with shared state: each error says what happened, where, and how to recover. After any of them
 *  nothing has changed and nothing is held, except after an {@link InDoubtError}, which says so. */
import type { Patch } from '../../actors/coherence/index.ts';

/** The class of everything that `coherence` throws, except aborts (the signal's own reason) and a schema's refusal. */
export class CoherenceError extends Error {
  override name = 'CoherenceError';
}

/** One key in a conflict. */
export interface Conflict {
  readonly key: string;
  /** The version that the write was computed from. */
  readonly expected: number;
  /** The version that is current. */
  readonly actual: number;
  /** What was changed in between; `undefined` when whole values replaced each other, or it is too long ago. */
  readonly patches: readonly Patch[] | undefined;
}

/** A write was computed from a version that is no longer current, or the key is held by another agent. */
export class ConflictError extends CoherenceError implements Conflict {
  override name = 'ConflictError';
  readonly key: string;
  readonly expected: number;
  readonly actual: number;
  readonly patches: readonly Patch[] | undefined;
  readonly reason: 'version' | 'held';
  /** Every key that conflicts, the first one included. */
  readonly conflicts: readonly Conflict[];
  /** What to do. */
  readonly recover: string;

  constructor(reason: 'version' | 'held', conflicts: readonly [Conflict, ...Conflict[]]) {
    const [{ key, expected, actual, patches }] = conflicts;
    const recover =
      reason === 'held'
        ? `wait for the hold on '${key}' to end (retry() does), or use write(), which queues`
        : `read '${key}' again with copy() and write from that (update() does), write with a recipe, or say blind: true`;
    super(
      reason === 'held'
        ? `'${key}' is held by another agent; ${recover}.`
        : `'${key}' is at version ${actual}, and this write was computed from version ${expected}; ${recover}.`,
    );
    Object.assign(this, { conflicts, reason });
    this.key = key;
    this.expected = expected;
    this.actual = actual;
    this.patches = patches;
    this.reason = reason;
    this.conflicts = conflicts;
    this.recover = recover;
  }
}

/** Every attempt ended in a conflict. */
export class RetryError extends CoherenceError {
  override name = 'RetryError';
  readonly attempts: number;
  constructor(attempts: number, cause: ConflictError) {
    super(`still in conflict after ${attempts} attempts: ${cause.message}`, { cause });
    this.attempts = attempts;
  }
}

/** The lease ran out while the key was held and another agent waited. The late write was refused. */
export class FencedError extends CoherenceError {
  override name = 'FencedError';
  readonly key: string;
  constructor(key: string) {
    super(
      `the hold on '${key}' was reclaimed after its lease, because another agent waited; read it again and hold it again.`,
    );
    this.key = key;
  }
}

/** Agents wait for each other's keys in a circle. This one gives up its place, so that the others can go on. */
export class HoldDeadlockError extends CoherenceError {
  override name = 'HoldDeadlockError';
  /** The keys of the circle: the first is the one that this agent asked for, the last is one that it holds. */
  readonly keys: readonly string[];
  constructor(agent: string, keys: readonly string[]) {
    super(
      `the agent '${agent}' waits for '${keys[0]}' and holds '${keys.at(-1)}', and its holder waits for the agent in turn ` +
        `(${keys.join(' → ')}); release what you hold and begin again, or hold several keys at once with holdAll().`,
    );
    this.keys = keys;
  }
}

/** A write was on its way when its agent or space left the bus: it may have been applied, or may yet be. */
export class InDoubtError extends CoherenceError {
  override name = 'InDoubtError';
  readonly inDoubt = true;
  readonly keys: readonly string[];
  constructor(keys: readonly string[], cause: unknown) {
    const which = keys.map((key) => `'${key}'`).join(', ');
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    super(
      `it is not known whether the write of ${which} was applied: the agent left the bus while the write was on its way${why}. Read it again from another replica before you repeat it.`,
      { cause },
    );
    this.keys = keys;
  }
}

/** No such key in the schema. */
export class UnknownKeyError extends CoherenceError {
  override name = 'UnknownKeyError';
  readonly key: string;
  constructor(key: string, known: Iterable<string>) {
    const some = [...known].slice(0, 8);
    super(
      `there is no key '${key}' in this shared state; it has ${some.join(', ') || 'none'}. Add it with define().`,
    );
    this.key = key;
  }
}

/** The key has no value yet. */
export class UnsetError extends CoherenceError {
  override name = 'UnsetError';
  readonly key: string;
  constructor(key: string) {
    super(
      `'${key}' has no value yet; write it first, or give an \`initial\` value or a schema with a default.`,
    );
    this.key = key;
  }
}

/** A value is not plain JSON. */
export class ValueError extends CoherenceError {
  override name = 'ValueError';
  readonly key: string;
  /** Where in the value. */
  readonly path: readonly (string | number)[];
  constructor(key: string, path: readonly (string | number)[], problem: string) {
    const shown = path.length > 8 ? [...path.slice(0, 8), '…'] : path;
    super(
      `the value of '${key}' cannot be shared: ${[key, ...shown].join('.')} ${problem}. ` +
        'Share plain JSON: text, finite numbers, booleans, null, arrays and plain objects.',
    );
    this.key = key;
    this.path = [...path];
  }
}

/** A recipe threw or returned a promise. */
export class RecipeError extends CoherenceError {
  override name = 'RecipeError';
  readonly key: string;
  constructor(key: string, problem: string, cause?: unknown) {
    super(`the recipe for '${key}' ${problem}`, { cause });
    this.key = key;
  }
}

/** A call for shared state within a recipe. */
export class NestedCallError extends CoherenceError {
  override name = 'NestedCallError';
  constructor(key: string, running: string) {
    super(
      `'${key}' was used within the recipe for '${running}'; a recipe only changes its draft. Use a session to change several keys.`,
    );
  }
}

/** The agent was closed or evicted. */
export class ClosedAgentError extends CoherenceError {
  override name = 'ClosedAgentError';
  constructor(
    agent: string,
    problem = `was closed or evicted; ask for a new one: shared.agent('${agent}').`,
  ) {
    super(`the agent '${agent}' ${problem}`);
  }
}

/** A session or a hold that has ended. */
export class LapsedError extends CoherenceError {
  override name = 'LapsedError';
  constructor(what: string, why: string) {
    super(`this ${what} ${why}; begin a new one.`);
  }
}

/** A call that cannot be right. */
export class UsageError extends CoherenceError {
  override name = 'UsageError';
}
