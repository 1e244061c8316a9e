/** Joins on their way: of the elements of a map, and of the reads of a step. The machine `join` decides.
 *
 *  Owns:     which parts have ended.
 *  Receives: how each part has ended.
 *  Sends:    the decision, once. */
import { createActor, type Actor, type AnyActorRef } from 'xstate';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import { join, joinOf, type Join, type JoinMachine } from '../../machines/tomasulo/join.ts';
import type { DynamicProgram } from './dynamic-program.ts';
import type { StepError } from './errors.ts';
import { INPUT } from './program.ts';
import type { TagTable } from './tag-table.ts';

const OPEN = Object.freeze({ type: 'OPEN' } as const);
const SUCCEEDED = Object.freeze({ type: 'SUCCEEDED' } as const);
const FAILED = Object.freeze({ type: 'FAILED' } as const);
const CANCEL = Object.freeze({ type: 'CANCEL' } as const);

let compiled: CompiledLogic<JoinMachine> | undefined;
/** Compiled when first needed, and once. */
const joinLogic = () => (compiled ??= compile(join));

export class PendingJoin {
  readonly #actor: Actor<CompiledLogic<JoinMachine>>;
  #decided: boolean | undefined;

  constructor(options: {
    join: Join;
    parts: number;
    /** Whether `all` fails with the first failure. */
    eager?: boolean;
    parent: AnyActorRef;
    id: string;
    impossible: (what: string) => void;
  }) {
    const { id, parent } = options;
    const logic = joinLogic().provide({
      actions: {
        meet: () => void (this.#decided = true),
        fail: () => void (this.#decided = false),
        impossible: ({ event }) => options.impossible(`join of '${id}': ${event.type}`),
      },
    });
    const input = joinOf(options.join, options.parts, options.eager);
    this.#actor = createActor(logic, { parent, id: `join:${id}`, input }).start();
    this.#actor.send(OPEN);
  }
  /** Whether there is a result; undefined while that is open. */
  get decided(): boolean | undefined {
    return this.#decided;
  }
  /** A part has ended. @returns whether that has decided the join */
  ended(ok: boolean): boolean {
    const before = this.#decided;
    this.#actor.send(ok ? SUCCEEDED : FAILED);
    return this.#decided !== before;
  }
  cancel(): void {
    this.#actor.send(CANCEL);
  }
  /** Takes it from the list of an inspector. */
  stop(): void {
    this.#actor.send({ type: 'xstate.stop' } as never);
  }
}

/** The reads of a step that waits for some of them: the edges `from … to − 1`. */
export class JoinedReads {
  readonly from: number;
  readonly to: number;
  readonly join: PendingJoin;
  /** The reads that had succeeded when it was decided: the agent receives these. */
  readonly taken = new Set<number>();
  /** The first fault; one for which something has failed, if there is one. */
  fault: StepError | undefined;

  constructor(from: number, to: number, join: PendingJoin) {
    this.from = from;
    this.to = to;
    this.join = join;
  }
  has(edge: number): boolean {
    return edge >= this.from && edge < this.to;
  }
  /** A read has its result or its fault. @returns whether that has decided the join */
  ended(edge: number, fault: StepError | undefined): boolean {
    if (this.join.decided !== undefined) return false;
    if (fault === undefined) this.taken.add(edge);
    else if (this.fault === undefined || (this.fault.isAbsence && !fault.isAbsence)) this.fault = fault;
    return this.join.ended(fault === undefined);
  }
}

/** Steps that nothing reads any more when a step has what it waits for, and those that only they read. */
export function unread(
  program: DynamicProgram,
  tags: TagTable,
  step: number,
  { from, to }: JoinedReads,
): number[] {
  const { source, firstEdge, readers } = program;
  const found: number[] = [];
  const look = (start: number, end: number): void => {
    const edges = new Map<number, number>();
    for (let edge = start; edge < end; edge++) edges.set(source[edge]!, (edges.get(source[edge]!) ?? 0) + 1);
    for (const [tag, count] of edges)
      if (tag !== INPUT && tag !== step && tags.isPending(tag) && readers[tag] === count) found.push(tag);
  };
  look(from, to);
  for (let i = 0; i < found.length; i++) look(firstEdge[found[i]!]!, firstEdge[found[i]! + 1]!);
  return found;
}
