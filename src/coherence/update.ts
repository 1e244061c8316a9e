/** Read, compute for as long as it takes, and write. */
import type { AgentState } from './agent-state.ts';
import { RetryError } from './errors.ts';
import { refuseUnknown } from './known-options.ts';
import { Hold } from './hold.ts';
import { compareAndSet } from './publish.ts';
import { readCopy } from './read.ts';
import { retry, type RetryOptions } from './retry.ts';

export interface UpdateOptions extends RetryOptions {
  /** Whether to hold the key and compute once more when every attempt ended in a conflict. Default true. */
  readonly queue?: boolean;
}

export async function update<T>(
  agent: AgentState,
  key: string,
  compute: (value: T) => T | Promise<T>,
  options: UpdateOptions,
): Promise<number> {
  refuseUnknown('update', options, ['attempts', 'delayMs', 'signal', 'clock', 'queue']);
  const { signal, queue = true, ...rest } = options;
  const aborts = signal === undefined ? {} : { signal };
  const attempt = async () => {
    const { value, version } = await readCopy(agent, key, aborts);
    return compareAndSet(agent, key, version, await compute(value as T), signal);
  };
  try {
    return await retry(attempt, { clock: agent.space.clock, attempts: 1, ...rest, ...aborts });
  } catch (error) {
    if (!(error instanceof RetryError) || !queue) throw error;
  }
  await using hold = await Hold.take<T>(agent, key, aborts, { queue: true });
  return hold.write(await compute(hold.value));
}
