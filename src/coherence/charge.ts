/** What an agent is charged for a copy that it is sent. */
import { patchesSince, type Copy, type Line } from '../../actors/coherence/index.ts';
import type { Cause } from './ledger.ts';
import type { SlotAgent } from './space.ts';

/** @param slot what the agent knows of the key: `known` is the version that it was charged for */
export function charge(
  slot: { readonly agent: SlotAgent; readonly line: Line; known: number },
  { value, version }: Copy,
  pushed?: 'broadcast',
): void {
  const { ledger, delta } = slot.agent.space;
  const before = slot.known;
  slot.known = version;
  if (ledger === undefined) return;
  const { cell } = slot.line;
  const whole = ledger.tokensOf(cell.key, version, value);
  let tokens = whole;
  let cause: Cause = pushed ?? (before < 0 ? 'coldFetch' : 'reFetch');
  if (delta && before >= 0 && pushed === undefined) {
    const patches = patchesSince(cell, before, version);
    const difference = patches === undefined ? Infinity : ledger.tokensOfDelta(patches);
    if (difference < whole) [tokens, cause] = [difference, 'delta'];
  }
  ledger.add(slot.agent.name, cell.key, cause, tokens);
}
