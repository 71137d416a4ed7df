import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildAck, parseAck } from '../../../src/protocol/ack.js';
import { buildHeartbeat, parseHeartbeat } from '../../../src/protocol/heartbeat.js';
import { buildIntrospection, parseIntrospection } from '../../../src/protocol/introspection.js';
import {
  buildPublished,
  parsePublished,
  PUBLISHED_EVENT_TYPES,
  publishedEventType,
} from '../../../src/protocol/published.js';
import { CORRELATION, NODE, SAMPLE_EVENTS, sampleEvent } from './sample-events.js';
import { sampleOf } from './samples.js';
import { assertProperty } from '../../run/properties.js';

const sentAt = new Date('2026-01-31T12:00:00.000Z');
const sending = { sentAt, source: 'node-registrar' };
const place = { topic: 't', partition: 0, offset: '7', timestamp: sentAt.getTime() };

function json(value: Buffer): Record<string, unknown> {
  return JSON.parse(value.toString()) as Record<string, unknown>;
}

const sampleEnvelope = sampleOf('node-introspection').envelope;

describe('what we publish', () => {
  it('covers every event type', () => {
    expect(new Set(PUBLISHED_EVENT_TYPES)).toEqual(new Set(Object.keys(SAMPLE_EVENTS)));
  });

  it.each(Object.keys(SAMPLE_EVENTS))(
    '%s has the envelope of existing nodes, and comes back as it was',
    (event_type) => {
      const { key, headers, value } = buildPublished(sampleEvent(event_type), sending);
      const { entity_id, node_id, target_node_id, ...envelope } = json(value);
      expect(Object.keys(envelope).sort()).toEqual(Object.keys(sampleEnvelope).sort());
      expect(envelope.correlation_id).toBe(CORRELATION);
      expect(Object.keys(envelope.metadata as object).sort()).toEqual(
        Object.keys(sampleEnvelope.metadata as object).sort(),
      );
      const atTop = { NodeRegistrationAccepted: [NODE, NODE, undefined], RequestIntrospection: [NODE, NODE, NODE] };
      expect([entity_id, node_id, target_node_id]).toEqual(
        (atTop as Record<string, unknown>)[event_type] ?? [undefined, undefined, undefined],
      );
      expect(key).toBe(NODE);
      expect(headers).toEqual({
        message_id: '5dfbd3d1-2c4a-4698-aa2c-a1af6a107b75',
        correlation_id: CORRELATION,
        event_type,
        source: 'node-registrar',
        timestamp: '2026-01-31T12:00:00.000Z',
        traceparent: '00-1e2feb89414c443c9027c4d1c386bbc4-5dfbd3d12c4a4698-01',
      });
      expect(parsePublished(value)).toMatchObject({
        ok: true,
        event: {
          event_type,
          id: '5dfbd3d1-2c4a-4698-aa2c-a1af6a107b75',
          node_id: NODE,
          correlation_id: CORRELATION,
          causation_id: '701966a0-c381-488f-b8c0-c8fd8712b8bc',
          emitted_at: '2026-01-31T12:00:00.000Z',
          tags: sampleEvent(event_type).tags,
        },
      });
    },
  );

  it.each(Object.keys(SAMPLE_EVENTS))(
    '%s has ids at the top of its envelope only where the contract says so',
    (event_type) => {
      const top = (ids_at_top: boolean) => {
        const envelope = json(buildPublished(sampleEvent(event_type, { ids_at_top }), sending).value);
        return Object.keys(envelope).filter((name) => !Object.hasOwn(sampleEnvelope, name));
      };
      expect(top(false)).toEqual([]);
      expect(top(true).slice(0, 2)).toEqual(['entity_id', 'node_id']);
    },
  );

  it('gives each event of a send a time of its own, in their order', () => {
    const times = [undefined, 1, 2].map((before) => {
      const order = before === undefined ? {} : { before };
      const { value } = buildPublished(sampleEvent('NodeBecameActive'), { ...sending, ...order });
      const read = parsePublished(value);
      return read.ok ? read.event.emitted_at : read.reason;
    });
    expect(times).toEqual([0, 1, 2].map((ms) => `2026-01-31T12:00:00.00${ms}Z`));
  });

  it('is read without tags, and not without an envelope of its form', () => {
    const { value } = buildPublished(sampleEvent('NodeBecameActive'), sending);
    const { metadata: _, ...bare } = json(value);
    const readOf = (envelope: object) => parsePublished(Buffer.from(JSON.stringify(envelope)));
    expect(readOf(bare)).toMatchObject({ ok: true, event: { tags: {} } });
    expect(readOf({ ...bare, metadata: null })).toMatchObject({ ok: true, event: { tags: {} } });
    expect(readOf({ ...bare, event_type: 7 })).toEqual({
      ok: false,
      reason: expect.stringMatching(/^event_type: /) as string,
    });
  });

  it('stamps deadlines from the moment of the send', () => {
    expect(json(buildPublished(sampleEvent('NodeRegistrationAccepted'), sending).value).payload).toMatchObject({
      ack_deadline: '2026-01-31T12:00:30.000Z',
    });
  });

  it("speaks existing nodes' words: capabilities as flags, states in lower case", () => {
    expect(json(buildPublished(sampleEvent('NodeBecameActive'), sending).value).payload).toMatchObject({
      capabilities: { storage: true, 'capability.config': true, 'capability.feature_flags': true },
    });
    expect(json(buildPublished(sampleEvent('NodeRegistrationAckTimedOut'), sending).value).payload).toMatchObject({
      previous_state: 'awaiting_ack',
    });
  });

  it.each([
    [
      'a field too many',
      sampleEvent('NodeBecameActive', { payload: { capabilities: [], liveness_deadline: sentAt.toISOString() } }),
      'no field liveness_deadline',
    ],
    ['a field too few', sampleEvent('NodeRegistrationAccepted', { stamps: {} }), 'ack_deadline: expected'],
    [
      'an empty reason',
      sampleEvent('NodeRegistrationRejected', { payload: { rejection_reason: '' } }),
      'rejection_reason: expected at least 1',
    ],
    ['an unknown type', sampleEvent('NodeExploded'), 'unknown event type NodeExploded'],
  ])('%s is our bug, and throws', (_name, wrong, message) => {
    expect(() => buildPublished(wrong, sending)).toThrow(message);
  });

  it.each(['1-awaiting_ack', 'awaiting_ack-1'])('a state that nodes would not understand (%s) throws', (state) => {
    const payload = { deadline_at: sentAt.toISOString(), previous_state: state };
    expect(() => buildPublished(sampleEvent('NodeRegistrationAckTimedOut', { payload }), sending)).toThrow(
      'previous_state: expected a registration state in lower case',
    );
  });

  it("knows the specification's model names", () => {
    expect(publishedEventType('ModelNodeBecameActive')).toBe('NodeBecameActive');
    expect(publishedEventType('Model')).toBeNull();
    expect(publishedEventType('NodeModelBecameActive')).toBeNull();
  });

  it('one registration is one trace, whatever its ids look like', () => {
    assertProperty(
      fc.property(fc.stringMatching(/^[\x21-\x7e]{1,128}$/), (correlation_id) => {
        const one =
          buildPublished(sampleEvent('NodeRegistrationAccepted', { correlation_id }), sending).headers.traceparent ??
          '';
        const other =
          buildPublished(sampleEvent('NodeLivenessExpired', { correlation_id, id: CORRELATION }), sending).headers
            .traceparent ?? '';
        expect(one).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
        expect(other.slice(0, 36)).toBe(one.slice(0, 36));
        expect(other).not.toBe(one);
      }),
    );
  });

  it.each([
    ['a tombstone', null, 'the message is empty'],
    [
      'a message without envelope',
      Buffer.from(JSON.stringify({ node_id: NODE })),
      'expected an event in its envelope, got a message without payload',
    ],
    [
      'an event type that nobody publishes',
      Buffer.from(
        JSON.stringify({
          ...json(buildPublished(sampleEvent('NodeBecameActive'), sending).value),
          event_type: 'NodeExploded',
        }),
      ),
      'event_type: unknown NodeExploded',
    ],
  ])('%s read back is refused in words', (_name, value, reason) => {
    expect(parsePublished(value)).toEqual({ ok: false, reason });
  });

  it('garbage read back is refused, and never throws', () => {
    assertProperty(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ payload: fc.jsonValue(), envelope_id: fc.jsonValue() })),
        (garbage) => {
          const parsed = parsePublished(Buffer.from(JSON.stringify(garbage)));
          expect(parsed.ok).toBe(false);
        },
      ),
    );
  });
});

