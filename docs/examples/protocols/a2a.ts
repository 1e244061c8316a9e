/** An agent that waits for an approval, as a task of A2A, and the client that reads why. */
import { fermata } from 'tutti/machines';
import { a2aTaskStatus, extractA2ASignals } from 'tutti/protocols';

const hold = fermata({ source: 'publisher', holdType: 'human', reason: 'Publish the report?' });
const { wire: status } = a2aTaskStatus(hold, 'message-1');
console.log(status.state);

const [why] = extractA2ASignals(JSON.parse(JSON.stringify(status)));
console.log(why?.type, why?.payload?.['reason']);
