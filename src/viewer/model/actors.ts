/** Actors as a family: each under its parent, in order of appearance. */
import type { ActorRow, LoadedTrace } from './trace.ts';

export interface FamilyMember {
  readonly actor: ActorRow;
  readonly depth: number;
}

export function actorFamily(trace: LoadedTrace): FamilyMember[] {
  const children = new Map<string, ActorRow[]>();
  const roots: ActorRow[] = [];
  for (const actor of trace.actors) {
    const { parent } = actor;
    if (parent === undefined || parent === actor.session || trace.find(parent) === undefined)
      roots.push(actor);
    else {
      const siblings = children.get(parent);
      if (siblings === undefined) children.set(parent, [actor]);
      else siblings.push(actor);
    }
  }
  const members: FamilyMember[] = [];
  const seen = new Set<ActorRow>();
  // A stack and not a recursion: a trace may say that a thousand actors are each the next one's parent.
  const open = (from: ActorRow[]) => {
    const stack = from.toReversed().map((actor) => ({ actor, depth: 0 }));
    for (let member = stack.pop(); member !== undefined; member = stack.pop()) {
      if (seen.has(member.actor)) continue;
      seen.add(member.actor);
      members.push(member);
      const { depth } = member;
      for (const child of (children.get(member.actor.session) ?? []).toReversed())
        stack.push({ actor: child, depth: depth + 1 });
    }
  };
  open(roots);
  open(trace.actors.filter((actor) => !seen.has(actor))); // each other's parents
  return members;
}
