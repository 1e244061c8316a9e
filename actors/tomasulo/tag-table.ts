/** The tag table: for each tag its value, its fault, or the steps that wait for it.
 *
 *  Hardware: the register status table (Qi) with the result file behind it. A station that is issued after its operand
 *  was broadcast finds the value here, for as long as any step may still read it; then the value is dropped, so that
 *  memory grows with the window and not with the number of steps. */
import type { StepError } from './errors.ts';
import type { Program } from './program.ts';

const PENDING = 0;
const VALUE = 1;
const FAULT = 2;
const NONE = -1;

export class TagTable {
  readonly #state: Uint8Array;
  /** By tag: its value or its fault, while any step may still read it. */
  readonly #values: unknown[];
  /** Waiter lists: the first waiting edge per tag, the next per edge. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #readersLeft: Int32Array;

  constructor({ steps, source, readers }: Program) {
    this.#state = new Uint8Array(steps.length);
    this.#values = new Array(steps.length);
    this.#first = new Int32Array(steps.length).fill(NONE);
    this.#next = new Int32Array(source.length);
    this.#readersLeft = Int32Array.from(readers);
  }

  isPending(tag: number): boolean {
    return this.#state[tag] === PENDING;
  }
  isFaulty(tag: number): boolean {
    return this.#state[tag] === FAULT;
  }
  value(tag: number): unknown {
    return this.#values[tag];
  }
  fault(tag: number): StepError {
    return this.#values[tag] as StepError;
  }

  /** Puts an edge on its tag's waiter list. */
  wait(edge: number, tag: number): void {
    this.#next[edge] = this.#first[tag] as number;
    this.#first[tag] = edge;
  }
  /** The first edge that waits for a tag, or −1. */
  firstWaiter(tag: number): number {
    return this.#first[tag] as number;
  }
  nextWaiter(edge: number): number {
    return this.#next[edge] as number;
  }

  write(tag: number, value: unknown): void {
    this.#state[tag] = VALUE;
    if (this.#readersLeft[tag] !== 0) this.#values[tag] = value;
  }
  poison(tag: number, fault: StepError): void {
    this.#state[tag] = FAULT;
    if (this.#readersLeft[tag] !== 0) this.#values[tag] = fault;
  }
  /** Removes one reader; with the last one the value is dropped. */
  drop(tag: number): void {
    if (--this.#readersLeft[tag]! === 0) this.#values[tag] = undefined;
  }
}
