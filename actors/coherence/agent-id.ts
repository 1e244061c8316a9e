/** Names of agents on the bus. */

/** The identity of one agent of one process: it is never used again. */
export const agentId = (name: string, session: string, ordinal: number): string =>
  `${name}@${session}.${ordinal}`;
/** The name that a user gave to the agent of an id. */
export const nameOf = (id: string): string => id.replace(/@[^@]*$/s, '');
/** The session and the ordinal of an id; `undefined` for one that {@link agentId} did not make. */
export function sessionOf(id: string): { session: string; ordinal: number } | undefined {
  const found = /@([^@]*)\.(\d{1,15})$/.exec(id);
  return found === null ? undefined : { session: found[1] as string, ordinal: Number(found[2]) };
}
