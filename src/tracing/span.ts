import {
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
} from '@opentelemetry/api';
import { errorText } from '../error-text.js';

/** A Kafka record, as far as a span is about it. */
export interface TracedRecord {
  /** Of the span: what is done, and with what. */
  readonly name: string;
  /** W3C traceparent of the message. */
  readonly traceparent: string;
  readonly attributes: Attributes;
}

/**
 * Processes a record as a span that continues the trace of its message. Where no traces are exported, it only runs.
 * Kinds and attributes are those of OpenTelemetry's semantic conventions for messaging.
 *
 * @throws whatever `run` throws; the span says why
 */
export function processInSpan<Result>(record: TracedRecord, run: () => Promise<Result>): Promise<Result> {
  return inSpan(SpanKind.CONSUMER, record, contextOf(record.traceparent), run);
}

/**
 * Sends a record as a span of its message's own trace: under the active span where that is one of the same trace. A
 * timer goes on in the span in which it was started, and what it sends may be about something else.
 *
 * @param send gets the traceparent that the message is to carry
 * @throws whatever `send` throws; the span says why
 */
export function sendInSpan<Result>(
  record: TracedRecord,
  send: (traceparent: string) => Promise<Result>,
): Promise<Result> {
  const own = contextOf(record.traceparent);
  const traceId = trace.getSpanContext(own)?.traceId;
  const parent = trace.getActiveSpan()?.spanContext().traceId === traceId ? context.active() : own;
  return inSpan(SpanKind.PRODUCER, record, parent, () => send(activeTraceparent() ?? record.traceparent));
}

function contextOf(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

function inSpan<Result>(
  kind: SpanKind,
  { name, attributes }: TracedRecord,
  parent: Context,
  run: () => Promise<Result>,
): Promise<Result> {
  const options = { kind, attributes: { 'messaging.system': 'kafka', ...attributes } };
  return trace.getTracer('node-registrar').startActiveSpan(name, options, parent, async (span) => {
    try {
      return await run();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: errorText(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** W3C traceparent of the span that is active now; undefined where none is, or where no traces are exported. */
export function activeTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** Notes in the active span that something happened. */
export function noteInSpan(what: string, attributes: Attributes): void {
  trace.getActiveSpan()?.addEvent(what, attributes);
}

/** The ids of the active span, for log lines; empty where there is none. */
export function activeIds(): { readonly trace_id?: string; readonly span_id?: string } {
  const active = trace.getActiveSpan()?.spanContext();
  if (active === undefined || !isSpanContextValid(active)) return {};
  return { trace_id: active.traceId, span_id: active.spanId };
}
