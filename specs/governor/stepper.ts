/** The machine as a function: from a state and an event to the next state and the answer. A mistake that throws does so
 *  synchronously, and not later from an actor; and one state can be left by several events. */
import { createActor, type AnyStateMachine } from 'xstate';
import { compile } from '../../machines/table/compile.ts';
import type { GovernorTunables } from '../../machines/governor/governor.ts';
import type { Ladder, OperatingPoint } from '../../machines/governor/operating-point.ts';
import {
  operatingPointOf,
  type TempoGovernorContext,
  type TempoGovernorEvent,
} from '../../machines/governor/tempo-governor.ts';

/** What a governor begins with. */
export interface Beginning {
  readonly ladder: Ladder;
  readonly tunables?: GovernorTunables;
}

/** Where the machine is. */
export interface GovernorState {
  readonly value: string;
  readonly context: TempoGovernorContext;
}

/** One action of the machine, with the point that its context stands for at that moment. */
export interface GovernorOutput {
  readonly action: string;
  readonly point: OperatingPoint;
}

export interface GovernorStepper {
  begin(setting: Beginning): GovernorState;
  step(
    from: GovernorState,
    event: TempoGovernorEvent,
  ): readonly [to: GovernorState, said: readonly GovernorOutput[]];
}

const made = new WeakMap<AnyStateMachine, GovernorStepper>();

/** The machine, compiled once. */
export function stepperOf(machine: AnyStateMachine): GovernorStepper {
  const known = made.get(machine);
  if (known !== undefined) return known;
  let said: GovernorOutput[] = [];
  const say = ({ context }: { context: unknown }) => {
    said.push({ action: 'setOperatingPoint', point: operatingPointOf(context as TempoGovernorContext) });
  };
  const logic = compile(machine.provide({ actions: { setOperatingPoint: say } } as never));
  const self = createActor(logic as never, { input: { unit: 'u' } } as never); // never started: only its name is used
  const scope = { self, system: self.system, id: self.id, sessionId: self.sessionId } as never;
  const stepper: GovernorStepper = {
    begin: ({ ladder, tunables }) =>
      logic.getInitialSnapshot(scope, {
        unit: 'u',
        ladder,
        ...(tunables && { tunables }),
      } as never),
    step(from, event) {
      said = [];
      return [logic.transition(from as never, event as never, scope), said];
    },
  };
  made.set(machine, stepper);
  return stepper;
}
