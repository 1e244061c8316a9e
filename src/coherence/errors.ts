/** What can go wrong with shared state: each error says what, where, and how to recover. After any of them
 *  nothing has changed and nothing is held. */
import type { Patch } from '../../actors/coherence/index.ts';

/** The class of all that `coherence` throws, but for aborts (the signal's own reason) and a schema's refusal. */
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
        : `read '${key}' again and recompute (retry() and update() do), write with a recipe, or say overwrite: true`;
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

/** Retrying did not help often enough. */
export class RetryError extends CoherenceError {
  override name = 'RetryError';
  readonly attempts: number;
  constructor(attempts: number, cause: ConflictError) {
    super(`still in conflict after ${attempts} attempts: ${cause.message}`, { cause });
    this.attempts = attempts;
  }
}

/** The lease ran out while the key was held, and ownership went on. The late write was refused. */
export class FencedError extends CoherenceError {
  override name = 'FencedError';
  readonly key: string;
  constructor(key: string) {
    super(
      `the hold on '${key}' was reclaimed after its lease; read it again, hold it anew, and renew() in time.`,
    );
    this.key = key;
  }
}

/** No such key in the schema. */
export class UnknownKeyError extends CoherenceError {
  override name = 'UnknownKeyError';
  readonly key: string;
  constructor(key: string, known: Iterable<string>) {
    const some = [...known].slice(0, 8);
    super(`there is no key '${key}' in this shared state; its schema has ${some.join(', ')}.`);
    this.key = key;
  }
}

/** The key has no value yet. */
export class UnsetError extends CoherenceError {
  override name = 'UnsetError';
  readonly key: string;
  constructor(key: string) {
    super(
      `nobody has written '${key}' yet; write it first, or give an \`initial\` value or a schema with a default.`,
    );
    this.key = key;
  }
}

/** A recipe threw, returned a promise, or wrote. */
export class RecipeError extends CoherenceError {
  override name = 'RecipeError';
  readonly key: string;
  constructor(key: string, problem: string, cause?: unknown) {
    super(`the recipe for '${key}' ${problem}`, { cause });
    this.key = key;
  }
}

/** A write within a recipe. */
export class NestedWriteError extends CoherenceError {
  override name = 'NestedWriteError';
  constructor(key: string) {
    super(
      `'${key}' was written within a recipe; a recipe only changes its draft. Use a session to write several keys.`,
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
