import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAck } from '../../../src/protocol/ack.js';
import { parseDrainRequest } from '../../../src/protocol/drain-request.js';
import { isPrintable, NODE_TYPES } from '../../../src/protocol/fields.js';
import { parseHeartbeat } from '../../../src/protocol/heartbeat.js';
import type { Parsed, RecordPlace } from '../../../src/protocol/incoming.js';
import {
  buildIntrospection,
  parseIntrospection,
  REASONS,
  type Introspection,
} from '../../../src/protocol/introspection.js';
import { buildPublished, parsePublished, PUBLISHED_EVENT_TYPES } from '../../../src/protocol/published.js';
import { assertProperty } from '../../run/properties.js';
import { sampleEvent } from './sample-events.js';
import { samples } from './samples.js';

const place: RecordPlace = { topic: 't', partition: 0, offset: '7', timestamp: Date.UTC(2026, 0, 31, 12) };
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const NODE_ID = /^[A-Za-z0-9._:-]{1,128}$/;

const parsers: Record<string, (value: Buffer | null, record: RecordPlace) => Parsed<{ node_id: string }>> = {
  'node-introspection': parseIntrospection,
  'node-registration-acked': parseAck,
  'node-heartbeat': parseHeartbeat,
  'node-drain-requested': parseDrainRequest,
};

function bytes(json: unknown): Buffer {
  return Buffer.from(JSON.stringify(json));
}

/** A refusal is for people and for logs: one printable line that is not too long. */
function checkReason(reason: string): void {
  expect(reason).not.toBe('');
  expect(reason.length).toBeLessThan(4_000);
  expect(isPrintable(reason), reason).toBe(true);
}

/** Values that schemas care for, and any other JSON. */
const value = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      ...[
        null,
        true,
        false,
        0,
        -1,
        1.5,
        1e300,
        '',
        'abc-123',
        'EFFECT',
        'v1.2.3-rc.1',
        '1.2.3',
        'startup',
        '/health',
        '/\\[',
      ],
      ...['http://a:1', 'http://a:1/x?y', 'ftp://b', '2026-01-31T12:00:00Z', '2026-01-31T12:00:00.123456+02:00'],
      ...['CD613E30-D8F1-4ADF-91B7-584A2265B1F5', '\u0000', '\ud83d\ude00', 'x'.repeat(300)],
    ),
  },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.string({ unit: 'binary', maxLength: 80 }), fc.jsonValue(), { maxKeys: 4 }),
  },
  { weight: 1, arbitrary: fc.array(fc.webUrl(), { maxLength: 4 }) },
  {
    weight: 1,
    arbitrary: fc.record({ major: fc.integer(), minor: fc.nat(9), patch: fc.nat(9), prerelease: fc.jsonValue() }),
  },
);

/** Real messages with some fields changed, removed or added: most of them are nearly right. */
const nearly = fc
  .record({
    sample: fc.constantFrom(...samples),
    enveloped: fc.boolean(),
    changes: fc.dictionary(
      fc.oneof(
        fc.constantFrom(
          ...[
            'node_id',
            'node_type',
            'node_version',
            'endpoints',
            'health_endpoint',
            'capabilities',
            'reason',
            'epoch',
          ],
          ...[
            'declared_capabilities',
            'discovered_capabilities',
            'contract_capabilities',
            'correlation_id',
            'timestamp',
          ],
          ...['uptime_seconds', 'cpu_usage_percent', 'command_id', 'envelope_id', 'payload'],
        ),
        fc.string({ maxLength: 10 }),
      ),
      fc.option(value, { nil: undefined }),
      { maxKeys: 4 },
    ),
  })
  .map(({ sample, enveloped, changes }) => {
    const payload = { ...sample.bare, ...changes };
    return enveloped ? { ...sample.envelope, payload, ...('payload' in changes ? changes : {}) } : payload;
  });

