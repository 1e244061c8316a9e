/** What other processes tell a run, and which signal each message means. */
import { caesura, cue, type HctSignal } from '../../machines/hct/signal.ts';
import type { Decision } from './facts.ts';

/** What another process tells a run. */
export type InboxRequest =
  | { readonly cue: string; readonly value?: unknown }
  | { readonly refuse: string; readonly reason?: string | undefined }
  | { readonly decide: string; readonly decision: Decision };

/** The signal that a message means; undefined for a decision. */
export function signalOf(message: InboxRequest): HctSignal | undefined {
  const source = 'person';
  if ('cue' in message) {
    const payload = 'value' in message ? { payload: { answer: message.value } } : {};
    return cue({ source, targets: [message.cue], intent: 'resume', ...payload });
  }
  if (!('refuse' in message)) return undefined;
  const { refuse, reason } = message;
  return caesura({ source, targets: [refuse], ...(reason === undefined ? {} : { payload: { reason } }) });
}
