/** Outcomes as text: `{"rows": [...]}`, a bare array, or one JSON object a line. */
import { RoutingDataError } from '../errors.ts';
import type { Outcome } from './outcome.ts';

/**
 * Reads outcomes. Columns other than `prompt`, `weak` and `strong` are let be, and never used.
 *
 * @param text - JSON or JSON lines
 * @param source - what to call it in an error
 * @returns at least one row
 * @throws RoutingDataError naming the first broken row, counted from 1 (for JSON lines: the line), and its column
 */
export function parseOutcomes(text: string, source = 'outcomes'): Outcome[] {
  const rows = rowsOf(text.trim(), source); // which takes a byte order mark away, too
  if (rows.length === 0) throw new RoutingDataError({ source, problem: 'there are no rows', remedy: SHAPE });
  return rows.map(({ row, value }) => readRow(value, row, source));
}

const SHAPE =
  'Give {"rows": [{"prompt": "...", "weak": 0, "strong": 1}, ...]}, such an array, or one such object a line.';

interface Row {
  readonly row: number;
  readonly value: unknown;
}

function rowsOf(text: string, source: string): Row[] {
  const whole = tryParse(text);
  if (whole === undefined) return linesOf(text, source);
  const rows = isObject(whole) && 'rows' in whole ? whole['rows'] : whole;
  if (Array.isArray(rows)) return rows.map((value, index) => ({ row: index + 1, value }));
  if (isObject(rows) && 'prompt' in rows) return [{ row: 1, value: rows }]; // one line of JSON lines
  throw new RoutingDataError({ source, column: 'rows', problem: 'there is no list of rows', remedy: SHAPE });
}

function linesOf(text: string, source: string): Row[] {
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ row: index + 1, line: line.trim() }))
    .filter(({ line }) => line !== '');
  // If no line is an object by itself, this was meant to be one JSON value, and lines are no place to point at.
  if (!lines.some(({ line }) => isObject(tryParse(line)))) {
    const problem = text === '' ? 'it is empty' : `it is not JSON (${faultOf(text)})`;
    throw new RoutingDataError({ source, problem, remedy: SHAPE });
  }
  return lines.map(({ row, line }) => {
    const value = tryParse(line);
    if (value !== undefined) return { row, value };
    const problem = `it is not JSON (${faultOf(line)})`;
    throw new RoutingDataError({ source, row, problem, remedy: 'Correct the line or remove it.' });
  });
}

function readRow(value: unknown, row: number, source: string): Outcome {
  if (!isObject(value)) {
    throw new RoutingDataError({ source, row, problem: `${show(value)} is not an object`, remedy: SHAPE });
  }
  const { prompt } = value;
  if (typeof prompt !== 'string' || prompt.trim() === '') {
    const remedy = 'Write the task as a text that is not empty, or remove the row.';
    throw new RoutingDataError({
      source,
      row,
      column: 'prompt',
      problem: `${show(prompt)} is no task`,
      remedy,
    });
  }
  const quality = (column: 'weak' | 'strong'): number => {
    const cell = value[column];
    if (typeof cell === 'boolean') return Number(cell);
    if (typeof cell === 'number' && cell >= 0 && cell <= 1) return cell;
    const problem = `${show(cell)} is not a number from 0 to 1`;
    const remedy = `Write 1 where the ${column} model was right, 0 where it was wrong, or a share between.`;
    throw new RoutingDataError({ source, row, column, problem, remedy });
  };
  return { prompt, weak: quality('weak'), strong: quality('strong') };
}

/** A JSON value, or undefined, which no JSON text means. */
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What JSON.parse says, without the text that it quotes. */
function faultOf(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(
      /,? "[\s\S]*is not valid JSON/,
      '',
    );
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value in an error, at most 40 characters of it. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}