/** Introspections that are accepted. */
const introspection = fc.record(
  {
    node_id: fc.oneof(fc.stringMatching(NODE_ID), fc.uuid()),
    node_type: fc.constantFrom(...NODE_TYPES),
    node_version: fc.oneof(
      fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map((parts) => parts.join('.')),
      fc.record({
        major: fc.nat(99),
        minor: fc.nat(99),
        patch: fc.nat(99),
        prerelease: fc.option(fc.array(fc.oneof(fc.nat(99), fc.stringMatching(/^[a-z-]{1,8}$/)), { maxLength: 3 })),
      }),
    ),
    reason: fc.constantFrom(...REASONS, ...REASONS.map((one) => one.toUpperCase())),
    epoch: fc.option(fc.nat()),
    endpoints: fc.oneof(
      fc.array(fc.webUrl(), { minLength: 1, maxLength: 5 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.webUrl(), { minKeys: 1, maxKeys: 5 }),
    ),
    health_endpoint: fc.option(fc.constantFrom('/health', '/', '/a?b#c', 'http://h:1')),
    capabilities: fc.array(fc.stringMatching(/^[a-z.]{1,20}$/), { maxLength: 6 }),
    declared_capabilities: fc.dictionary(
      fc.oneof(
        fc.constantFrom('config', 'mcp', 'feature_flags', 'supported_types'),
        fc.stringMatching(/^[a-z_]{1,9}$/),
      ),
      fc.oneof(fc.boolean(), fc.nat(9), fc.record({ inner: fc.boolean() })),
      { maxKeys: 5 },
    ),
    correlation_id: fc.oneof(
      fc.uuid().map((id) => id.toUpperCase()),
      fc.stringMatching(/^[\x21-\x7e]{1,128}$/),
    ),
  },
  { requiredKeys: ['node_id', 'node_type', 'endpoints'] },
);

function accepted(parsed: Parsed<Introspection>): Introspection {
  if (!parsed.ok) throw new Error(`refused: ${parsed.reason}`);
  return parsed.message;
}

describe('every parser is total: whatever comes, an answer or a reason, and nothing is thrown', () => {
  it.each(Object.entries(parsers))('%s: any bytes', (_kind, parse) => {
    assertProperty(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        const parsed = parse(Buffer.from(garbage), place);
        if (!parsed.ok) checkReason(parsed.reason);
      }),
      { numRuns: 200 },
    );
  });

  it.each(Object.entries(parsers))('%s: any JSON, and real messages with changed fields', (_kind, parse) => {
    assertProperty(
      fc.property(fc.oneof({ weight: 1, arbitrary: value }, { weight: 4, arbitrary: nearly }), (json) => {
        const parsed = parse(bytes(json ?? null), place);
        if (parsed.ok) expect(parsed.message.node_id).toMatch(NODE_ID);
        else checkReason(parsed.reason);
      }),
      { numRuns: 1_000 },
    );
  });

  it('events of a registrar: any bytes, any JSON, and real events with changed fields', () => {
    const event = fc
      .record({ type: fc.constantFrom(...PUBLISHED_EVENT_TYPES), field: fc.string(), inPayload: fc.boolean(), value })
      .chain((one) =>
        fc
          .constantFrom('envelope_id', 'event_type', 'metadata', 'payload', 'node_id', 'emitted_at', one.field)
          .map((field) => {
            const { value: built } = buildPublished(sampleEvent(one.type), { sentAt: new Date(0), source: 's' });
            const envelope = JSON.parse(String(built)) as { payload: object };
            return one.inPayload
              ? { ...envelope, payload: { ...envelope.payload, [field]: one.value } }
              : { ...envelope, [field]: one.value };
          }),
      );
    assertProperty(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), value.map(bytes), event.map(bytes)), (garbage) => {
        const parsed = parsePublished(Buffer.from(garbage));
        if (parsed.ok) expect(parsed.event.node_id).toMatch(NODE_ID);
        else checkReason(parsed.reason);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the normal form of an introspection', () => {
  it('is what everything behind the edge relies on', () => {
    assertProperty(
      fc.property(introspection, (json) => {
        const node = accepted(parseIntrospection(bytes(json), place));
        expect(node.message_id).toMatch(UUID);
        expect(node.node_version).toMatch(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/);
        expect(NODE_TYPES).toContain(node.node_type);
        expect(REASONS).toContain(node.reason);
        for (const url of Object.values(node.endpoints)) expect(new URL(url).host).not.toBe('');
        expect([...node.capabilities]).toEqual([...new Set(node.capabilities)].sort());
        expect(node.at).toBe('2026-01-31T12:00:00.000Z');
      }),
      { numRuns: 200 },
    );
  });

  it('is a fixed point: read again, it is the same', () => {
    assertProperty(
      fc.property(introspection, (json) => {
        const once = accepted(parseIntrospection(bytes(json), place));
        const { message_id: _, at: __, ...fields } = once;
        expect(accepted(parseIntrospection(bytes(fields), place))).toEqual(once);
      }),
      { numRuns: 200 },
    );
  });

  it('is a fixed point of what the SDK sends, too', () => {
    assertProperty(
      fc.property(introspection, (json) => {
        const send = (node: Introspection) =>
          accepted(parseIntrospection(buildIntrospection(node, new Date(place.timestamp)).value, place));
        const once = send(accepted(parseIntrospection(bytes(json), place)));
        expect({ ...send(once), message_id: null }).toEqual({ ...once, message_id: null });
      }),
      { numRuns: 200 },
    );
  });

  it('is the same in an envelope, under the id of the envelope', () => {
    assertProperty(
      fc.property(introspection, fc.uuid(), (payload, envelope_id) => {
        const bare = accepted(parseIntrospection(bytes(payload), place));
        const wrapped = accepted(
          parseIntrospection(bytes({ payload, envelope_id, correlation_id: bare.correlation_id }), place),
        );
        expect(wrapped).toEqual({ ...bare, message_id: envelope_id });
      }),
      { numRuns: 200 },
    );
  });
});

describe('an event that is published', () => {
  it('is read back as it was', () => {
    assertProperty(
      fc.property(
        fc.constantFrom(...PUBLISHED_EVENT_TYPES),
        fc.dictionary(
          // zod drops this one name, whatever is in it.
          fc.string().filter((name) => name !== '__proto__'),
          fc.string(),
        ),
        fc.stringMatching(/^[\x21-\x7e]{1,128}$/).filter((id) => !UUID.test(id.toLowerCase())),
        fc.boolean(),
        (event_type, tags, correlation_id, ids_at_top) => {
          const event = sampleEvent(event_type, { tags, correlation_id, ids_at_top });
          const read = parsePublished(buildPublished(event, { sentAt: new Date(0), source: 's' }).value);
          expect(read).toMatchObject({
            ok: true,
            event: { event_type, id: event.id, node_id: event.node_id, correlation_id, tags },
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});
