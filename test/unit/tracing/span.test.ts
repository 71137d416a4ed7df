import { describe, expect, it } from 'vitest';
import { activeIds, activeTraceparent, noteInSpan, processInSpan, sendInSpan } from '../../../src/tracing/span.js';
import { tracingOf } from '../../../src/tracing/index.js';
import { exportedSpans } from './exported-spans.js';

const TRACE = '5b8efff798038103d269b633813fc60c';
const record = (trace_id = TRACE) => ({
  name: 'process topic',
  traceparent: `00-${trace_id}-eee19b7ec3c1b174-01`,
  attributes: { 'onex.node_id': 'n-1' },
});
const sent = (traceparent: string) => Promise.resolve(traceparent);

describe('where nobody takes traces', () => {
  it('nothing of OpenTelemetry is loaded', async () => {
    for (const env of [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' },
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'none' },
    ])
      expect(await tracingOf('bridge', env)).toBeUndefined();
  });

  it('everything runs all the same, and messages carry the trace that follows from their ids', async () => {
    expect(await processInSpan(record(), () => Promise.resolve(7))).toBe(7);
    expect(await sendInSpan(record(), sent)).toBe(record().traceparent);
    expect([activeTraceparent(), activeIds()]).toEqual([undefined, {}]);
  });
});

describe('where traces are exported', () => {
  const exporter = exportedSpans();

  it('what is processed is a span of its message’s trace, with what was noted on the way', async () => {
    const ids = await processInSpan(record(), () => {
      noteInSpan('published NodeBecameActive', {});
      return Promise.resolve(activeIds());
    });
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({ name: 'process topic', parentSpanId: 'eee19b7ec3c1b174' });
    expect(span?.attributes).toEqual({ 'messaging.system': 'kafka', 'onex.node_id': 'n-1' });
    expect(span?.events.map(({ name }) => name)).toEqual(['published NodeBecameActive']);
    expect(ids).toEqual({ trace_id: TRACE, span_id: span?.spanContext().spanId });
  });

  it('what is sent meanwhile continues it', async () => {
    const traceparent = await processInSpan(record(), () => sendInSpan(record(), sent));
    const [send, process] = exporter.getFinishedSpans();
    expect(send?.parentSpanId).toBe(process?.spanContext().spanId);
    expect(traceparent).toBe(`00-${TRACE}-${send?.spanContext().spanId}-01`);
  });

  it('what is sent meanwhile about another registration is of that one’s trace', async () => {
    const other = 'a'.repeat(32);
    const traceparent = await processInSpan(record(), () => sendInSpan(record(other), sent));
    expect(traceparent.split('-')[1]).toBe(other);
  });

  it('a failure is passed on, and the span says why', async () => {
    const failing = () => Promise.reject(new Error('Temporal is away'));
    await expect(processInSpan(record(), failing)).rejects.toThrow('Temporal is away');
    expect(exporter.getFinishedSpans()[0]?.status).toMatchObject({ message: 'Temporal is away' });
  });
});
