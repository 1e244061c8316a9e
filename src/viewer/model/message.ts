/** One line of a trace, as far as the viewer trusts it: nothing is assumed of what a file may hold. */

export type ParsedObject = Record<string, unknown>;

export const isObject = (value: unknown): value is ParsedObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Milliseconds since the epoch, or since the start of a virtual clock: a number, a number as text, or ISO 8601. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return numberOf(value);
  if (typeof value !== 'string' || value === '') return undefined;
  const number = Number(value);
  const time = Number.isNaN(number) ? Date.parse(value) : number;
  return Number.isFinite(time) ? time : undefined;
}
