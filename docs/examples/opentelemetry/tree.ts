/** Spans as a tree, with everything that they contain except times and ids. */
import { SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

export function printTree(spans: readonly ReadableSpan[], parent?: string, depth = 0): void {
  for (const span of spans) {
    const { name, attributes, status, parentSpanContext } = span;
    if (parentSpanContext?.spanId !== parent) continue;
    const failed = status.code === SpanStatusCode.ERROR ? `  ✕ ${status.message}` : '';
    console.log(`${'    '.repeat(depth)}${name}${failed}`);
    for (const [key, value] of Object.entries(attributes))
      console.log(`${'    '.repeat(depth)}  · ${key} = ${JSON.stringify(value)}`);
    printTree(spans, span.spanContext().spanId, depth + 1);
  }
}
