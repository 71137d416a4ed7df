import { describe, expect, it } from 'vitest';
import { buildAck, parseAck } from '../../../src/protocol/ack.js';
import { unwrap, wrap } from '../../../src/protocol/envelope.js';
import { buildHeartbeat, parseHeartbeat } from '../../../src/protocol/heartbeat.js';
import { derivedId } from '../../../src/protocol/ids.js';
import { buildIntrospection, parseIntrospection } from '../../../src/protocol/introspection.js';
import { topicName } from '../../../src/protocol/topics.js';
import { traceparent } from '../../../src/protocol/trace.js';
import { CORRELATION, NODE } from './sample-events.js';

/** Field by field: existing nodes refuse what they do not know, so a field more or less is a fault. */

const sentAt = new Date('2026-01-31T12:00:00.000Z');
const place = { topic: 't', partition: 0, offset: '7', timestamp: sentAt.getTime() };
const node = { node_id: NODE, node_type: 'effect', node_version: '1.2.3' } as const;

function payloadOf(value: Buffer): unknown {
  return (JSON.parse(String(value)) as { payload: unknown }).payload;
}

describe('what is written', () => {
  it('an envelope with its record', () => {
    const contents = {
      message_id: CORRELATION,
      correlation_id: null,
      event_type: 'Something',
      node_id: 'mailer-1',
      sent_at: '2026-01-31T12:00:00.000Z',
      source: 'node/mailer-1',
      payload: { a: 1 },
    };
    const { key, headers, value } = wrap(contents);
    expect(key).toBe('mailer-1');
    expect(headers).toEqual({
      message_id: CORRELATION,
      event_type: 'Something',
      source: 'node/mailer-1',
      timestamp: '2026-01-31T12:00:00.000Z',
      traceparent: traceparent(CORRELATION, CORRELATION),
    });
    const envelope = {
      payload: { a: 1 },
      envelope_id: CORRELATION,
      envelope_timestamp: '2026-01-31T12:00:00.000Z',
      correlation_id: null,
      source_tool: 'node/mailer-1',
      target_tool: null,
      metadata: {
        trace_id: null,
        span_id: null,
        parent_span_id: null,
        request_id: null,
        headers: {},
        tags: {},
      },
      security_context: null,
      event_type: 'Something',
      payload_type: 'ModelSomething',
      payload_schema_version: null,
      priority: 5,
      timeout_seconds: null,
      retry_count: 0,
      request_id: null,
      trace_id: null,
      span_id: null,
      onex_version: { major: 1, minor: 0, patch: 0, prerelease: null, build: null },
      envelope_version: { major: 2, minor: 1, patch: 0, prerelease: null, build: null },
    };
    expect(JSON.parse(String(value))).toEqual(envelope);
    const more = wrap({ ...contents, correlation_id: 'c', tags: { t: 'x' }, top: { node_id: 'mailer-1' } });
    expect(more.headers.correlation_id).toBe('c');
    expect(JSON.parse(String(more.value))).toEqual({
      ...envelope,
      node_id: 'mailer-1',
      correlation_id: 'c',
      metadata: { ...envelope.metadata, tags: { t: 'x' } },
    });
  });

  it('an introspection', () => {
    const description = {
      endpoints: { api: 'http://a' },
      capabilities: ['read', 'mail.send'],
      reason: 'startup',
    } as const;
    const { headers, value } = buildIntrospection({ ...node, ...description, correlation_id: CORRELATION }, sentAt);
    expect(headers).toMatchObject({ event_type: 'NodeIntrospectionEvent', source: `node/${NODE}` });
    expect(payloadOf(value)).toEqual({
      node_id: NODE,
      node_type: 'effect',
      node_version: { major: 1, minor: 2, patch: 3, prerelease: null, build: null },
      declared_capabilities: {
        postgres: false,
        read: true,
        write: false,
        database: false,
        transactions: false,
        processing: false,
        batch_size: null,
        max_batch: null,
        supported_types: [],
        routing: false,
        feature: false,
        config: {},
        mcp: null,
        'mail.send': true,
      },
      discovered_capabilities: { operations: [], has_fsm: false, method_signatures: {}, attributes: {} },
      contract_capabilities: null,
      endpoints: { api: 'http://a' },
      current_state: null,
      reason: 'startup',
      correlation_id: CORRELATION,
      timestamp: '2026-01-31T12:00:00.000Z',
      node_role: null,
      metadata: {
        version: null,
        environment: null,
        region: null,
        cluster: null,
        description: null,
        priority: null,
        key: null,
        key1: null,
        meta: null,
      },
      network_id: null,
      deployment_id: null,
      epoch: null,
      performance_metrics: null,
      event_bus: null,
    });
  });

  it('an acknowledgement, each with an id of its own', () => {
    const [first, second] = [1, 2].map(() => buildAck({ node_id: NODE, correlation_id: CORRELATION }, sentAt));
    const command_id = first?.headers.message_id;
    expect(first?.headers).toMatchObject({ event_type: 'NodeRegistrationAcked', correlation_id: CORRELATION });
    expect(payloadOf(first?.value ?? Buffer.alloc(0))).toEqual({
      command_id,
      node_id: NODE,
      correlation_id: CORRELATION,
      timestamp: '2026-01-31T12:00:00.000Z',
    });
    expect(second?.headers.message_id).not.toBe(command_id);
  });

  it('a heartbeat, with what is known and null for the rest', () => {
    const version = { major: 1, minor: 2, patch: 3, prerelease: null, build: null };
    const common = { node_id: NODE, node_type: 'effect', node_version: version, timestamp: '2026-01-31T12:00:00.000Z' };
    const little = buildHeartbeat({ ...node, uptime_seconds: 3.5 }, sentAt);
    expect(little.headers.event_type).toBe('NodeHeartbeatEvent');
    expect(payloadOf(little.value)).toEqual({
      ...common,
      uptime_seconds: 3.5,
      active_operations_count: 0,
      memory_usage_mb: null,
      cpu_usage_percent: null,
      correlation_id: null,
    });
    const all = { uptime_seconds: 1, active_operations_count: 2, memory_usage_mb: 3, cpu_usage_percent: 4 };
    expect(payloadOf(buildHeartbeat({ ...node, ...all, correlation_id: CORRELATION }, sentAt).value)).toEqual({
      ...common,
      ...all,
      correlation_id: CORRELATION,
    });
  });
});

