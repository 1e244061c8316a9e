/** The parts of a transcript: what agents receive, order or send while a step is taken. */

/** One message that an agent receives or sends, before it is put into words. */
export type Utterance = AgentInput | BusOrder | AgentOutput;
export interface AgentInput {
  readonly what: 'heard';
  readonly agent: number;
  readonly key: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly words: readonly string[];
  /** From its own agent, and not from memory. */
  readonly own: boolean;
}
export interface BusOrder {
  readonly what: 'ordered';
  readonly by: number;
  readonly text: string;
  readonly outcome: string;
}
export interface AgentOutput {
  /** To the bus, or without a receiver. */
  readonly what: 'said' | 'begun';
  readonly by: number;
  readonly text: string;
}
