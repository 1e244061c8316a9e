/** The mistakes of the manager that the paper prints (5.4) and of protocols like it, each made on purpose: the
 *  exploration has to find every one. The mistakes of the paper: it emits before the owner is decided, notifies every
 *  agent on its list, the writer included, sets states without the bus, never lets a reader back in, and names no
 *  version. */
import { createMachine, type AnyStateMachine } from 'xstate';
import { cacheLine } from '../../machines/index.ts';
import { mutant } from '../harness/mutants.ts';
import type { Request } from './liveness.ts';
import type { MemoryRule } from './rules.ts';
import type { SearchSetting } from './search.ts';

export interface Seed {
  readonly name: string;
  /** What follows, in one sentence. */
  readonly follows: string;
  readonly source: string;
  readonly setting: SearchSetting;
  /** What it breaks: a rule of worlds and steps, or that a request ends. */
  readonly breaks: { readonly rule: MemoryRule } | { readonly request: Request };
}

const line = cacheLine as unknown as AnyStateMachine;
const RACE = ['LOAD', 'STORE', 'RECLAIM'];
const two = { agents: 2, readers: 'wait', bus: 'queued' } as const;

/** M gives way to any agent that requests ownership, and to any agent that writes. */
function yielding(machine: AnyStateMachine): AnyStateMachine {
  const { states = {}, ...config } = machine.config;
  const give = { target: 'I', actions: 'drop' };
  const on = { ...states['M']!.on, SNOOP_GETM: give, SNOOP_PUT: give };
  const changed = { ...config, states: { ...states, M: { ...states['M'], on } } };
  return createMachine(changed as never, machine.implementations as never) as never;
}

export const SEEDS: readonly Seed[] = [
  {
    name: 'a bus without replay',
    follows: 'an agent that misses an entry goes on with an old state',
    source: 'paper 5.4 (Redis Pub/Sub: at most once, no replay)',
    setting: { ...two, deaf: true, events: ['LOAD', 'STORE'] },
    breaks: { rule: 'single writer' },
  },
  {
    name: 'a commit that leaves the readers invalid',
    follows: 'a reader that waited for the writer waits indefinitely',
    source: 'paper 5.4, commit_and_broadcast (no way back from invalid)',
    setting: { ...two, alike: 'none', keep: true, faults: { leaveReaders: true }, events: ['LOAD', 'STORE'] },
    breaks: { request: 'read' },
  },
  {
    name: 'the requester in its own invalidation set',
    follows: 'a writer throws away the copy that it is about to change',
    source: 'paper 5.4, acquire_exclusive (every owner on the list, the requester too)',
    setting: { ...two, faults: { invalidateRequester: true } },
    breaks: { rule: 'invalidation' },
  },
  {
    name: 'an invalidation without a version',
    follows: 'a reclaim that comes late takes the line from its next owner',
    source: 'paper 5.4, App. B (a cue bears no version)',
    setting: { ...two, faults: { reclaimStale: true } },
    breaks: { rule: 'order of holds' },
  },
  {
    name: 'a write without its epoch and version',
    follows: 'a late writer writes by a right that is gone',
    source: 'paper 5.4, commit_and_broadcast (the store is written unasked); docs/decisions/0011',
    setting: { ...two, faults: { ignoreEpoch: true, ignoreVersion: true }, events: RACE },
    breaks: { rule: 'order of holds' },
  },
  {
    name: 'ownership without a hold',
    follows: 'two writers steal the line from each other',
    source: 'paper 5.4, acquire_exclusive (the current owner is not checked); docs/decisions/0010',
    setting: { ...two, faults: { noHold: true } },
    breaks: { rule: 'table' },
  },
  {
    name: 'a line that yields while it works, as a textbook’s does',
    follows: 'two writers steal from each other, and one may never have written',
    source: 'Hennessy & Patterson, ch. 5 (M yields to BusRdX); docs/decisions/0010',
    setting: {
      ...two,
      alike: 'none',
      keep: true,
      machine: yielding(line),
      faults: { noHold: true },
      forgive: ['order of holds'],
      events: ['LOAD', 'STORE'],
    },
    breaks: { request: 'write' },
  },
  {
    name: 'ownership taken before the bus has given it',
    follows: 'a writer computes from a copy that it never had',
    source: 'paper 5.4 (states are set without the bus, whose order is meant to arbitrate)',
    setting: { ...two, machine: mutant(line, 'I STORE[0] to M').machine },
    breaks: { rule: 'data value' },
  },
  {
    name: 'a writer that stays M after its commit',
    follows: 'it writes without a right to',
    source: 'paper 5.4, commit_and_broadcast (MODIFIED although the store is written)',
    setting: { ...two, machine: mutant(line, 'MP ACCEPTED[0] to M').machine },
    breaks: { rule: 'single writer' },
  },
  {
    name: 'entries that are applied as often as they come',
    follows: 'a request that a sender repeats is granted twice',
    source: 'Lamport 1978 (a state machine’s commands are applied once); docs/decisions/0012',
    setting: { ...two, repeats: true, events: RACE, faults: { applyDuplicates: true } },
    breaks: { rule: 'table' },
  },
  {
    name: 'a compare-and-set that does not ask who holds the key',
    follows: 'it writes what another agent holds',
    source: 'docs/decisions/0011',
    setting: { ...two, faults: { ignoreHoldInCas: true } },
    breaks: { rule: 'table' },
  },
  {
    name: 'a publish whose read set is not validated',
    follows: 'two sessions write what neither would have, had it seen the other: write skew',
    source: 'Berenson et al. 1995, A5B; docs/guides',
    setting: { ...two, keys: 2, events: ['OFF'], faults: { ignoreReadSet: true } },
    breaks: { rule: 'read set' },
  },
];
