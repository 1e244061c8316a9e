/** Log entries of words and sessions. */
import type { Entry } from '../../actors/index.ts';
import { keyName, OFF, ON, writesOf, type SessionWrite, type QueuedEntry } from './world.ts';

/** The sender, and the number of the entry. */
export interface Signed {
  readonly agent: string;
  readonly number: number;
  readonly floor: number;
}

export function wordEntry(signed: Signed, { op, key, version, epoch }: QueuedEntry): Entry {
  const common = { ...signed, key: keyName(key) };
  if (op === 'put') return { ...common, op, epoch, base: version, value: ON };
  if (op === 'reclaim') return { ...common, op, epoch };
  if (op === 'session') throw new Error('a session has its own entry');
  return { ...common, op };
}

export function sessionEntry(signed: Signed, session: SessionWrite, keys: number): Entry {
  const { form, key, seen } = session;
  const value = form === 'off' ? OFF : ON;
  const write = (k: number) => ({ key: keyName(k), base: seen[k] as number, value });
  if (form === 'cas') return { ...signed, op: 'cas', ...write(key) };
  const reads = Array.from({ length: keys }, (_, k) => ({ key: keyName(k), version: seen[k] as number }));
  return { ...signed, op: 'publish', reads, writes: writesOf(session).map(write) };
}

/** The same, in words. */
export const wordText = ({ op, key }: QueuedEntry): string => `${op.toUpperCase()} ${keyName(key)}`;
export function sessionText(session: SessionWrite): string {
  const { form, key } = session;
  if (form === 'cas') return `CAS ${keyName(key)}`;
  const written = writesOf(session).map(keyName).join(', ');
  return form === 'both' ? `PUBLISH ${written}` : `PUBLISH ${written} (signs off, having seen the other)`;
}
