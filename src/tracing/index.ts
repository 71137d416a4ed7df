import type { Tracing } from './start-tracing.js';

export type { Tracing } from './start-tracing.js';

/**
 * Exports traces where the environment names somebody who takes them.
 *
 * @param service the name of the service where OTEL_SERVICE_NAME does not say it
 * @returns undefined where nobody takes traces: then nothing of OpenTelemetry's SDK is loaded
 */
export async function tracingOf(service: string, env: NodeJS.ProcessEnv = process.env): Promise<Tracing | undefined> {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (!endpoint || env['OTEL_SDK_DISABLED'] === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return undefined;
  const { startTracing } = await import('./start-tracing.js');
  return startTracing(service);
}
