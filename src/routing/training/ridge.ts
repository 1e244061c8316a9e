/**
 * Ridge regression on sparse rows, by conjugate gradients.
 *
 * Least squares on the gain (strong - weak) estimates the expected gain of a task, and the order of expected gains is
 * the order that RouteLLM's curve rewards. It has one solution, so no learning rate, no starting point and no
 * random number can change the result.
 */

/** Rows in compressed form: row r has the columns and values from `starts[r]` to `starts[r + 1]`. */
export interface SparseRows {
  readonly starts: Int32Array;
  readonly columns: Uint16Array;
  readonly values: Float32Array;
}

/** A linear model: `bias + weights . row`. */
export interface Linear {
  readonly bias: number;
  readonly weights: Float64Array;
}

/**
 * Minimises, over the chosen rows, the sum of (target - bias - weights . row)^2 plus `penalty` times the sum of
 * weight^2 / ease. The bias is free. Solved in the dual, on centred rows.
 *
 * @param rows - the rows
 * @param targets - one number per row
 * @param chosen - the numbers of the rows to learn from, at least one
 * @param ease - per column, how freely it may be used: 0 (not at all) or more
 * @param penalty - greater than 0
 */
export function ridge(
  rows: SparseRows,
  targets: Float64Array,
  chosen: Int32Array,
  ease: Float64Array,
  penalty: number,
): Linear {
  const weights = new Float64Array(ease.length);
  /** weights = ease * (centred rows)' coefficients; centring the coefficients does it, as their sum is then 0. */
  const gather = (coefficients: Float64Array) => {
    weights.fill(0);
    for (let i = 0; i < chosen.length; i++) addRow(rows, chosen[i]!, coefficients[i]!, weights);
    for (let column = 0; column < weights.length; column++) weights[column]! *= ease[column]!;
  };
  const image = new Float64Array(chosen.length);
  /** image = centred rows * weights */
  const respond = () => {
    for (let i = 0; i < chosen.length; i++) image[i] = dotRow(rows, chosen[i]!, weights);
    centre(image);
  };
  const dual = new Float64Array(chosen.length);
  const residual = Float64Array.from(chosen, (row) => targets[row]!);
  centre(residual);
  const direction = residual.slice();
  let norm = dot(residual, residual);
  const enough = norm * TOLERANCE * TOLERANCE;
  for (let round = 0; round < ROUNDS && norm > enough; round++) {
    gather(direction);
    respond();
    for (let i = 0; i < image.length; i++) image[i]! += penalty * direction[i]!;
    const step = norm / dot(direction, image);
    for (let i = 0; i < image.length; i++) {
      dual[i]! += step * direction[i]!;
      residual[i]! -= step * image[i]!;
    }
    const next = dot(residual, residual);
    for (let i = 0; i < image.length; i++) direction[i] = residual[i]! + (next / norm) * direction[i]!;
    norm = next;
  }
  gather(dual);
  const misses = Float64Array.from(chosen, (row) => targets[row]! - dotRow(rows, row, weights));
  return { bias: mean(misses), weights };
}

/** The residual at which the solver stops, relative to the first. A smaller one changes no figure's third digit. */
const TOLERANCE = 1e-2;
/** The most rounds it takes. */
const ROUNDS = 200;

/** weights . row */
export function dotRow({ starts, columns, values }: SparseRows, row: number, weights: Float64Array): number {
  let sum = 0;
  const end = starts[row + 1]!;
  for (let k = starts[row]!; k < end; k++) sum += weights[columns[k]!]! * values[k]!;
  return sum;
}

/** weights += factor * row */
function addRow(
  { starts, columns, values }: SparseRows,
  row: number,
  factor: number,
  weights: Float64Array,
): void {
  const end = starts[row + 1]!;
  for (let k = starts[row]!; k < end; k++) weights[columns[k]!]! += factor * values[k]!;
}

/** The arithmetic mean; of at least one number. */
const mean = (numbers: Float64Array): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

function centre(numbers: Float64Array): void {
  const middle = mean(numbers);
  for (let i = 0; i < numbers.length; i++) numbers[i]! -= middle;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
