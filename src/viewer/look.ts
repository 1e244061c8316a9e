/** The view that a person has open. It is kept in the page's address after `#`, so that a link keeps the view. */

export const VIEWS = ['score', 'lines', 'governor', 'charts', 'messages', 'notes'] as const;
export type ViewName = (typeof VIEWS)[number];

export interface Look {
  readonly view: ViewName;
  /** The row up to which everything has happened; −1 is before the first, undefined the last. */
  readonly at: number | undefined;
  /** The session id of the chosen actor. */
  readonly actor: string;
  /** The chosen step, as run and id. */
  readonly step: string;
  /** The chosen key and agent of shared state. */
  readonly key: string;
  readonly agent: string;
  /** How much of the time is seen: 1 is all of it, 8 an eighth. */
  readonly zoom: number;
  /** How many messages of the bus are drawn, up to the cursor. */
  readonly span: number;
  /** Which of several runs or counter-examples in a file. */
  readonly part: number;
  /** How the score is ordered: by agent, or as written. */
  readonly order: 'agent' | 'program';
}

export const FIRST_LOOK: Look = {
  view: 'score',
  at: undefined,
  actor: '',
  step: '',
  key: '',
  agent: '',
  zoom: 1,
  span: 40,
  part: 0,
  order: 'program',
};
const RANGES = { zoom: [1, 4_096], span: [10, 200], part: [0, 9_999], at: [-1, 1e9] } as const;

/** The address's part after `#`; only what differs from the first look. */
export function toHash(look: Look): string {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(look)) {
    if (value !== undefined && value !== FIRST_LOOK[name as keyof Look]) said.set(name, String(value));
  }
  return said.toString();
}

/** Whether an address says which view it is about. */
export const namesView = (hash: string): boolean => new URLSearchParams(hash.replace(/^#/, '')).has('view');

/** Reads it back; what makes no sense is left as it was at first. */
export function fromHash(hash: string): Look {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const number = (name: keyof typeof RANGES): number | undefined => {
    const text = said.get(name);
    const [least, most] = RANGES[name];
    const value = text === null || text === '' ? Number.NaN : Number(text);
    return Number.isInteger(value) && value >= least && value <= most ? value : undefined;
  };
  const view = VIEWS.find((name) => name === said.get('view'));
  return {
    view: view ?? FIRST_LOOK.view,
    at: number('at'),
    actor: said.get('actor') ?? '',
    step: said.get('step') ?? '',
    key: said.get('key') ?? '',
    agent: said.get('agent') ?? '',
    zoom: number('zoom') ?? FIRST_LOOK.zoom,
    span: number('span') ?? FIRST_LOOK.span,
    part: number('part') ?? FIRST_LOOK.part,
    order: said.get('order') === 'agent' ? 'agent' : 'program',
  };
}
