/** Messages in transit between machines: letters in order, on a channel that may lose, repeat or reorder them. */
import type { Letter, Letters, Channels } from './system-types.ts';
import { plainText, whole } from './plain.ts';
import type { Step } from './system-types.ts';

/** The channel is full, and the sender has to wait. */
export class ChannelFull extends Error {
  override name = 'ChannelFull';
}

/** Adds a letter.
 *  @throws {ChannelFull} when the sender has to wait.
 *  @throws {RangeError} when there is no room, and `full` is `error`. */
export function put(channels: Channels, letters: Letters, name: string, letter: Letter): Letters {
  const channel = channels[name];
  if (channel === undefined) {
    const there = Object.keys(channels).join(', ') || 'none';
    throw new Error(
      `system: ${letter.from} speaks over ${JSON.stringify(name)}, and there is no such channel (${there}).`,
    );
  }
  const waiting = letters[name]!;
  const { capacity = 4, full = 'error' } = channel;
  if (waiting.length < capacity) return { ...letters, [name]: [...waiting, letter] };
  if (full === 'lose') return letters;
  if (full === 'wait') throw new ChannelFull();
  throw new RangeError(
    `channel ${name} holds more than ${capacity} letters. Raise its capacity (at most 64), let it lose what there is no ` +
      "room for (full: 'lose'), or let the sender wait (full: 'wait').",
  );
}

/** @throws {RangeError} for a channel out of its range. */
export function checkChannels(channels: Channels): void {
  for (const [name, { capacity = 4 }] of Object.entries(channels))
    whole(`channel ${name}: capacity`, capacity, 1, 64);
}

/** What each channel may do next. */
export function channelSteps(channels: Channels, letters: Letters): Step[] {
  return Object.entries(letters).flatMap(([from, waiting]) => {
    const { loses = false, repeats = false, reorders = false } = channels[from]!;
    const first = reorders ? distinct(waiting) : waiting.slice(0, 1);
    return first.flatMap(({ to, event }): Step[] => [
      { kind: 'deliver', from, to, event },
      ...(loses ? [{ kind: 'lose', from, to, event } as const] : []),
      ...(repeats ? [{ kind: 'repeat', from, to, event } as const] : []),
    ]);
  });
}

/** The letters that are left after a step. */
export function lettersAfter(letters: Letters, step: Step): Letters {
  if (step.kind !== 'deliver' && step.kind !== 'lose') return letters;
  const waiting = letters[step.from]!;
  const text = plainText([step.to, step.event]);
  const at = waiting.findIndex(({ to, event }) => plainText([to, event]) === text);
  return { ...letters, [step.from]: waiting.filter((_, i) => i !== at) };
}

const distinct = (letters: readonly Letter[]): Letter[] => [
  ...new Map(letters.map((letter) => [plainText([letter.to, letter.event]), letter])).values(),
];
