/** The same programs, run by the machines that run agents: compiled reservation stations and functional units on the
 *  bus within one process, whose pulses are the broadcasts.
 *
 *  This adapter owns what hardware has and an agent's run has not: the clock, issue in order, and who may use a common
 *  data bus. Whether a station is ready, executes, or is free again is decided by the station's own state. */
import { createActor, type Actor } from 'xstate';
import { createBus, type InProcessBus } from '../../actors/bus/in-process-bus.ts';
import { compile, type CompiledLogic } from '../../machines/table/compile.ts';
import {
  functionalUnit,
  grantable,
  type FunctionalUnitMachine,
} from '../../machines/tomasulo/functional-unit.ts';
import { pulse, type Pulse } from '../../machines/hct/pulse.ts';
import {
  reservationStation,
  type ReservationStationMachine,
} from '../../machines/tomasulo/reservation-station.ts';
import { initialValue, never, resultOf, type Case, type Registers, type Timing } from './model.ts';

/** Mistakes that can be made on purpose, to see whether they are noticed. */
export interface Seeded {
  /** Ready only when the received tags EQUAL the awaited ones; they should only have to contain them. */
  readonly exactMatch?: boolean;
  /** The instruction whose broadcast reaches no waiting station. */
  readonly lost?: number;
  /** Results bear the register's name, not a unique name. */
  readonly noRenaming?: boolean;
}

export interface MachineResult {
  readonly times: Timing[];
  readonly registers: Registers;
  /** Events that the machines call impossible, and that happened. */
  readonly impossible: string[];
}

/** Runs the program until it ends, or until nothing more can happen. */
export function runMachines(given: Case, seeded: Seeded = {}): MachineResult {
  const core = new Core(given, seeded);
  try {
    while (core.cycle());
    return core;
  } finally {
    core.stop();
  }
}

interface Station {
  readonly actor: Actor<CompiledLogic<ReservationStationMachine>>;
  readonly kind: string;
  instruction: number;
  /** What each operand is, or the tag of the result that will be it. */
  operands: Operand[];
  ends: number;
}
interface Operand {
  readonly awaits: number | undefined;
  value: number | undefined;
}
interface Unit {
  readonly actor: Actor<CompiledLogic<FunctionalUnitMachine>>;
  readonly waiting: Station[];
}

const stationLogic = compile(reservationStation);
const unitLogic = compile(functionalUnit);
const byAge = (a: Station, b: Station) => a.instruction - b.instruction;

class Core implements MachineResult {
  readonly times: Timing[];
  readonly registers: Registers = {};
  readonly impossible: string[] = [];
  readonly #given: Case;
  readonly #seeded: Seeded;
  readonly #bus: InProcessBus = createBus();
  readonly #stations: Station[] = [];
  readonly #units = new Map<string, Unit>();
  /** By register: the tag of the result that it will hold. */
  readonly #status = new Map<string, number>();
  readonly #names: string[];
  #now = 0;
  #next = 0;
  #events = 0;
  // Output of the machines that no stage has processed yet.
  #requests: Station[] = [];
  #done: Station[] = [];
  #writes: Station[] = [];

