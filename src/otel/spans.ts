/** What the spans of a performance and of its model calls share. */
import type { Tracer } from '@opentelemetry/api';

/** What spans are made with. */
export interface Spans {
  readonly tracer: Tracer;
  /** A value as JSON, hidden and cut; undefined where bodies are not wanted. */
  body(value: unknown): string | undefined;
}
