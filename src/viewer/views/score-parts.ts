/** What the parts of the score share. */
import type { ViewedScore, StepRow } from '../model/score.ts';
import type { ViewerSession } from '../session.ts';

export const ROW = 24;
/** How wide the names are: the same in the styles. */
export const labelWidth = (width: number): number => (width < 480 ? 116 : width < 1_600 ? 200 : 280);
/** A step's name in an address. */
export const lookOf = ({ run, id }: StepRow): string => `${run}/${id}`;

/** A mark for each state, so that colour is never alone. */
export const GLYPHS: Readonly<Record<string, string>> = {
  pending: '·', waiting: '○', ready: '◔', held: '‖', executing: '▶', writing: '◑', poisoned: '✕', squashed: '⊘',
  done: '✓', failed: '✕', skipped: '↷', cancelled: '⊘', defaulted: '≈', tacet: '–',
}; // prettier-ignore

export type Item = { readonly heading: string; readonly count: number } | { readonly step: StepRow };
export interface Items {
  readonly items: readonly Item[];
  /** In which row each step stands. */
  readonly rowOf: ReadonlyMap<number, number>;
}

/** The rows: steps as written, or under a heading for each agent. */
export function itemsOf({ steps }: ViewedScore, order: 'agent' | 'program'): Items {
  const items = order === 'program' ? steps.map((step) => ({ step })) : byAgent(steps);
  const rowOf = new Map<number, number>();
  items.forEach((item, row) => {
    if ('step' in item) rowOf.set(item.step.index, row);
  });
  return { items, rowOf };
}
function byAgent(steps: readonly StepRow[]): Item[] {
  const groups = new Map<string, StepRow[]>();
  for (const step of steps) {
    const mine = groups.get(step.agent);
    if (mine === undefined) groups.set(step.agent, [step]);
    else mine.push(step);
  }
  return [...groups].flatMap(([agent, mine]) => [
    { heading: agent, count: mine.length },
    ...mine.map((step) => ({ step })),
  ]);
}

/** The part of time that is in sight: all of it, or a part around the cursor. */
export function windowOf(session: ViewerSession): { from: number; to: number } {
  const { look, time } = session;
  const duration = Math.max(session.opened?.trace.duration ?? 0, time, 1e-6);
  const width = duration / look.zoom;
  const from = look.zoom === 1 ? 0 : Math.max(0, Math.min(duration - width, time - width / 2));
  return { from, to: from + width };
}
