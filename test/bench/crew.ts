/** The parent's side: processes that answer in time or are ended, and rounds that alternate. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Reply, Request } from './worker.ts';
import type { WorkloadName } from './workloads.ts';

const workerFile = fileURLToPath(new URL('./worker.ts', import.meta.url));

export interface Failure {
  readonly kind: 'failed';
  readonly message: string;
}

export type Loaded = Extract<Reply, { kind: 'loaded' }>;
export type Round = Extract<Reply, { kind: 'round' }>;
export type Memory = Extract<Reply, { kind: 'memory' }>;

/** One contender in its own process. */
export class Hand {
  readonly name: string;
  readonly #child: ChildProcess;
  #complaint = '';

  constructor(name: string) {
    this.name = name;
    this.#child = fork(workerFile, {
      execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + String(chunk)).slice(-2_000);
    });
  }

  /** Asks, and waits no longer than `limitMs`. A process that is late is ended: nothing else stops a
   *  library that is busy. */
  async ask<K extends Reply['kind']>(
    request: Request,
    limitMs: number,
  ): Promise<Extract<Reply, { kind: K }> | Failure> {
    const child = this.#child;
    return new Promise((resolve) => {
      const settle = (reply: Reply): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        resolve(reply as Extract<Reply, { kind: K }> | Failure);
      };
      const onMessage = (reply: unknown): void => settle(reply as Reply);
      const onExit = (code: number | null, signal: string | null): void => {
        const why = /heap out of memory/.test(this.#complaint)
          ? 'out of memory'
          : `ended by ${signal ?? code}`;
        settle({ kind: 'failed', message: why });
      };
      const timer = setTimeout(() => {
        settle({ kind: 'failed', message: `not done in ${Math.round(limitMs / 1_000)} s` });
        this.end();
      }, limitMs);
      child.on('message', onMessage);
      child.on('exit', onExit);
      if (!child.connected) onExit(child.exitCode, child.signalCode);
      else child.send(request);
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

export interface Plan {
  readonly workload: WorkloadName;
  readonly rounds: number;
  /** Warm up for about so long, one run at least. */
  readonly warmMs: number;
  /** Runs within a round are repeated for so long: a run of half a millisecond is mostly clock. */
  readonly roundMs: number;
  /** For any one answer, and for all of a contender's rounds together. */
  readonly limitMs: number;
  readonly memory?: boolean;
}

export interface Outcome {
  readonly contender: string;
  readonly workload: WorkloadName;
  readonly rounds: Round[];
  readonly memory?: Memory | Failure;
  /** Set when there is no round to show. */
  readonly failure?: string;
}

export type Progress = (line: string) => void;

/** All contenders on one workload: warm up each, then A B C … A B C …, so that a slow minute of the
 *  machine falls on all of them. Who has used up the limit keeps the rounds it has. */
export async function measure(names: readonly string[], plan: Plan, say: Progress): Promise<Outcome[]> {
  const { workload, limitMs } = plan;
  const crew = names.map((name) => ({
    name,
    hand: new Hand(name),
    spent: 0,
    out: false,
    failure: undefined as string | undefined,
    rounds: [] as Round[],
    memory: undefined as Memory | Failure | undefined,
  }));
  const leave = (member: (typeof crew)[number], failure: Failure): void => {
    member.failure = failure.message;
    member.out = true;
    say(`${workload}: ${member.name}: ${failure.message}`);
  };
  const timed = async (member: (typeof crew)[number], atLeastMs: number): Promise<Round | undefined> => {
    const start = performance.now();
    const reply = await member.hand.ask<'round'>({ kind: 'round', workload, atLeastMs }, limitMs);
    member.spent += performance.now() - start;
    if (reply.kind === 'round') return reply;
    leave(member, reply);
    return undefined;
  };
  try {
    for (const member of crew) {
      const reply = await member.hand.ask<'loaded'>({ kind: 'load', contender: member.name }, limitMs);
      if (reply.kind === 'failed') leave(member, reply);
    }
    for (const member of crew) {
      if (member.out) continue;
      say(`${workload}: ${member.name}: warming up`);
      await timed(member, plan.warmMs);
    }
    for (const member of crew) member.spent = 0;
    for (let round = 1; round <= plan.rounds; round += 1) {
      say(`${workload}: round ${round} of ${plan.rounds}`);
      for (const member of crew) {
        if (member.out || member.spent > limitMs) continue;
        const reply = await timed(member, plan.roundMs);
        if (reply) member.rounds.push(reply);
      }
    }
    for (const member of plan.memory ? crew : []) {
      if (member.out) continue;
      say(`${workload}: ${member.name}: memory`);
      member.memory = await member.hand.ask<'memory'>({ kind: 'memory', workload }, limitMs);
    }
  } finally {
    for (const { hand } of crew) hand.end();
  }
  return crew.map(({ name, rounds, memory, failure }) => ({
    contender: name,
    workload,
    rounds,
    ...(memory === undefined ? {} : { memory }),
    ...(rounds.length === 0 ? { failure: failure ?? 'no round was done' } : {}),
  }));
}

export interface ColdOutcome extends Outcome {
  readonly loads: Loaded[];
}

/** The first run of a fresh process, as often as there are rounds, alternating as above. */
export async function measureCold(
  names: readonly string[],
  plan: Pick<Plan, 'workload' | 'rounds' | 'limitMs'>,
  say: Progress,
): Promise<ColdOutcome[]> {
  const { workload, limitMs } = plan;
  const table = names.map((contender) => ({
    contender,
    rounds: [] as Round[],
    loads: [] as Loaded[],
    failure: undefined as string | undefined,
  }));
  for (let round = 1; round <= plan.rounds; round += 1) {
    say(`cold: round ${round} of ${plan.rounds}`);
    for (const row of table) {
      if (row.failure !== undefined) continue;
      const hand = new Hand(row.contender);
      try {
        const load = await hand.ask<'loaded'>({ kind: 'load', contender: row.contender }, limitMs);
        const reply =
          load.kind === 'failed'
            ? load
            : await hand.ask<'round'>({ kind: 'round', workload, atLeastMs: 0 }, limitMs);
        if (reply.kind === 'failed') row.failure = reply.message;
        else {
          row.rounds.push(reply);
          if (load.kind === 'loaded') row.loads.push(load);
        }
      } finally {
        hand.end();
      }
    }
  }
  return table.map(({ contender, rounds, loads, failure }) => ({
    contender,
    workload,
    rounds,
    loads,
    ...(failure === undefined ? {} : { failure }),
  }));
}
