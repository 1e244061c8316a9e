/** A message that cannot be read is refused, with its place. */
import { extractSignal, WireError } from 'tutti/protocols';

try {
  extractSignal({
    params: { hct_signal: { type: 'cue', source: 'conductor', performance: { urgency: 11 } } },
  });
} catch (error) {
  if (error instanceof WireError) console.log(error.path, '|', error.remedy);
}