describe('what is read', () => {
  const bytes = (json: unknown) => Buffer.from(JSON.stringify(json));

  it('both forms of a message', () => {
    expect(unwrap(bytes({ a: 1, envelope_id: CORRELATION }))).toEqual({
      ok: true,
      payload: { a: 1, envelope_id: CORRELATION },
      envelope: null,
      envelope_id: null,
      correlation_id: null,
    });
    const envelope = { payload: { a: 1 }, envelope_id: CORRELATION.toUpperCase(), correlation_id: 'c' };
    expect(unwrap(bytes(envelope))).toEqual({
      ok: true,
      payload: { a: 1 },
      envelope,
      envelope_id: CORRELATION,
      correlation_id: 'c',
    });
    expect(unwrap(bytes({ payload: {}, envelope_id: 'mine', correlation_id: null }))).toMatchObject({
      envelope_id: null,
      correlation_id: null,
    });
  });

  it.each([
    [{ payload: null }, 'payload: expected object, got null'],
    [{ payload: [] }, 'payload: expected object, got a list of 0'],
    [{ payload: {}, envelope_id: 7 }, 'envelope_id: expected string, got 7'],
    [
      { payload: {}, correlation_id: 'a b' },
      'correlation_id: expected 1 to 128 printable ASCII characters without blanks, got "a b"',
    ],
  ])('%j is no envelope', (envelope, reason) => {
    expect(unwrap(bytes(envelope))).toEqual({ ok: false, reason });
  });

  const beat = (fields: object, record = place) =>
    parseHeartbeat(bytes({ node_id: 'a', node_type: 'effect', ...fields }), record);

  it.each([
    [{ uptime_seconds: 0, memory_usage_mb: 0, cpu_usage_percent: 0, active_operations_count: 0 }, []],
    [{ uptime_seconds: null, memory_usage_mb: 1.5, cpu_usage_percent: 100, timestamp: null, correlation_id: null }, []],
    [{ uptime_seconds: -0.5 }, ['uptime_seconds']],
    [{ memory_usage_mb: -1 }, ['memory_usage_mb']],
    [{ cpu_usage_percent: -1 }, ['cpu_usage_percent']],
    [{ cpu_usage_percent: 250 }, ['cpu_usage_percent']],
    [{ active_operations_count: -1 }, ['active_operations_count']],
    [{ active_operations_count: 1.5 }, ['active_operations_count']],
    [{ uptime_seconds: 'x', node_version: 'new' }, ['node_version', 'uptime_seconds']],
    [{ timestamp: '2026-01-31T12:00:00', correlation_id: '' }, ['correlation_id', 'timestamp']],
    [{ node_type: 'EFFECT_GENERIC', correlation_id: 7 }, ['node_type', 'correlation_id']],
  ])('a heartbeat with %j is its node_id: what means nothing is dropped', (fields, dropped) => {
    expect(beat(fields)).toEqual({ ok: true, message: { node_id: 'a', at: sentAt.toISOString(), dropped } });
  });

  it('a heartbeat in an envelope whose ids mean nothing, without a type, and with Python’s NaN', () => {
    const read = (text: string) => parseHeartbeat(Buffer.from(text), place);
    const message = { node_id: 'a', at: sentAt.toISOString(), dropped: [] };
    expect(read('{"payload":{"node_id":"a"},"envelope_id":7,"correlation_id":""}')).toEqual({ ok: true, message });
    expect(read('{"node_id":"a","uptime_seconds":NaN,"memory_usage_mb":-Infinity,"correlation_id":NaN}')).toEqual({
      ok: true,
      message,
    });
    expect(read('{"node_id":NaN}')).toEqual({ ok: false, reason: 'node_id: expected string, got null' });
  });

  it('an epoch from 0', () => {
    const epoch = (value: unknown) =>
      parseIntrospection(bytes({ node_id: 'a', node_type: 'effect', epoch: value }), place);
    expect(epoch(0)).toMatchObject({ message: { epoch: 0 } });
    expect(epoch(-1)).toEqual({ ok: false, reason: 'epoch: expected at least 0, got -1' });
    expect(epoch(1.5)).toEqual({ ok: false, reason: 'epoch: expected int, got 1.5' });
  });

  it('an acknowledgement under its command_id, else under its envelope_id, else under its place', () => {
    const payload = { node_id: 'a', correlation_id: 'c' };
    const id = (json: unknown) => {
      const read = parseAck(bytes(json), place);
      return read.ok ? read.message.message_id : read.reason;
    };
    expect(id({ payload: { ...payload, command_id: NODE.toUpperCase() }, envelope_id: CORRELATION })).toBe(NODE);
    expect(id({ payload: { ...payload, command_id: 'x'.repeat(128) }, envelope_id: CORRELATION })).toBe(CORRELATION);
    expect(id({ ...payload, command_id: 'x'.repeat(129) })).toMatch(/^command_id: expected at most 128 characters/);
    expect(id(payload)).toBe(derivedId('t', 0, '7'));
    expect(id({ payload: { node_id: 'a' }, correlation_id: 'c' })).toBe(derivedId('t', 0, '7'));
  });

  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
  ])('a record of %d ms', (timestamp, at) => {
    expect(beat({}, { ...place, timestamp })).toMatchObject({ message: { at } });
  });

  it.each([-1, 253_402_300_800_000, Number.NaN, Infinity])('no record of %d ms', (timestamp) => {
    expect(beat({}, { ...place, timestamp })).toEqual({
      ok: false,
      reason: `the record has no usable time (${timestamp})`,
    });
  });
});

