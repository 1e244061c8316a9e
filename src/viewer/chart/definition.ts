/** A machine's definition, as an inspector sends it, read into a tree of states with their transitions.
 *
 *  What is written is XState's config as JSON: functions are gone from it, so a guard or an action without a name shows
 *  as `…`. A part that is not understood is left out and named in `faults`; the rest is still drawn. */

export type StateKind = 'atomic' | 'compound' | 'parallel' | 'final' | 'history';

export interface ChartTransition {
  readonly event: string;
  readonly guard: string | undefined;
  readonly actions: readonly string[];
  /** Empty for a transition that stays where it is. */
  readonly targets: readonly ChartState[];
}
export interface ChartState {
  /** Keys from the root, joined by dots; the root's is empty. */
  readonly path: string;
  readonly key: string;
  readonly kind: StateKind;
  readonly parent: ChartState | undefined;
  readonly children: ChartState[];
  readonly initial: string | undefined;
  readonly description: string | undefined;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly string[];
  readonly transitions: ChartTransition[];
}
export interface Chart {
  readonly id: string;
  readonly root: ChartState;
  readonly byPath: ReadonlyMap<string, ChartState>;
  readonly faults: readonly string[];
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

/** More states than this are not drawn: the layout would take seconds and the picture would be unreadable. */
export const MOST_STATES = 400;

/** Reads a definition.
 *  @returns the chart, or a sentence with the reason why there is none. */
export function readChart(definition: unknown): Chart | string {
  let config = definition;
  if (typeof definition === 'string') {
    try {
      config = JSON.parse(definition);
    } catch {
      return 'The definition is not JSON.';
    }
  }
  if (!isObject(config)) return 'The definition is not an object.';
  if (!isObject(config['states']) || Object.keys(config['states']).length === 0)
    return 'The definition has no states: it is not a machine.';
  return new Reader(config).chart();
}

class Reader {
  readonly #config: Json;
  readonly #byPath = new Map<string, ChartState>();
  readonly #byId = new Map<string, ChartState>();
  readonly #configs = new Map<ChartState, Json>();
  readonly #faults: string[] = [];
  #left = 0;

  constructor(config: Json) {
    this.#config = config;
  }
  chart(): Chart {
    const id = typeof this.#config['id'] === 'string' ? this.#config['id'] : '(machine)';
    const root = this.#state(this.#config, id, undefined);
    this.#byId.set(id, root);
    if (this.#left > 0)
      this.#faults.push(`${this.#left} states beyond the first ${MOST_STATES} are not drawn`);
    for (const [state, config] of this.#configs) this.#transitions(state, config);
    return { id, root, byPath: this.#byPath, faults: this.#faults };
  }

  #state(config: Json, key: string, parent: ChartState | undefined): ChartState {
    const path = parent === undefined ? '' : parent.path === '' ? key : `${parent.path}.${key}`;
    const inner = isObject(config['states']) ? Object.entries(config['states']) : [];
    const state: ChartState = {
      path,
      key,
      kind: kindOf(config['type'], inner.length),
      parent,
      children: [],
      initial: initialOf(config['initial']),
      description: typeof config['description'] === 'string' ? config['description'] : undefined,
      entry: listOf(config['entry']).map(nameOf),
      exit: listOf(config['exit']).map(nameOf),
      invokes: listOf(config['invoke']).map((invoke) => nameOf(isObject(invoke) ? invoke['src'] : invoke)),
      transitions: [],
    };
    this.#byPath.set(path, state);
    this.#configs.set(state, config);
    if (typeof config['id'] === 'string') this.#byId.set(config['id'], state);
    for (const [name, child] of inner) {
      if (this.#byPath.size > MOST_STATES) this.#left++;
      else if (isObject(child)) state.children.push(this.#state(child, name, state));
      else this.#faults.push(`state '${name}' is not an object`);
    }
    return state;
  }

  #transitions(state: ChartState, config: Json): void {
    const add = (event: string, value: unknown) => {
      for (const one of listOf(value)) this.#transition(state, event, one);
    };
    const each = (value: unknown, label: (name: string) => string) => {
      if (isObject(value)) for (const [name, one] of Object.entries(value)) add(label(name), one);
    };
    each(config['on'], (name) => name);
    each(config['after'], (delay) => `after ${delay}${/^\d+$/.test(delay) ? ' ms' : ''}`);
    add('always', config['always']);
    add('done', config['onDone']);
    for (const invoke of listOf(config['invoke'])) {
      if (!isObject(invoke)) continue;
      const source = nameOf(invoke['src']);
      add(`${source} done`, invoke['onDone']);
      add(`${source} failed`, invoke['onError']);
    }
  }
  #transition(state: ChartState, event: string, value: unknown): void {
    const config = isObject(value) ? value : { target: value };
    const targets: ChartState[] = [];
    for (const target of listOf(config['target'])) {
      const found = typeof target === 'string' ? this.#resolve(state, target) : undefined;
      if (found !== undefined) targets.push(found);
      else
        this.#faults.push(
          `'${state.path}' on ${event} leads to '${String(target)}', which is no state of it`,
        );
    }
    const guard = config['guard'] ?? config['cond'];
    state.transitions.push({
      event,
      guard: guard === undefined ? undefined : nameOf(guard),
      actions: listOf(config['actions']).map(nameOf),
      targets,
    });
  }
  /** XState's way to name a state: `#id`, `#id.child`, `.child`, `sibling`, `sibling.child`. */
  #resolve(from: ChartState, target: string): ChartState | undefined {
    if (target.startsWith('#')) {
      // An id may itself contain dots: the longest that fits wins.
      for (let end = target.length; end > 0; end = target.lastIndexOf('.', end - 1)) {
        const base = this.#byId.get(target.slice(1, end));
        if (base !== undefined) return this.#descend(base, target.slice(end + 1));
      }
      return this.#byPath.get(target.slice(1));
    }
    if (target.startsWith('.')) return this.#descend(from, target.slice(1));
    return this.#descend(from.parent ?? from, target);
  }
  #descend(from: ChartState, way: string): ChartState | undefined {
    if (way === '') return from;
    return this.#byPath.get(from.path === '' ? way : `${from.path}.${way}`);
  }
}

function kindOf(type: unknown, children: number): StateKind {
  if (type === 'parallel' || type === 'final' || type === 'history') return type;
  return children > 0 ? 'compound' : 'atomic';
}
function initialOf(initial: unknown): string | undefined {
  const target = isObject(initial) ? listOf(initial['target'])[0] : initial;
  return typeof target === 'string' ? target.replace(/^\./, '') : undefined;
}
/** The name of a guard, an action or a source; functions have none in JSON. */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!isObject(value)) return '…';
  const params = value['params'];
  const name =
    typeof value['type'] === 'string' ? value['type'] : typeof value['src'] === 'string' ? value['src'] : '…';
  if (!isObject(params)) return name;
  const said = Object.values(params).filter((one) => ['string', 'number', 'boolean'].includes(typeof one));
  return said.length === 0 ? name : `${name}(${said.join(', ')})`;
}
