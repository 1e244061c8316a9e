/**
 * The router: operating point → model, limits and reasoning effort, by a total table over tempo × dynamics.
 *
 * Paper: section 5.3, `DVFSRouter`. Its fallback is undefined and evaluated even when it is not needed; here the
 * nearest row is looked up only on a miss, remembered, and has a stated metric (docs/decisions/0022). A table with a
 * hole is an error that names the hole, unless nearest match is on. This code contains no model names.
 */
import { providerOf, checkModelName } from '../budget/model-name.ts';
import { DYNAMICS_LEVELS, dynamicsRank, type Dynamics } from '../../machines/hct/dynamics.ts';
import type { OperatingPoint } from '../../machines/governor/operating-point.ts';
import { TEMPI, tempoRank, type Tempo } from '../../machines/hct/tempo.ts';
import { LONGEST_MS } from '../score/limits.ts';
import { knownFields, RoutingConfigError } from '../budget/config-error.ts';

/** How much a model should think; the values of the AI SDK. */
export const REASONING_EFFORTS = [
  'provider-default',
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
] as const;
export type ReasoningEffort = (typeof REASONING_EFFORTS)[number];

/** What runs at an operating point. */
export interface Route {
  /** `provider:name`; everything after the first colon is the name. */
  readonly model: string;
  /** Tokens that one call may answer with, 1 or more. */
  readonly maxOutputTokens?: number | undefined;
  readonly reasoning?: ReasoningEffort | undefined;
  /** 0 to 2. */
  readonly temperature?: number | undefined;
  /** Milliseconds that one request may take, 1 to 2^31 − 1. Default: the agent's `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Who made the model; a verifier comes from another family. Default: the provider. */
  readonly family?: string | undefined;
}
export type RouteRow = OperatingPoint & Route;

export interface RouterOptions {
  readonly table: readonly RouteRow[];
  /** Whether cells without a row take the nearest one. Default false: every cell needs a row. */
  readonly nearest?: boolean | undefined;
  /** How much one step on each axis counts, above 0. Default tempo 1, dynamics 2: quality weighs more than speed. */
  readonly weights?:
    { readonly tempo?: number | undefined; readonly dynamics?: number | undefined } | undefined;
}

export interface Router {
  /** The row for a point; the same object each time. */
  route(point: OperatingPoint): RouteRow;
  readonly table: readonly RouteRow[];
}

const KEYS = [
  'tempo',
  'dynamics',
  'model',
  'maxOutputTokens',
  'reasoning',
  'temperature',
  'timeoutMs',
  'family',
];

/** Who made the model of a route. */
export const familyOf = ({ family, model }: Route): string => family ?? providerOf(model);

/**
 * Makes a router.
 *
 * @throws RoutingConfigError for a row with an unknown field or value, two rows for one cell, and a hole
 * @example
 * ```ts
 * const router = createRouter({ nearest: true, table: [{ tempo: 'presto', dynamics: 'ff', model: 'acme:large' }] });
 * router.route({ tempo: 'grave', dynamics: 'pp' }).model; // 'acme:large'
 * ```
 */
export function createRouter(options: RouterOptions): Router {
  knownFields('router', options, ['table', 'nearest', 'weights']);
  const { table, nearest = false, weights = {} } = options;
  if (!Array.isArray(table)) throw new RoutingConfigError('table', 'is no list', 'Give a list of rows.');
  if (typeof nearest !== 'boolean')
    throw new RoutingConfigError(
      'nearest',
      `${String(nearest)} is not true or false`,
      'Correct it, or leave it out.',
    );
  knownFields('weights', weights, ['tempo', 'dynamics']);
  const rows = new Map<string, RouteRow>();
  for (const [index, row] of table.entries()) {
    checkRow(row, `table[${index}]`);
    const cell = cellOf(row);
    if (rows.has(cell))
      throw new RoutingConfigError(`table[${index}]`, `a second row for ${cell}`, 'Keep one of the two.');
    rows.set(cell, Object.freeze({ ...row }));
  }
  if (rows.size === 0) throw new RoutingConfigError('table', 'there are no rows', 'Give at least one.');
  if (!nearest) refuseHoles(rows);
  const distance = metric(weights);
  const given = [...rows.values()];
  return Object.freeze({
    table: given,
    route(point: OperatingPoint): RouteRow {
      const cell = cellOf(point);
      const known = rows.get(cell);
      if (known !== undefined) return known;
      checkPoint(point, 'point');
      const found = given.reduce((best, row) => (closer(distance, point, row, best) ? row : best));
      rows.set(cell, found);
      return found;
    },
  });
}

