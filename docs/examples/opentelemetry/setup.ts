/** OpenTelemetry's SDK, set up by hand so that nothing but `@opentelemetry/sdk-trace-base` is needed. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, ROOT_CONTEXT, trace, type Context, type ContextManager } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** Knows within which span one is, across every `await`. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active = () => this.#storage.getStore() ?? ROOT_CONTEXT;
  with: ContextManager['with'] = (given, call, self, ...args) =>
    this.#storage.run(given, () => call.apply(self as never, args));
  bind: ContextManager['bind'] = (_given, target) => target;
  enable = () => this;
  disable = () => this;
}

export const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new Contexts());
