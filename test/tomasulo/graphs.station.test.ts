/** Claim: a reservation station in a live orchestrator, on a bus, follows the paths of its machine's graph. */
import { describe, expect, test } from 'vitest';
import type { AnyStateMachine, EventObject } from 'xstate';
import { OperandError } from '../../actors/tomasulo/operands.ts';
import { Orchestrator } from '../../actors/tomasulo/orchestrator.ts';
import { rename, type StepPlan } from '../../actors/tomasulo/program.ts';
import { caesura, fermata, tacet, vamp } from '../../machines/hct/factories.ts';
import {
  reservationStation,
  type StationContext,
  type StationEvent,
} from '../../machines/tomasulo/reservation-station.ts';
import type { Pulse } from '../../machines/hct/signal.ts';
import {
  Answers,
  BusOnHold,
  causable,
  cellOf,
  describePath,
  ended,
  expectExact,
  HandClock,
  pathsOf,
  turn,
  Watch,
  type MachineState,
  type Path,
} from '../harness/graphs.helpers.ts';
import { subjects } from '../table/machines.alphabets.ts';

type Issue = StationEvent & { type: 'ISSUE' };

/** How long what waits on the clock lasts, so that a test can tell it apart. */
const [SILENCE_MS, BACK_OFF_MS, SIGNAL_HOLD_MS, SCORE_HOLD_MS] = [7, 11, 13, 17];

const alphabet = subjects['reservation-station']!.events;
const isIssue = ({ type }: EventObject) => type === 'ISSUE';
/** What the issue stage sends for a step without any option. */
const plainIssues = [0, 1, 2].map((missing) => ({ type: 'ISSUE', tag: 1, missing }));

/** What cannot be caused, and why. A test checks that the list is exact. */
const AGENTS_THAT_STOP = 'an agent that was told to stop counts as failed for good, with any answer';
const NO_HOLD = 'a RESUME ends a hold, and a station that has one is held';
const FREE = 'a free station holds no step: signals, holds and a caesura address steps';
const NOT_CAUSED = {
  'free HOLD': FREE,
  'free RESUME': FREE,
  'free REFUSE': FREE,
  'free VAMP': FREE,
  'free SQUASH': FREE,
  'waiting RESUME': NO_HOLD,
  'ready RESUME': NO_HOLD,
  'executing RESUME': NO_HOLD,
  'squashed RESUME': NO_HOLD,
  'squashed DONE': AGENTS_THAT_STOP,
  'squashed DONE again': AGENTS_THAT_STOP,
  'squashed DONE again capFails': AGENTS_THAT_STOP,
  'squashed FAILED': AGENTS_THAT_STOP,
  'squashed SQUASH': 'a performance is cancelled once',
};
/** What a single path cannot cause, where others can. */
type Missing = 'every operand has passed' | 'no hold is in force' | 'it is cancelled already';

/** Whether the surroundings of a station may send this; the table decides about the rest. */
function may({ value, context }: MachineState<StationContext>, event: EventObject): boolean {
  const { missing, holds, repeats } = context;
  if (event.type === 'OPERAND' || event.type === 'FAULT') return missing > 0;
  if (event.type === 'HOLD') return holds < 2;
  // Before the last round a station does not look at it.
  if ('capFails' in event) return value !== 'executing' || repeats === 0;
  return true;
}

/** One step in a separate performance, worked by hand. */
class Stage {
  readonly clock = new HandClock();
  readonly gates = new Answers();
  readonly player = new Answers();
  readonly watch: Watch;
  readonly hold: BusOnHold;
  readonly #orchestrator: Orchestrator;
  readonly #issue: Issue;
  /** The lengths of the timers that will lift a hold of the station. */
  #holds: number[];
  #cancelled = false;
  grants = 0;

