import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { envDetectorSync, Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import {
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Traces that are exported, and what carries them through Temporal. */
export interface Tracing {
  readonly client: WorkflowClientInterceptor;
  readonly activity: ActivityInterceptorsFactory;
  /** Sends what is left. */
  stop(): Promise<void>;
}

/**
 * Exports the spans of this process by OTLP over HTTP, as OpenTelemetry's own variables of the environment say:
 * OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME,
 * OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and the others of its specification ("Environment Variable
 * Specification").
 *
 * @param service the name of the service where OTEL_SERVICE_NAME does not say it
 */
export function startTracing(service: string): Tracing {
  const resource = new Resource({ 'service.name': service }).merge(envDetectorSync.detect());
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  // W3C context in headers, and a context that follows promises.
  provider.register();
  return {
    client: new OpenTelemetryWorkflowClientInterceptor(),
    activity: (activity) => ({
      inbound: new OpenTelemetryActivityInboundInterceptor(activity),
      outbound: new OpenTelemetryActivityOutboundInterceptor(activity),
    }),
    stop: () => provider.shutdown(),
  };
}
