/** OpenTelemetry spans for performances, steps and model calls. Needs the optional peer `@opentelemetry/api`.
 *  @module tutti/otel */
export { openTelemetry, type Telemetry, type TelemetryOptions } from './otel.ts';
