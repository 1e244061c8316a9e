/** Machines' definitions, each once. */
import type { Redact } from '../models/redact.ts';

/** A definition with more characters is too large to be drawn as a chart. */
const LONGEST = 1 << 18;
const DEEPEST = 32;

export interface Definition {
  /** In the order of first appearance, from 0. */
  readonly machine: number;
  /** The configuration as JSON, the first time that it is asked for. */
  readonly text: string | undefined;
}

/** A definition cannot be shown, and why. */
export class Definitions {
  readonly #hide: Redact;
  /** By configuration, and by text: `provide` makes another object of the same chart. */
  readonly #byConfig = new WeakMap<object, number>();
  readonly #byText = new Map<string, number>();

  constructor(hide: Redact) {
    this.#hide = hide;
  }
  /** @param logic an actor's logic; undefined where it has no chart. */
  of(logic: unknown): Definition | undefined {
    const config = (logic as { config?: unknown } | undefined)?.config;
    if (typeof config !== 'object' || config === null) return undefined;
    const known = this.#byConfig.get(config);
    if (known !== undefined) return { machine: known, text: undefined };
    const text = this.#hide(definitionText(config));
    const same = this.#byText.get(text);
    const machine = same ?? this.#byText.size;
    this.#byConfig.set(config, machine);
    if (same !== undefined) return { machine, text: undefined };
    this.#byText.set(text, machine);
    return { machine, text };
  }
  /** All that have been asked for, by number. */
  get texts(): readonly string[] {
    return [...this.#byText.keys()];
  }
}

/** As `@statelyai/inspect` writes it: functions by their names. The context is left to the snapshots. */
export function definitionText(config: object): string {
  const path: object[] = [];
  let left = LONGEST;
  const plain = (value: unknown): unknown => {
    if (--left < 0) throw new RangeError('too large');
    if (typeof value === 'function') return { type: value.name };
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'string') left -= value.length;
    if (typeof value !== 'object' || value === null) return value;
    if (path.includes(value) || path.length >= DEEPEST) return undefined;
    path.push(value);
    const copy = Array.isArray(value)
      ? value.map(plain)
      : Object.fromEntries(
          Object.entries(value)
            .filter(([key]) => path.length > 1 || key !== 'context')
            .map(([key, inner]) => [key, plain(inner)]),
        );
    path.pop();
    return copy;
  };
  try {
    return JSON.stringify(plain(config));
  } catch (error) {
    const { id } = config as { id?: unknown };
    const why = error instanceof Error ? error.message : String(error);
    return JSON.stringify({ id: typeof id === 'string' ? id : 'machine', description: `not shown: ${why}` });
  }
}
