/** Numbers and times for people. */

export const ms = (value: number): string => {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0 ms';
  if (value < 1) return `${value.toFixed(2)} ms`;
  if (value < 1_000) return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  if (value < 60_000) return `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(value / 1_000);
  const minutes = Math.floor(seconds / 60);
  const words = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return seconds % 60 === 0 && minutes >= 60 ? words : `${words} ${seconds % 60} s`;
};
export const count = (value: number): string => value.toLocaleString('en');
export const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1)}…`;
/** `1 step`, `2 steps`. */
export const many = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** Round moments for the ticks of an axis: about `wanted` of them. */
export function ticks(from: number, to: number, wanted: number): number[] {
  const span = to - from;
  if (!(span > 0)) return [from];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  const found: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-9; at += step) found.push(at);
  return found;
}

/** Ticks with their words: as many digits as tell one from the next. */
export function moments(from: number, to: number, wanted: number): { at: number; text: string }[] {
  const found = ticks(from, to, wanted);
  const step = (found[1] ?? to) - (found[0] ?? from) || 1;
  const seconds = to >= 1_000 && step >= 0.1;
  const digits = Math.max(0, Math.ceil(-Math.log10(seconds ? step / 1_000 : step) - 1e-9));
  const text = (at: number) => {
    if (at >= 60_000 && step >= 1_000) return ms(at);
    return seconds ? `${(at / 1_000).toFixed(digits)} s` : `${at.toFixed(digits)} ms`;
  };
  return found.map((at) => ({ at, text: text(at) }));
}
