/** How an agent gives back what it has. */
import type { AgentState } from './agent-state.ts';

/** Ends what is held, gives every copy back, and leaves. Settles also when the bus goes away meanwhile. */
export async function closeAgent(agent: AgentState): Promise<void> {
  agent.stopWaiting();
  await Promise.all([...agent.holds].map((hold) => hold.release()));
  const { replica } = agent.space;
  for (const slot of agent.slots.values()) {
    await slot.lock();
    // A line that waits for a copy has nothing to evict; memory forgets its request.
    if (slot.line.state === 'IS' && agent.dead === undefined)
      agent.sender.send({ op: 'evict', key: slot.key });
    else replica.send(slot.line, 'EVICT');
    slot.forget();
    slot.unlock();
  }
  if (agent.dead !== undefined) return;
  if (agent.slots.size > 0) agent.sender.send({ op: 'leave' });
  replica.forget(agent.sender);
  agent.slots.clear();
}

/** Gives the copy of a key up; the next read fetches it. */
export async function evict(agent: AgentState, key: string, signal: AbortSignal | undefined): Promise<void> {
  const slot = await agent.enter(key, signal);
  try {
    while (slot.line.state === 'IS') {
      slot.refuseEnded();
      await slot.changed(agent.whileOpen(signal));
    }
    slot.replica.send(slot.line, 'EVICT');
    slot.forget();
    slot.known = -1;
    slot.seen = 0;
  } finally {
    slot.unlock();
  }
}
