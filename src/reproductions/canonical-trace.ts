/** The canonical trace of Token Coherence (arXiv 2603.15183), run through the real lines and the real bus.
 *
 *  4 agents, 3 artifacts of 4,096 tokens, 40 ticks; each tick, agents in order: with probability .75 an agent acts
 *  on one artifact, and with probability V it writes. No other draws, so that the trace is the same for every
 *  strategy. A write changes one of the artifact's 32 sections, in turn. */
import { createBus } from '../../actors/bus/in-process-bus.ts';
import type { Clock } from '../../actors/bus/clock.ts';
import type { Schema } from '../score/schema.ts';
import { coherence } from '../coherence/coherence.ts';
import type { TokenCounter } from '../coherence/counter.ts';
import { TokenLedger } from '../coherence/ledger.ts';
import { PythonRandom } from './mersenne-twister.ts';
import type { StrategyOption } from '../coherence/strategy.ts';

export const CANONICAL = {
  agents: 4,
  artifacts: 3,
  tokens: 4_096,
  ticks: 40,
  action: 0.75,
  sections: 32,
  framing: 24,
} as const;

/** One action of the trace. */
export interface Action {
  readonly tick: number;
  readonly agent: number;
  readonly artifact: number;
  readonly write: boolean;
}

/** The trace of one run. */
export function* canonicalTrace(seed: number, writeProbability: number): Generator<Action> {
  const random = new PythonRandom(seed);
  for (let tick = 0; tick < CANONICAL.ticks; tick++) {
    for (let agent = 0; agent < CANONICAL.agents; agent++) {
      if (random.random() >= CANONICAL.action) continue;
      const artifact = random.below(CANONICAL.artifacts);
      yield { tick, agent, artifact, write: random.random() < writeProbability };
    }
  }
}

/** What one run cost, and what was wrong in it. */
export interface RunFigures {
  readonly tokens: number;
  /** Actions, and those of them that found a copy. */
  readonly actions: number;
  readonly hits: number;
  /** Reads that returned another version than the newest. */
  readonly staleHits: number;
  /** Writes that were computed from another version than the newest. */
  readonly blindWrites: number;
  readonly invalidations: number;
  /** Versions written. */
  readonly writes: number;
}

interface Artifact {
  readonly sections: number[];
}
const perSection = CANONICAL.tokens / CANONICAL.sections;

/** Tokens as the trace defines them: 128 a section; a delta is its sections and 24 of framing. */
const counter: TokenCounter = {
  name: 'canonical',
  count: (value) => (value as Artifact).sections.length * perSection,
  delta: (patches) =>
    new Set(patches.map(({ path }) => path.join('/'))).size * perSection + CANONICAL.framing,
};

const artifact: Schema<Artifact, Artifact> = {
  '~standard': { version: 1, vendor: 'tutti', validate: (value) => ({ value: value as Artifact }) },
};

/** A clock that stands still between ticks. One tick is a second. */
class TickClock implements Clock {
  tick = 0;
  now(): number {
    return this.tick * 1_000;
  }
  setTimeout(): number {
    return 0;
  }
  clearTimeout(): void {}
  atEndOfInstant(): void {}
  afterThisTurn(): void {}
  work(): void {}
  rest(): void {}
}

/** Runs one trace. What is stale and what is blind is judged against a count of the writes kept apart. */
export async function runCanonical(options: {
  seed: number;
  writeProbability: number;
  strategy: StrategyOption;
  delta: boolean;
}): Promise<RunFigures> {
  const { seed, writeProbability, strategy, delta } = options;
  const keys = Array.from({ length: CANONICAL.artifacts }, (_, index) => `artifact-${index}`);
  const blank = () => ({ sections: new Array<number>(CANONICAL.sections).fill(0) });
  const ledger = new TokenLedger({ counter });
  const clock = new TickClock();
  const shared = coherence({
    bus: createBus({ clock }),
    schema: Object.fromEntries(keys.map((key) => [key, artifact])),
    initial: Object.fromEntries(keys.map((key) => [key, blank()])),
    ...{ ledger, clock, strategy, delta, history: 4_096, session: 'bench' },
  });
  const agents = Array.from({ length: CANONICAL.agents }, (_, index) => shared.agent(`agent-${index}`));
  const truth = keys.map(() => 0);
  const figures = { actions: 0, hits: 0, staleHits: 0, blindWrites: 0, writes: 0 };
  for (const action of canonicalTrace(seed, writeProbability)) {
    clock.tick = action.tick;
    const agent = agents[action.agent] as (typeof agents)[number];
    const key = keys[action.artifact] as string;
    const newest = truth[action.artifact] as number;
    figures.actions++;
    if (action.write) {
      if (agent.has(key)) figures.hits++;
      await agent.write(key, (draft) => {
        // The sum of the sections is the number of writes that this value contains.
        if (draft.sections.reduce((sum, count) => sum + count, 0) !== newest) figures.blindWrites++;
        const section = (newest + 1) % CANONICAL.sections;
        draft.sections[section] = (draft.sections[section] as number) + 1;
      });
      truth[action.artifact] = newest + 1;
      figures.writes++;
    } else {
      const { misses } = shared.counts;
      const { sections } = await agent.read(key);
      if (shared.counts.misses === misses) figures.hits++;
      if (sections.reduce((sum, count) => sum + count, 0) !== newest) figures.staleHits++;
    }
  }
  const { invalidations } = shared.counts;
  shared.stop();
  return { ...figures, tokens: ledger.tokens, invalidations };
}