const cellOf = ({ tempo, dynamics }: OperatingPoint): string => `${tempo}/${dynamics}`;

function refuseHoles(rows: ReadonlyMap<string, RouteRow>): void {
  const holes: string[] = [];
  for (const tempo of TEMPI)
    for (const dynamics of DYNAMICS_LEVELS)
      if (!rows.has(`${tempo}/${dynamics}`)) holes.push(`${tempo}/${dynamics}`);
  if (holes.length === 0) return;
  const more = holes.length > 3 ? ` and ${holes.length - 3} more cells` : '';
  throw new RoutingConfigError(
    'table',
    `no row for ${holes.slice(0, 3).join(', ')}${more}`,
    'Add the rows, or say nearest: true.',
  );
}

function metric({
  tempo = 1,
  dynamics = 2,
}: {
  readonly tempo?: number | undefined;
  readonly dynamics?: number | undefined;
}) {
  for (const [axis, weight] of Object.entries({ tempo, dynamics })) {
    if (!(Number.isFinite(weight) && weight > 0)) {
      throw new RoutingConfigError(
        `weights.${axis}`,
        `${weight} is not a number above 0`,
        'Give a finite weight above 0.',
      );
    }
  }
  return (a: OperatingPoint, b: OperatingPoint): number =>
    tempo * Math.abs(tempoRank(a.tempo) - tempoRank(b.tempo)) +
    dynamics * Math.abs(dynamicsRank(a.dynamics) - dynamicsRank(b.dynamics));
}

/** Less distance first; a tie goes to the higher dynamics, then to the faster tempo. */
function closer(
  distance: (a: OperatingPoint, b: OperatingPoint) => number,
  to: OperatingPoint,
  row: RouteRow,
  best: RouteRow,
): boolean {
  const nearer = distance(to, best) - distance(to, row);
  if (nearer !== 0) return nearer > 0;
  const louder = dynamicsRank(row.dynamics) - dynamicsRank(best.dynamics);
  return louder === 0 ? tempoRank(row.tempo) > tempoRank(best.tempo) : louder > 0;
}

function checkPoint({ tempo, dynamics }: { tempo: Tempo; dynamics: Dynamics }, at: string): void {
  if (!TEMPI.includes(tempo))
    throw new RoutingConfigError(`${at}.tempo`, `'${tempo}' is no tempo`, `Use ${TEMPI.join(', ')}.`);
  if (!DYNAMICS_LEVELS.includes(dynamics)) {
    throw new RoutingConfigError(
      `${at}.dynamics`,
      `'${dynamics}' is no dynamics`,
      `Use ${DYNAMICS_LEVELS.join(', ')}.`,
    );
  }
}

function checkRow(row: RouteRow, at: string): void {
  if (typeof row !== 'object' || row === null)
    throw new RoutingConfigError(at, 'is no row', 'Give tempo, dynamics and model.');
  knownFields(at, row, KEYS, 'field');
  checkPoint(row, at);
  checkModelName(row.model, `${at}.model`);
  const { maxOutputTokens, temperature, timeoutMs, reasoning } = row;
  const whole = (value: number | undefined, key: string) => {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return;
    throw new RoutingConfigError(
      `${at}.${key}`,
      `${value} is not a whole number of at least 1`,
      'Correct it, or leave it out.',
    );
  };
  whole(maxOutputTokens, 'maxOutputTokens');
  whole(timeoutMs, 'timeoutMs');
  if (timeoutMs !== undefined && timeoutMs > LONGEST_MS)
    throw new RoutingConfigError(`${at}.timeoutMs`, `${timeoutMs} is more than ${LONGEST_MS}`, 'Give less.');
  if (
    temperature !== undefined &&
    !(typeof temperature === 'number' && temperature >= 0 && temperature <= 2)
  ) {
    throw new RoutingConfigError(
      `${at}.temperature`,
      `${temperature} is not from 0 to 2`,
      'Correct it, or leave it out.',
    );
  }
  if (row.family !== undefined && (typeof row.family !== 'string' || row.family === ''))
    throw new RoutingConfigError(
      `${at}.family`,
      `${String(row.family)} is no name`,
      'Correct it, or leave it out.',
    );
  if (reasoning !== undefined && !REASONING_EFFORTS.includes(reasoning)) {
    throw new RoutingConfigError(
      `${at}.reasoning`,
      `'${String(reasoning)}' is no effort`,
      `Use ${REASONING_EFFORTS.join(', ')}.`,
    );
  }
}
