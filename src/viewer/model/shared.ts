/** Shared state: which actor is the line of which agent and key, and the bus messages about each key. */
import type { ActorRow } from './trace.ts';

/** Every state of a line, from none to most: what it is called, and what it allows. */
export const LINE_STATES: Readonly<Record<string, string>> = {
  I: 'invalid: no copy',
  S: 'shared: a copy, others may have one',
  E: 'exclusive: the only copy, owned without a hold',
  M: 'modified: owned with a hold',
  IS: 'asked for a copy',
  IM: 'asked for ownership, without a copy',
  SM: 'asked for ownership, with a copy',
  MP: 'its write is on its way',
};

export class Shared {
  readonly #agents = new Set<string>();
  readonly keys: string[] = [];
  readonly #lines = new Map<string, ActorRow>();
  readonly #ofKey = new Map<string, { agent: string; actor: ActorRow }[]>();

  readonly #sessions = new Map<string, string>();

  /** An agent's name without its session. A restarted agent, which has another session, keeps its full name. */
  agentName(full: string): string {
    const short = full.replace(/@[0-9a-f]{8}$/, '');
    const first = this.#sessions.get(short);
    if (first === undefined) this.#sessions.set(short, full);
    return first === undefined || first === full ? short : full;
  }
  /** Says that an actor is a line. */
  add(agent: string, key: string, actor: ActorRow): void {
    const name = `${agent}\n${key}`;
    if (this.#lines.has(name)) return;
    this.#lines.set(name, actor);
    this.#agents.add(agent);
    const known = this.#ofKey.get(key);
    if (known === undefined) {
      this.keys.push(key);
      this.#ofKey.set(key, [{ agent, actor }]);
    } else known.push({ agent, actor });
  }
  line(agent: string, key: string): ActorRow | undefined {
    return this.#lines.get(`${agent}\n${key}`);
  }
  linesOf(key: string): readonly { readonly agent: string; readonly actor: ActorRow }[] {
    return this.#ofKey.get(key) ?? [];
  }
  get agents(): string[] {
    return [...this.#agents];
  }
  get size(): number {
    return this.#lines.size;
  }
}
