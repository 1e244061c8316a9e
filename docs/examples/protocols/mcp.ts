/** A tool call that carries a signal, and the server that reads it. */
import { createBus } from 'tutti';
import { cue } from 'tutti/machines';
import { createMCPToolCall, extractSignal } from 'tutti/protocols';

const signal = cue({ source: 'conductor', targets: ['reviewer'], urgency: 8, tempo: 'vivace' });
const { wire, lossy } = createMCPToolCall(1, 'review', { repo: '.' }, signal);
console.log(wire.method, lossy);

const received = JSON.parse(JSON.stringify(wire)); // what the server has read from its connection
const bus = createBus();
bus.signals.subscribe(({ signal: { type } }) => console.log('on the bus:', type));
const heard = extractSignal(received);
if (heard !== undefined) bus.publish(heard);