describe('what our nodes send', () => {
  const node = { node_id: NODE, node_type: 'effect', node_version: '1.2.3-rc.1' } as const;

  it('an introspection', () => {
    const message = {
      ...node,
      correlation_id: CORRELATION,
      endpoints: { api: 'http://a:1' },
      capabilities: ['storage', 'read'],
      reason: 'startup',
    } as const;
    const { key, value } = buildIntrospection(message, sentAt);
    expect(key).toBe(NODE);
    expect(Object.keys(json(value)).sort()).toEqual(Object.keys(sampleEnvelope).sort());
    expect(Object.keys(json(value).payload as object).sort()).toEqual(
      Object.keys(sampleEnvelope.payload as object).sort(),
    );
    expect(parseIntrospection(value, place)).toMatchObject({
      ok: true,
      message: { ...message, capabilities: ['read', 'storage'], epoch: null, at: '2026-01-31T12:00:00.000Z' },
    });
  });

  it('an ack', () => {
    const { value } = buildAck({ node_id: NODE, correlation_id: CORRELATION }, sentAt);
    const command_id = (json(value).payload as { command_id: string }).command_id;
    expect(parseAck(value, place)).toEqual({
      ok: true,
      message: { message_id: command_id, node_id: NODE, correlation_id: CORRELATION, at: '2026-01-31T12:00:00.000Z' },
    });
  });

  it('a heartbeat', () => {
    const { value } = buildHeartbeat({ ...node, uptime_seconds: 3.5 }, sentAt);
    expect(parseHeartbeat(value, place)).toEqual({
      ok: true,
      message: { node_id: NODE, at: '2026-01-31T12:00:00.000Z', dropped: [] },
    });
  });

  it('refuses to send a version that nobody could read', () => {
    expect(() => buildHeartbeat({ ...node, node_version: 'new', uptime_seconds: 1 }, sentAt)).toThrow(
      'semantic version',
    );
  });
});
