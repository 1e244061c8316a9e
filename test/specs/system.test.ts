/** Claims: a `system` does what the machines would do (nested, parallel and history states, delays, invoked actors,
 *  what is sent); its channels lose, repeat, overtake and fill up as their options state; what cannot be explored is
 *  refused. */
import {
  assign,
  createMachine,
  emit,
  fromPromise,
  raise,
  sendParent,
  sendTo,
  setup,
  type AnyStateMachine,
} from 'xstate';
import { describe, expect, test } from 'vitest';
import { explore, system, type Channel, type Member, type SystemOptions } from 'tutti/specs';
import { NotExplorableError } from '../../specs/harness/plain.ts';
import { stateNames } from '../../specs/harness/part.ts';
import { player } from './machines.ts';

const told = (to: string, ...types: string[]) => ({
  initial: null,
  may: () => types.map((type) => ({ to, event: { type } })),
});
const alone = (it: AnyStateMachine | Member, ...events: string[]) =>
  system<null>({ machines: { it }, surroundings: told('it', ...events) });
const machine = (config: object, implementations: object = {}) =>
  createMachine(config as never, implementations as never) as unknown as AnyStateMachine;

describe('a statechart with everything', () => {
  const it = { machine: player, outcomes: { load: [{ output: 1 }, { error: 'no disc' }] } };
  test('is explored to its end: regions, delays, actors and history', async () => {
    const { worlds, violation } = await explore(alone(it, 'POWER', 'LOAD', 'PRESS', 'RESET'));
    expect(violation).toBeUndefined();
    const seen = new Set(worlds.map(({ parts }) => stateNames(player, parts['it']!.value).join(' ')));
    const decks = ['on.deck.empty', 'on.deck.loading', 'on.deck.playing'];
    const regions = decks.flatMap((deck) => ['dim', 'bright'].map((light) => `${deck} on.light.${light}`));
    expect(seen).toEqual(new Set(['off', ...regions]));
    for (const { parts } of worlds) {
      const { value, running, timers } = parts['it']!;
      const names = stateNames(player, value);
      expect(running.map(({ id }) => id)).toEqual(names.includes('on.deck.loading') ? ['load'] : []);
      const delays = timers.map(({ delay }) => delay).sort();
      expect(delays).toEqual(
        [
          ...(names.includes('on.deck.playing') ? [3_000] : []),
          ...(names.includes('on.light.bright') ? [500] : []),
        ].sort(),
      );
    }
  });
  test('history leads back to where it was, and an actor ends once', async () => {
    const { model, initial } = { model: alone(it, 'POWER', 'LOAD', 'RESET'), initial: alone(it).initial };
    const go = (world: typeof initial, text: string) => {
      const step = model.steps(world).find((one) => model.label!(one).endsWith(text));
      return model.after(world, step!).world;
    };
    const playing = ['POWER', 'LOAD', 'load is done output=1'].reduce(go, initial);
    expect(playing.parts['it']!.context).toEqual({ tracks: 1 });
    expect(model.steps(playing).some(({ kind }) => kind === 'outcome')).toBe(false);
    const off = go(playing, 'POWER');
    expect(off.parts['it']!.value).toBe('off');
    expect(go(off, 'RESET').parts['it']!.value).toEqual({ on: { deck: 'playing', light: 'dim' } });
  });
  test('an actor that ends, and a delay that ends, are over also where no machine changes its state', async () => {
    const still = machine({
      initial: 'a',
      states: {
        a: {
          entry: raise({ type: 'TICK' }, { delay: 10, id: 't' }),
          invoke: { src: 'load', id: 'load', onDone: { actions: [] } },
          on: { TICK: {} },
        },
      },
    });
    const loading = setup({ actors: { load: fromPromise(async () => 1) } });
    const config = (still as AnyStateMachine).config;
    const both = loading.createMachine(config as never) as unknown as AnyStateMachine;
    const { situations, steps, worlds } = await explore(
      alone({ machine: both, outcomes: { load: [{ output: 1 }] } }),
    );
    expect([situations, steps]).toEqual([4, 4]); // each of the two ends, in either order
    expect(worlds.at(-1)!.parts['it']).toMatchObject({ timers: [], running: [] });
  });
  test('a machine that is done receives nothing more', () => {
    const ended = machine({
      initial: 'a',
      on: { GO: { actions: 'say' } },
      states: { a: { on: { END: 'z' } }, z: { type: 'final' } },
    });
    const model = alone(ended, 'END', 'GO');
    const [end, go] = model.steps(model.initial);
    const done = model.after(model.initial, end!).world;
    expect(model.after(model.initial, go!).reactions[0]!.outputs).toHaveLength(1);
    expect(model.after(done, go!).reactions[0]!.outputs).toEqual([]);
  });
  test('an actor without outcomes is an error that shows what to write', async () => {
    await expect(explore(alone(player, 'POWER', 'LOAD'))).rejects.toThrow(/"load".*outcomes: \{ "load"/);
  });
});

test('emitted events, events for the parent and named actions are received, in order, with their fields', () => {
  const speaker = machine(
    {
      initial: 'a',
      states: {
        a: {
          on: {
            GO: { target: 'b', actions: ['first', { type: 'second', params: { n: 2 } }, 'third', 'fourth'] },
          },
        },
        b: {},
      },
    },
    {
      actions: {
        first: emit({ type: 'E', n: 1 } as never),
        second: () => {},
        third: sendParent({ type: 'P', n: 3 }),
        fourth: raise({ type: 'R' }),
      },
    },
  );
  const { model } = { model: alone(speaker, 'GO') };
  const { reactions: heard } = model.after(model.initial, model.steps(model.initial)[0]!);
  expect(heard[0]!.outputs).toEqual([
    { kind: 'emitted', type: 'E', event: { type: 'E', n: 1 } },
    { kind: 'action', type: 'second', event: { type: 'second', n: 2 } },
    { kind: 'sent', type: 'P', event: { type: 'P', n: 3 }, to: 'parent' },
  ]);
});

test('output without a channel is delivered in order, and may not go on indefinitely', () => {
  const echo = machine({ on: { PING: { actions: emit({ type: 'PING' } as never) } } });
  const options: SystemOptions<null> = {
    machines: { a: echo, b: echo },
    hears: ({ event }, by) => ({ to: by === 'a' ? 'b' : 'a', event }),
    surroundings: told('a', 'PING'),
  };
  const model = system(options);
  expect(() => model.after(model.initial, model.steps(model.initial)[0]!)).toThrow(
    'more than 1000 words in one step',
  );
});

describe('a channel', () => {
  const sender = machine({
    on: {
      SEND: { actions: emit({ type: 'LETTER' } as never) },
      OTHER: { actions: emit({ type: 'NOTE' } as never) },
    },
  });
  const reader = machine(
    { context: { got: '' }, on: { LETTER: { actions: 'read' }, NOTE: { actions: 'read' } } },
    {
      actions: {
        read: assign({ got: ({ context, event }: any) => `${context.got}${event.type[0]}` } as never),
      },
    },
  );
  /** A letter and a note are sent, in this order; what may the reader have got in the end? */
  const got = async (channel: Channel): Promise<string[]> => {
    const model = system<number>({
      machines: { sender, reader },
      channels: { post: channel },
      hears: ({ event }) => ({ to: 'reader', event, over: 'post' }),
      surroundings: {
        initial: 0,
        may: ({ surroundings }) =>
          surroundings < 2 ? [{ to: 'sender', event: { type: ['SEND', 'OTHER'][surroundings]! } }] : [],
        after: ({ surroundings }, { kind }) => surroundings + (kind === 'tell' ? 1 : 0),
      },
    });
    const { worlds } = await explore(model, {
      canonical: ({ parts, ...rest }) => ({ ...rest, got: parts['reader']!.context.got.slice(0, 4) }),
    });
    return [
      ...new Set(
        worlds
          .filter(({ surroundings, channels }) => surroundings === 2 && channels['post']!.length === 0)
          .map(({ parts }) => parts['reader']!.context.got as string),
      ),
    ].sort();
  };
  test('delivers each once, in order', async () => expect(await got({})).toEqual(['LN']));
  test('may lose', async () => expect(await got({ loses: true })).toEqual(['', 'L', 'LN', 'N']));
  test('may overtake', async () => expect(await got({ reorders: true })).toEqual(['LN', 'NL']));
  test('may repeat', async () =>
    expect(await got({ repeats: true })).toEqual(expect.arrayContaining(['LN', 'LLN', 'LNN'])));
  test('that is full loses, makes wait, or is an error', async () => {
    expect(await got({ capacity: 1, full: 'lose' })).toEqual(['L', 'LN']);
    expect(await got({ capacity: 1, full: 'wait' })).toEqual(['LN']);
    await expect(got({ capacity: 1 })).rejects.toThrow(/channel post holds more than 1 letters.*full/);
  });
  test('has a capacity of 1 … 64', async () => {
    for (const capacity of [0, 65, 2.5]) await expect(got({ capacity })).rejects.toThrow(RangeError);
  });
});

describe('refused is', () => {
  const start = (it: AnyStateMachine) => () => alone(it);
  test('a context that is not plain data', () => {
    expect(start(machine({ context: { seen: new Map() } }))).toThrow(NotExplorableError);
    expect(start(machine({ context: { seen: new Map() } }))).toThrow('it.context.seen is a Map');
    const spawning = setup({ actors: { work: fromPromise(async () => 1) } }).createMachine({
      context: ({ spawn }) => ({ child: spawn('work') }),
    });
    expect(start(spawning as never)).toThrow('it.context.child is');
  });
  test('a context that is no plain data any more', async () => {
    const later = machine(
      { context: {}, on: { GO: { actions: 'note' } } },
      { actions: { note: assign({ at: () => new Date(0) } as never) } },
    );
    await expect(explore(alone(later, 'GO'))).rejects.toThrow('it.context.at is a Date');
  });
  test('a machine that throws dice or looks at the clock', () => {
    expect(start(machine({ context: () => ({ id: Math.random() }) }))).toThrow(
      'not a function of its state and event',
    );
  });
  test('a delayed sendTo', () => {
    const late = machine({ entry: sendTo(({ self }: any) => self, { type: 'X' }, { delay: 5 }) });
    expect(start(late)).toThrow('sends X with a delay');
  });
  test('a guard that throws, as a violation that names it', async () => {
    const broken = machine(
      { on: { GO: { guard: 'bad', actions: 'x' } } },
      {
        guards: {
          bad: () => {
            throw new Error('no such key');
          },
        },
      },
    );
    const { violation } = await explore(alone(broken, 'GO'));
    expect([violation!.kind, violation!.what]).toEqual([
      'step',
      expect.stringMatching(/^it threw: .*no such key/s),
    ]);
  });
  test('an impossible cell that occurs, as a violation', async () => {
    const sure = machine(
      { initial: 'a', states: { a: { on: { GO: 'b' } }, b: { on: { GO: { actions: 'impossible' } } } } },
      { actions: { impossible: () => {} } },
    );
    const { violation } = await explore(alone(sure, 'GO'));
    expect([violation!.what, violation!.path.length]).toEqual(['impossible: it receives GO in b', 2]);
  });
  test('no machine, too many machines, a name that is not there', () => {
    const it = machine({});
    expect(() => system({ machines: {} })).toThrow(RangeError);
    const crowd = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`m${i}`, it]));
    expect(() => system({ machines: crowd })).toThrow('33');
    expect(() => system({ machines: { a: it }, channels: { a: {} } })).toThrow('another meaning');
    const lost = system<null>({ machines: { a: it }, surroundings: told('b', 'X') });
    expect(() => lost.after(lost.initial, lost.steps(lost.initial)[0]!)).toThrow(
      'outside tells "b", and there is no such machine (a)',
    );
  });
});