  constructor(given: Case, seeded: Seeded) {
    this.#given = given;
    this.#seeded = seeded;
    this.#names = [...new Set(given.program.map(({ writes }) => writes))];
    this.times = given.program.map(never);
    const at = ({ context }: { context: { station: number } }) => this.#stations[context.station] as Station;
    const impossible = ({ event }: { event: { type: string } }) => void this.impossible.push(event.type);
    const logic = stationLogic.provide({
      actions: {
        requestUnit: (said) => void this.#requests.push(at(said)),
        start: (said) => this.#start(at(said)),
        broadcast: (said) => void this.#writes.push(at(said)),
        release: (said) => void (at(said).instruction = -1),
        impossible,
      },
    });
    for (const [kind, { stations, units }] of Object.entries(given.hardware.classes)) {
      const waiting: Station[] = [];
      const grant = (count: number) => {
        for (const station of waiting.splice(0, count)) station.actor.send({ type: 'GRANT_UNIT' });
      };
      const actions = {
        grant: () => grant(1),
        grantQueued: ({ context }: { context: Parameters<typeof grantable>[0] }) => grant(grantable(context)),
        impossible,
      };
      const unit = createActor(unitLogic.provide({ actions }), { input: { unit: kind, capacity: units } });
      this.#units.set(kind, { actor: unit.start(), waiting });
      for (let i = 0; i < stations; i++) {
        const actor = createActor(logic, { input: { station: this.#stations.length } }).start();
        this.#stations.push({ actor, kind, instruction: -1, operands: [], ends: Infinity });
      }
    }
    // The register file snoops, too, and takes a result only while it is the last one that was named.
    this.#bus.signals.subscribe(({ signal }) => {
      if (signal.type !== 'pulse') return;
      for (const [name, tag] of this.#status)
        if (tag === signal.tag) {
          this.registers[name] = signal.value as number;
          this.#status.delete(name);
        }
    });
  }

  /** One cycle. Stages go from the back of the pipeline's effects to its front, so that each sees what the cycle before
   *  left: a station freed now is issued to in the next cycle, an operand broadcast now is used in the next cycle.
   *  @returns whether anything can still happen. */
  cycle(): boolean {
    this.#now++;
    this.#events = 0;
    this.#execute();
    this.#issue();
    this.#write();
    this.#complete();
    return (
      this.#events > 0 || this.#stations.some(({ ends }) => ends !== Infinity) || this.#writes.length > 0
    );
  }
  stop(): void {
    for (const { actor } of this.#stations) actor.stop();
    for (const { actor } of this.#units.values()) actor.stop();
    void this.#bus.close();
  }

  #execute(): void {
    const requests = this.#requests.splice(0);
    for (const station of requests) this.#unitOf(station).waiting.push(station);
    for (const { waiting } of this.#units.values()) waiting.sort(byAge);
    for (const station of this.#done.splice(0)) this.#unitOf(station).actor.send({ type: 'RELEASE' });
    for (const station of requests) this.#unitOf(station).actor.send({ type: 'ACQUIRE' });
  }
  #start(station: Station): void {
    const { op } = this.#given.program[station.instruction]!;
    this.#time(station, 'start');
    station.ends = this.#now + this.#given.hardware.ops[op]!.latency - 1;
  }

  #issue(): void {
    const instruction = this.#given.program[this.#next];
    if (instruction === undefined) return;
    const { class: kind } = this.#given.hardware.ops[instruction.op]!;
    const station = this.#stations.find(
      (station) => station.kind === kind && station.actor.getSnapshot().matches('free'),
    );
    if (station === undefined) return;
    station.instruction = this.#next++;
    station.operands = instruction.reads.map((name) => {
      const awaits = this.#status.get(name);
      return { awaits, value: awaits === undefined ? this.#read(name) : undefined };
    });
    const awaited = new Set(station.operands.flatMap(({ awaits }) => awaits ?? []));
    const tag = this.#tag(station);
    this.#status.set(instruction.writes, tag);
    this.#time(station, 'issue');
    this.#snoop(station, awaited);
    station.actor.send({ type: 'ISSUE', tag, missing: awaited.size });
  }

  /** Captures what is awaited as it passes. */
  #snoop(station: Station, awaited: ReadonlySet<number>): void {
    if (this.#seeded.exactMatch && awaited.size > 0) return this.#snoopExactly(station, awaited);
    for (const tag of awaited) {
      const listening = this.#bus.on(tag).subscribe(({ signal }) => {
        if (tag === this.#seeded.lost) return;
        listening.unsubscribe();
        capture(station, signal as Pulse);
        station.actor.send({ type: 'OPERAND' });
      });
    }
  }
  #snoopExactly(station: Station, awaited: ReadonlySet<number>): void {
    const heard = new Set<unknown>();
    const listening = this.#bus.signals.subscribe(({ signal }) => {
      heard.add((signal as Pulse).tag);
      capture(station, signal as Pulse);
      if (heard.size !== awaited.size || [...awaited].some((tag) => !heard.has(tag))) return;
      listening.unsubscribe();
      for (const _ of awaited) station.actor.send({ type: 'OPERAND' });
    });
  }

  #write(): void {
    for (const station of this.#writes.sort(byAge).splice(0, this.#given.hardware.buses)) {
      const { instruction, operands } = station;
      const tag = this.#tag(station);
      this.#time(station, 'write');
      const own = this.#bus.on(tag).subscribe(() => {
        own.unsubscribe();
        station.actor.send({ type: 'WRITTEN' });
      });
      const values = operands.map(({ value }) => value as number);
      void this.#bus.publish(pulse(tag, resultOf(instruction, values)));
    }
  }
  #complete(): void {
    for (const station of this.#stations) {
      if (station.ends !== this.#now) continue;
      station.ends = Infinity;
      this.#time(station, 'complete');
      this.#done.push(station);
      station.actor.send({ type: 'DONE' });
    }
  }

  #time({ instruction }: Station, event: keyof Timing): void {
    this.times[instruction]![event] = this.#now;
    this.#events++;
  }
  #tag({ instruction }: Station): number {
    return this.#seeded.noRenaming
      ? this.#names.indexOf(this.#given.program[instruction]!.writes)
      : instruction;
  }
  #read(name: string): number {
    return this.registers[name] ?? initialValue(name);
  }
  #unitOf({ kind }: Station): Unit {
    return this.#units.get(kind) as Unit;
  }
}

function capture({ operands }: Station, { tag, value }: Pulse): void {
  for (const operand of operands) if (operand.awaits === tag) operand.value = value as number;
}