  /** @param capFails whether a vamp that is not satisfied in its last round fails */
  constructor(issue: Issue, capFails: boolean) {
    this.#issue = issue;
    const { missing, holds = 0 } = issue;
    this.watch = new Watch(`station:${missing}`);
    this.hold = new BusOnHold((signal) => signal.type === 'pulse' && signal.tag === missing);
    this.#holds = holds > 0 ? [SCORE_HOLD_MS] : [];
    const producers = Array.from({ length: missing }, (_, i): StepPlan => {
      return { id: `p${i}`, agent: { name: 'producer', run: this.gates.run } };
    });
    this.#orchestrator = new Orchestrator(rename([...producers, this.#stepUnderTest(capFails)]), {
      runId: 'graphs',
      bus: this.hold.bus,
      clock: this.clock,
      inspect: this.watch.inspect,
      graceMs: 600_000, // nothing here ends by real time
    });
    this.#silence();
  }
  #stepUnderTest(capFails: boolean): StepPlan {
    const { missing, holds = 0, retries = 0, repeats = 0, tolerant = false, fallback = false } = this.#issue;
    const reads = Object.fromEntries(Array.from({ length: missing }, (_, i) => [`o${i}`, `p${i}`]));
    return {
      id: 'sut',
      agent: { name: 'player', run: this.player.run },
      reads,
      fermata: holds > 0 ? { timeoutMs: SCORE_HOLD_MS, onTimeout: 'resume' } : undefined,
      retry: retries > 0 ? { attempts: retries + 1, delayMs: BACK_OFF_MS, factor: 1 } : undefined,
      vamp:
        repeats > 0
          ? {
              max: repeats + 1,
              until: (result) => (result as { quality: number }).quality === 1,
              onCap: capFails ? 'fail' : 'accept',
            }
          : undefined,
      join: tolerant ? 'allSettled' : undefined,
      fallback: fallback ? { value: 'default' } : undefined,
    };
  }
  /** Nothing of the agent starts until the timer of the silence fires. */
  #silence(): void {
    void this.hold.bus.publish(tacet({ source: 'test', targets: ['player'], durationMs: SILENCE_MS }));
  }

  /** Causes an event. @returns why it cannot, if so */
  async cause(before: string, event: StationEvent): Promise<Missing | undefined> {
    const { bus } = this.hold;
    const waits = ['waiting', 'ready', 'held'].includes(before);
    switch (event.type) {
      case 'ISSUE':
        this.#orchestrator.start();
        break;
      case 'OPERAND':
      case 'FAULT':
        if (this.gates.running.length === 0) return 'every operand has passed';
        if (this.#cancelled) return 'it is cancelled already';
        if (event.type === 'OPERAND') this.gates.resolve(1);
        else this.gates.reject(new Error('a gate fails'));
        break;
      case 'GRANT_UNIT':
        this.clock.fire(SILENCE_MS);
        this.grants++;
        await turn();
        this.#silence();
        break;
      case 'DONE':
        this.player.resolve({ quality: event.again === true ? 0 : 1 });
        break;
      case 'FAILED': {
        const { retries } = this.watch.state.context;
        if (before === 'squashed') this.player.resolve('too late');
        else if (event.retryable === false) this.player.reject(new OperandError('no such operand'));
        else {
          this.player.reject(new Error('fails'));
          if (retries > 0) this.#holds.push(BACK_OFF_MS);
        }
        break;
      }
      case 'HOLD': {
        const timed = { timeoutMs: SIGNAL_HOLD_MS, onTimeout: 'resume' } as const;
        void bus.publish(fermata({ source: 'test', targets: ['sut'], ...timed }));
        if (waits) this.#holds.push(SIGNAL_HOLD_MS);
        break;
      }
      case 'RESUME': {
        const ms = this.#holds.shift();
        if (ms === undefined) {
          // Holds that the station has left run out, and it receives nothing.
          for (const left of [SIGNAL_HOLD_MS, SCORE_HOLD_MS])
            while (this.clock.has(left)) this.clock.fire(left);
          await turn();
          return 'no hold is in force';
        }
        this.clock.fire(ms);
        break;
      }
      case 'REFUSE':
        void bus.publish(caesura({ source: 'test', targets: ['sut'] }));
        if (waits) this.#holds = this.#holds.filter((ms) => ms === BACK_OFF_MS); // the others are left
        break;
      case 'VAMP': {
        const maxIterations = event.rounds + 1;
        void bus.publish(vamp({ source: 'test', targets: ['sut'], maxIterations, qualityThreshold: 0.5 }));
        break;
      }
      case 'SQUASH':
        if (this.#cancelled) return 'it is cancelled already';
        this.#cancelled = true;
        this.#orchestrator.cancel();
        break;
      case 'WRITTEN':
        this.hold.deliver();
        break;
      case 'UNSENT':
        this.hold.refuse();
    }
    await turn();
    return undefined;
  }

  /** What is on its way to the bus. */
  get words(): Word[] {
    return this.hold.waiting.map((signal) => {
      const { fault, value } = signal as Pulse;
      return fault !== undefined ? 'fault' : value === 'default' ? 'default' : 'value';
    });
  }

  /** Ends the performance, wherever it is. */
  async end(): Promise<void> {
    this.#orchestrator.cancel();
    await turn();
    this.gates.end();
    this.player.end();
    this.hold.open();
    await ended(this.#orchestrator.outcome);
  }
}

/** The last round of a path's vamp decides what its step does there. */
const capFailsIn = (path: Path): boolean =>
  path.some(({ event }) => 'capFails' in event && event['capFails'] === true);

const control = ({ missing, holds, retries, repeats, tolerant, fallback }: StationContext) => ({
  missing,
  holds,
  retries,
  repeats,
  tolerant,
  fallback,
});

/** What the station puts on the bus, by the event that makes it write. */
function wordOf({ value }: MachineState, event: EventObject): Word {
  if (value === 'poisoned') return 'fault';
  return event.type === 'DONE' && !('capFails' in event) ? 'value' : 'default';
}
type Word = 'value' | 'default' | 'fault';
const isWriting = (value: string) => value === 'writing' || value === 'poisoned';

/** What is to be seen of a station after an event. */
function expected({ value, context }: MachineState<StationContext>, event: EventObject, grants: number) {
  const given = isIssue(event) ? { ...event, tag: (event as Issue).missing } : event;
  return {
    received: [given],
    value,
    context: control(context),
    runs: value === 'executing' || value === 'squashed',
    starts: grants,
  };
}
function seen({ watch, player }: Stage, event: EventObject) {
  const { value, context } = watch.state;
  // Before its last round a station does not look at `capFails`, and the paths leave it out.
  const compared = (received: EventObject) =>
    'capFails' in received && !('capFails' in event) ? { type: received.type, again: true } : received;
  return {
    received: watch.take().map(compared),
    value,
    context: control(context),
    runs: player.running.length > 0,
    starts: player.started,
  };
}

/** @returns what the path could not cause, if so */
async function follow(path: Path<StationContext>, caused: Set<string>): Promise<Missing | undefined> {
  const stage = new Stage(path[0]!.event as Issue, capFailsIn(path));
  const what = describePath(path);
  let before = 'free';
  let word: Word | undefined;
  let missing: Missing | undefined;
  for (const { event, state } of path) {
    missing = await stage.cause(before, event as StationEvent);
    if (missing !== undefined) {
      expect(stage.watch.take(), what).toEqual([]);
      break;
    }
    expect(seen(stage, event), what).toEqual(expected(state, event, stage.grants));
    if (isWriting(state.value) && !isWriting(before)) word = wordOf(state, event);
    expect(stage.words, what).toEqual(isWriting(state.value) ? [word] : []);
    const isToStop = state.value === 'squashed' || (event.type === 'REFUSE' && state.value === 'executing');
    expect(stage.player.aborted, what).toBe(isToStop);
    caused.add(cellOf(before, event));
    before = state.value;
  }
  await stage.end();
  return missing;
}

const NO_DEFAULT = 'without a default, a step that is held writes a fault';
const graphs = {
  'with every option': {
    issues: alphabet.filter(isIssue),
    mayRepeat: true,
    notCaused: NOT_CAUSED,
    paths: 1_325,
    left: { 'no hold is in force': 80, 'every operand has passed': 24 },
  },
  'without options': {
    issues: plainIssues,
    mayRepeat: false,
    notCaused: { ...NOT_CAUSED, 'writing RESUME': NO_DEFAULT },
    paths: 361,
    left: { 'no hold is in force': 22, 'every operand has passed': 12 },
  },
};

describe.each(Object.entries(graphs))('the station of a step %s', (_, graph) => {
  const events = [...graph.issues, ...alphabet.filter((event) => !isIssue(event))];
  const paths = pathsOf<StationContext>(reservationStation as unknown as AnyStateMachine, {
    input: { station: 0 },
    events: (state) =>
      events.filter(
        (event) => may(state, event) && (graph.mayRepeat || !('again' in event) || state.context.repeats > 0),
      ),
    stopWhen: ({ value, context }) => value === 'free' && context.tag >= 0,
    // A step that writes because of a fault still has its holds; one that was refused has its operands.
    entered: ({ value }, event) => (event?.type === 'FAULT' && isWriting(value) ? 'by a fault' : ''),
  });

  test(
    'follows every transition of the graph, except those that the list explains',
    { timeout: 600_000 },
    async () => {
      const caused = new Set<string>();
      const left: Record<string, number> = {};
      for (const whole of paths) {
        const path = causable(whole, 'free', graph.notCaused);
        const missing = path.length === 0 ? undefined : await follow(path, caused);
        if (missing !== undefined) left[missing] = (left[missing] ?? 0) + 1;
      }
      expectExact(paths, 'free', caused, graph.notCaused);
      expect(left).toEqual(graph.left);
      expect(paths.length).toBe(graph.paths);
    },
  );
});
