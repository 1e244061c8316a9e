/** What an agent is charged for a copy that it is sent. */
import { patchesSince, type Copy } from '../../actors/coherence/index.ts';
import type { Cause } from './ledger.ts';
import type { Slot } from './slot.ts';

export function charge(slot: Slot, { value, version }: Copy, pushed?: 'broadcast'): void {
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
