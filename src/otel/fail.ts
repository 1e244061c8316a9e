/** Records an error on a span. Messages may quote secrets, so secrets are removed first. */
import { SpanStatusCode, type Span } from '@opentelemetry/api';
import { hider } from '../trace/secrets.ts';

const hide = hider();
const LONGEST = 500;

export function fail(span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  const { statusCode } = error as { statusCode?: unknown };
  span.setAttribute('error.type', typeof statusCode === 'number' ? String(statusCode) : name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: hide(message).slice(0, LONGEST) });
}