describe('names that are made', () => {
  it('a topic, with and without a namespace', () => {
    expect(topicName('{env}.{namespace}.onex.v1', { env: 'dev', namespace: 'blue' })).toBe('dev.blue.onex.v1');
    expect(topicName('{env}.{namespace}.onex.v1', { env: 'dev', namespace: '' })).toBe('dev.onex.v1');
    expect(topicName('fixed.v1', { env: 'dev', namespace: 'blue' })).toBe('fixed.v1');
  });

  it('derived ids: other parts, another id', () => {
    expect(derivedId('a', 'bc')).not.toBe(derivedId('ab', 'c'));
    expect(derivedId('a', 1)).toBe(derivedId('a', '1'));
    expect(derivedId('mailer-1', 7)).toBe('aaabd217-1796-5c4b-b524-768ed6587b73');
  });

  it('a trace is never all zero', () => {
    const zero = '00000000-0000-0000-0000-000000000000';
    expect(traceparent(zero, zero)).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
    expect(traceparent(NODE.toUpperCase(), CORRELATION)).toBe(
      '00-cd613e30d8f14adf91b7584a2265b1f5-1e2feb89414c443c-01',
    );
    expect(traceparent('c-1', 'm-1')).toBe(
      `00-${derivedId('trace', 'c-1').replaceAll('-', '')}-${derivedId('trace', 'm-1').replaceAll('-', '').slice(0, 16)}-01`,
    );
    const late = '00000000-0000-0001-0000-000000000000';
    expect(traceparent(late, late)).toContain('00-00000000000000010000000000000000-');
  });
});
