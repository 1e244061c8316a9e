/** The claim about a bus that fails under a performance. */
import { Subject } from 'rxjs';
import type { Bus } from '../../actors/bus/bus.ts';
import { VirtualClock } from '../../actors/bus/clock.ts';
import { createBus } from '../../actors/bus/in-process-bus.ts';
import type { AgentContext } from '../../actors/tomasulo/program.ts';
import type { Envelope, Signal } from '../../machines/hct/signal.ts';
import { agent } from '../score/agent.ts';
import { perform } from '../score/perform.ts';
import { scoreOf } from '../score/score.ts';
import { apiClaim, must, text } from './sample.ts';

const KINDS = ['throws', 'rejects', 'completes', 'errors', 'is silent'] as const;
interface BusCase {
  readonly kind: (typeof KINDS)[number];
  /** The publish at which the bus fails, from 1. */
  readonly at: number;
  readonly steps: number;
  readonly chained: boolean;
}

/** A bus that works up to its publish `at`, and then fails. */
function failingBus({ kind, at }: BusCase, clock: VirtualClock): Bus {
  const inner = createBus({ runId: 'bus', clock });
  const signals = new Subject<Envelope>();
  inner.signals.subscribe(signals);
  let published = 0;
  const publish = (signal: Signal, options?: { runId?: string }) => {
    if (++published < at) return inner.publish(signal, options);
    if (kind === 'throws') throw new Error('the bus is down');
    if (kind === 'rejects') return Promise.reject(new Error('the bus is down'));
    if (kind === 'completes') signals.complete();
    if (kind === 'errors') signals.error(new Error('the bus is down'));
    return inner.tip + 1;
  };
  const { runId, faults } = inner;
  return {
    ...{ runId, faults, signals, publish },
    on: (tag: never) => inner.on(tag),
    replay: (from: number) => inner.replay(from),
    get tip() {
      return inner.tip;
    },
    close: () => inner.close(),
  };
}

async function endsWithItsBus(given: BusCase): Promise<undefined> {
  const clock = new VirtualClock();
  const worker = agent({ name: 'worker', run: (_: object, { sleep }: AgentContext) => sleep(5) });
  const plans = Array.from({ length: given.steps }, (_, i) => ({
    ...{ id: `s${i}`, agent: worker.plan },
    ...(given.chained && i > 0 ? { after: [`s${i - 1}`] } : {}),
  }));
  // In real time: virtual time says nothing about a bus.
  const limits = { deliveryMs: 10, graceMs: 10 };
  const bus = failingBus(given, clock);
  const report = await perform(scoreOf('bus', plans), { bus, clock, ...limits, runId: 'run' }).report;
  must(report.status === 'failed', () => `The performance is ${report.status}, and its bus failed.`);
  const [error] = report.errors;
  const why = { throws: 'the bus is down', rejects: 'the bus is down', errors: 'the bus is down' } as const;
  const due =
    given.kind === 'completes' ? 'closed' : given.kind === 'is silent' ? 'deliver' : why[given.kind];
  must(
    error?.message.includes(due) === true,
    () => `The bus ${given.kind}, and the error says: ${error?.message ?? 'nothing'}`,
  );
  const done = report.timeline.filter(({ status }) => status === 'done').length;
  must(done < given.steps, () => `${done} of ${given.steps} steps are done, and results were lost.`);
}

export const busClaim = apiClaim('tomasulo', 'failure modes', {
  property: 'A performance whose bus fails at any result ends as failed, with an error that says so.',
  source: 'docs/decisions/0041',
  bound: `1–4 steps; a bus that ${KINDS.join(', ')}`,
  share: 0.15,
  draw: (random): BusCase => {
    const steps = random.whole(1, 4);
    return {
      kind: random.pick(KINDS),
      at: random.whole(1, steps),
      steps,
      chained: random.below(2) === 0,
    };
  },
  judge: endsWithItsBus,
  shown: (given) => [text(given)],
});
