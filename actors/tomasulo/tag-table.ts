/** The tag table: for each tag its value, its fault, or the steps that wait for it.
 *
 *  Hardware: the register status table (Qi) with the result file behind it. A station that is issued after its operand
 *  was broadcast finds the value here, for as long as any step may still read it; then the value is dropped, so that
 *  memory grows with the window and not with the number of steps. */
import { grownBytes, grownInts } from './columns.ts';
import type { DynamicProgram } from './dynamic-program.ts';
import type { StepError } from './errors.ts';

const PENDING = 0;
const VALUE = 1;
const FAULT = 2;
const FORGONE = 3;
const NONE = -1;

export class TagTable {
  #state: Uint8Array;
  /** By tag: its value or its fault, while any step may still read it. */
  readonly #values: unknown[];
  /** Waiter lists: the first waiting edge per tag, the next per edge. */
  #first: Int32Array;
  #next: Int32Array;
  #readersLeft: Int32Array;

  constructor({ steps, source, readers }: DynamicProgram) {
    this.#state = new Uint8Array(steps.length);
    this.#values = new Array(steps.length);
    this.#first = new Int32Array(steps.length).fill(NONE);
    this.#next = new Int32Array(source.length);
    this.#readersLeft = Int32Array.from(readers);
  }

  /** Makes room for steps from this tag on, which a scope has added. */
  grow(from: number, { steps, edges, readers }: DynamicProgram): void {
    const { length } = steps;
    this.#state = grownBytes(this.#state, length);
    this.#first = grownInts(this.#first, length).fill(NONE, from);
    this.#next = grownInts(this.#next, edges);
    this.#readersLeft = grownInts(this.#readersLeft, length);
    this.#readersLeft.set(readers.subarray(from, length), from);
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
  /** No result will come: its step is never issued. */
  forgo(tag: number): void {
    this.#state[tag] = FORGONE;
  }
  /** Removes one reader; with the last one the value is dropped. */
  drop(tag: number): void {
    if (--this.#readersLeft[tag]! === 0) this.#values[tag] = undefined;
  }
}
