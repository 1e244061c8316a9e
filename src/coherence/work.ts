/** A hold, as whoever else wants the agent's slot sees it. */
export interface OwnHold {
  /** It was reclaimed: nothing can be written under it any more. */
  readonly fenced: boolean;
  /** Gives the slot back, for a hold that was reclaimed and that nobody may have ended. */
  forfeit(): void;
}

/** What an agent is doing with a key, for as long as it does: its slot is locked then. Most slots rest, and need not
 *  carry this. */
export class Work {
  /** The own write was applied, and this is its version; −1 before. */
  accepted = -1;
  /** The key was lost, or a write of it refused. */
  fenced = false;
  /** A write or a hold is under way; what it reads is charged where it reads. */
  writing = false;
  /** It is a hold of the agent's own. */
  hold: OwnHold | undefined = undefined;
  /** Whose turn comes afterwards. */
  queue: (() => void)[] | undefined = undefined;
  /** Who waits for the next thing that happens to the line. */
  wakes: (() => void)[] | undefined = undefined;
}
