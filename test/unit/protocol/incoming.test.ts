import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derivedId } from '../../../src/protocol/ids.js';
import { parseAck } from '../../../src/protocol/ack.js';
import { parseHeartbeat } from '../../../src/protocol/heartbeat.js';
import type { Parsed, RecordPlace } from '../../../src/protocol/incoming.js';
import { parseIntrospection } from '../../../src/protocol/introspection.js';
import { sampleOf, samples } from './samples.js';
import { assertProperty } from '../../run/properties.js';

const place: RecordPlace = {
  topic: 'dev.onex.evt.node-introspection.v1',
  partition: 2,
  offset: '41',
  timestamp: Date.UTC(2026, 0, 31, 12),
};
const AT = '2026-01-31T12:00:00.000Z';
const NODE = 'cd613e30-d8f1-4adf-91b7-584a2265b1f5';
const CORRELATION = '1e2feb89-414c-443c-9027-c4d1c386bbc4';

const parsers: Record<string, (value: Buffer | null, record: RecordPlace) => Parsed<{ node_id: string }>> = {
  'node-introspection': parseIntrospection,
  'node-registration-acked': parseAck,
  'node-heartbeat': parseHeartbeat,
};

function bytes(json: unknown): Buffer {
  return Buffer.from(JSON.stringify(json));
}

function accepted<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(`refused: ${parsed.reason}`);
  return parsed.message;
}

function refused(parsed: Parsed<unknown>): string {
  if (parsed.ok) throw new Error('accepted, though it should not be');
  return parsed.reason;
}

function introspect(fields: Record<string, unknown>) {
  return parseIntrospection(bytes({ node_id: 'abc-123', node_type: 'effect', ...fields }), place);
}

describe('messages of existing nodes', () => {
  it.each(samples.map((sample, row) => [row + 1, sample.version, sample.topic, sample] as const))(
    'sample %i of %s, %s: both forms mean the same',
    (_row, _version, topic, sample) => {
      const parse = parsers[topic];
      if (!parse) throw new Error(`a sample of an unknown topic: ${topic}`);
      const bare = accepted(parse(bytes(sample.bare), place));
      const enveloped = accepted(parse(bytes(sample.envelope), place));
      expect({ ...enveloped, message_id: null }).toEqual({ ...bare, message_id: null });
      expect(bare).toMatchObject({ node_id: sample.bare.node_id, at: AT });
    },
  );

  it.each(['0.12.0', '0.38.76'] as const)('the samples of %s cover all three kinds', (version) => {
    const kinds = samples.filter((sample) => sample.version === version).map((sample) => sample.topic);
    expect(new Set(kinds)).toEqual(new Set(Object.keys(parsers)));
    expect(kinds).toHaveLength(12);
  });

  it('the settings that 0.38 keeps beside its capabilities are none', () => {
    const sample = sampleOf('node-introspection', '0.38.76');
    const feature_flags = { flags: { beta: true }, flag_metadata: {}, default_enabled: true };
    const declared_capabilities = { ...(sample.bare.declared_capabilities as object), read: true, feature_flags };
    const node = accepted(parseIntrospection(bytes({ ...sample.bare, declared_capabilities }), place));
    expect(node.capabilities).toEqual(['read']);
  });

  it('normalises an introspection', () => {
    const sample = sampleOf('node-introspection');
    expect(accepted(parseIntrospection(bytes(sample.envelope), place))).toEqual({
      message_id: 'e6c3f339-1a2b-4f1f-b1fd-42a29755d4c1',
      correlation_id: CORRELATION,
      node_id: NODE,
      node_type: 'effect',
      node_version: '7.0.49',
      endpoints: { health: 'http://10.0.221.156:50980/health' },
      capabilities: [],
      reason: 'startup',
      epoch: 0,
      at: AT,
    });
  });

  it('takes capabilities from flags, lists, operations and contract tags, sorted and once', () => {
    const { capabilities } = accepted(
      introspect({
        declared_capabilities: {
          write: true,
          read: false,
          supported_types: ['json'],
          batch_size: 10,
          storage: { replicated: true, encrypted: false },
          config: { verbose: true },
          mcp: null,
        },
        discovered_capabilities: { operations: ['handle', 'execute'], has_fsm: true },
        contract_capabilities: { capability_tags: ['write', 'audit'], protocols: ['Something'] },
      }),
    );
    expect(capabilities).toEqual(['audit', 'execute', 'handle', 'json', 'storage.replicated', 'write']);
  });

  it('takes the correlation_id of the envelope where the payload has none', () => {
    const envelope = {
      payload: { node_id: 'abc-123', node_type: 'effect', correlation_id: null },
      correlation_id: CORRELATION.toUpperCase(),
    };
    expect(accepted(parseIntrospection(bytes(envelope), place)).correlation_id).toBe(CORRELATION);
  });
});

describe("the specification's own shapes", () => {
  it('Phase 1', () => {
    const message = accepted(
      parseIntrospection(
        bytes({
          node_id: 'abc-123',
          node_type: 'EFFECT',
          capabilities: ['registration.storage'],
          health_endpoint: '/health',
          endpoints: ['http://localhost:8080'],
        }),
        place,
      ),
    );
    const id = derivedId(place.topic, place.partition, place.offset);
    expect(message).toEqual({
      message_id: id,
      correlation_id: id,
      node_id: 'abc-123',
      node_type: 'effect',
      node_version: '0.0.0',
      endpoints: { api: 'http://localhost:8080', health: 'http://localhost:8080/health' },
      capabilities: ['registration.storage'],
      reason: 'startup',
      epoch: null,
      at: AT,
    });
  });

  it('Phase 4', () => {
    expect(accepted(parseAck(bytes({ node_id: 'abc-123', correlation_id: CORRELATION }), place))).toMatchObject({
      node_id: 'abc-123',
      correlation_id: CORRELATION,
      at: AT,
    });
  });

  it('upper-case values, a version in one string, several endpoints', () => {
    const message = accepted(
      introspect({
        node_type: 'REDUCER',
        reason: 'STARTUP',
        node_version: 'v1.2.3-rc.1',
        endpoints: ['http://a:1', 'http://b:2'],
      }),
    );
    expect(message).toMatchObject({
      node_type: 'reducer',
      reason: 'startup',
      node_version: '1.2.3-rc.1',
      endpoints: { api: 'http://a:1', api2: 'http://b:2' },
    });
  });

  it.each([
    [{ major: 1, minor: 2, patch: 3, prerelease: ['rc', 1], build: ['exp', 'sha'] }, '1.2.3-rc.1+exp.sha'],
    [{ major: 1, minor: 2, patch: 3, prerelease: 'rc.1' }, '1.2.3-rc.1'],
    [{ major: 1, minor: 2, patch: 3, prerelease: [], build: null }, '1.2.3'],
    [null, '0.0.0'],
  ])('version %j', (node_version, expected) => {
    expect(accepted(introspect({ node_version })).node_version).toBe(expected);
  });

  it('a relative health endpoint inside the map is joined to the first endpoint too', () => {
    expect(accepted(introspect({ endpoints: { health: '/health', api: 'http://a:1/v1' } })).endpoints).toEqual({
      health: 'http://a:1/health',
      api: 'http://a:1/v1',
    });
  });

  it('one spelling per UUID', () => {
    expect(accepted(introspect({ node_id: NODE.toUpperCase() })).node_id).toBe(NODE);
    expect(accepted(introspect({ node_id: 'ABC-123' })).node_id).toBe('ABC-123');
  });

  it('ids that are no UUIDs do not become message ids', () => {
    const message = accepted(parseAck(bytes({ node_id: 'abc-123', correlation_id: 'c-1', command_id: 'mine' }), place));
    expect(message.message_id).toBe(derivedId(place.topic, place.partition, place.offset));
  });
});

describe('refusals name what is wrong', () => {
  it('every bad field at once, with what was expected and what came', () => {
    const reason = refused(
      parseIntrospection(
        bytes({
          node_id: 'no spaces',
          node_type: 'toaster',
          node_version: 'new',
          reason: 'why',
          epoch: -1,
          endpoints: ['localhost'],
          capabilities: 7,
        }),
        place,
      ),
    );
    expect(reason.split('; ')).toEqual([
      'node_id: expected 1 to 128 letters, digits or any of . _ : -, got "no spaces"',
      'node_type: expected one of effect, reducer, orchestrator, compute, got "toaster"',
      'node_version: expected a semantic version such as 1.2.3, or an object of major, minor and patch, got "new"',
      'reason: expected one of startup, request, heartbeat, health_change, capability_change, shutdown, got "why"',
      'epoch: expected at least 0, got -1',
      'endpoints.0: expected an absolute URL with a host, such as http://10.0.0.1:8080, got "localhost"',
      'capabilities: expected a list of names, or an object of flags, got 7',
    ]);
  });

  it.each([
    ['an empty message', Buffer.alloc(0), 'the message is empty'],
    ['a tombstone', null, 'the message is empty'],
    ['half a message', Buffer.from('{"node_id": "a'), 'not JSON'],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00]), 'not UTF-8 text'],
    ['a list', Buffer.from('[1]'), 'expected a JSON object, got a list of 1'],
    ['too large', bytes({ node_id: 'a', filler: 'x'.repeat(300_000) }), 'the limit is 262144'],
    ['too deep', Buffer.from('{"a":'.repeat(5000) + '1' + '}'.repeat(5000)), 'nested deeper than 24 levels'],
    [
      'a payload that is none',
      bytes({ envelope_id: CORRELATION, payload: 'text' }),
      'payload: expected object, got "text"',
    ],
    ['nothing in it', bytes({}), 'node_id: expected string, got nothing'],
  ])('%s', (_name, value, reason) => {
    expect(refused(parseIntrospection(value, place))).toContain(reason);
    expect(refused(parseHeartbeat(value, place))).toContain(reason);
    expect(refused(parseAck(value, place))).toContain(reason);
  });

  it.each([
    [
      'a NUL in a capability',
      { capabilities: ['a\0b'] },
      'capabilities: expected names of 1 to 128 printable characters',
    ],
    ['half a surrogate pair in an endpoint name', { endpoints: { '\ud800': 'http://a:1' } }, 'printable characters'],
    ['a NUL in a URL', { endpoints: ['http://a:1/\0'] }, 'endpoints.0: expected an absolute URL'],
    [
      'a relative health endpoint and nothing to join it to',
      { health_endpoint: '/health' },
      'health_endpoint: expected an absolute URL, or a first endpoint',
    ],
    ['a time without a zone', { timestamp: '2026-01-31T12:00:00' }, 'timestamp: expected an ISO 8601 time with a zone'],
    [
      'more capabilities than anybody has',
      { capabilities: Array.from({ length: 300 }, (_, n) => `c${n}`) },
      'at most 256',
    ],
    ['an id that is too long', { node_id: 'x'.repeat(129) }, 'node_id: expected 1 to 128'],
  ])('%s', (_name, fields, reason) => {
    expect(refused(introspect(fields))).toContain(reason);
  });

  it('an ack that could be for any attempt', () => {
    expect(refused(parseAck(bytes({ node_id: 'abc-123' }), place))).toBe(
      'correlation_id: expected the one of the registration, got nothing',
    );
  });

  it('a record without a time', () => {
    expect(
      refused(parseHeartbeat(bytes({ node_id: 'a', node_type: 'effect' }), { ...place, timestamp: -1 })),
    ).toContain('no usable time');
  });
});

describe('whatever comes', () => {
  const everyParser = Object.values(parsers);

  it('garbage is refused with a short sentence, and never throws', () => {
    assertProperty(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        for (const parse of everyParser) {
          const reason = refused(parse(Buffer.from(garbage), place));
          expect(reason.length).toBeGreaterThan(0);
          expect(reason.length).toBeLessThan(2000);
        }
      }),
    );
  });

  it('any JSON is either accepted with a usable node_id or refused with a sentence', () => {
    const fields = [
      'node_id',
      'node_type',
      'node_version',
      'endpoints',
      'capabilities',
      'declared_capabilities',
      'health_endpoint',
      'reason',
      'payload',
      'epoch',
    ];
    const message = fc.dictionary(
      fc.constantFrom(...fields),
      fc.oneof(fc.jsonValue(), fc.constantFrom('effect', 'abc-123', '/health', 'http://a:1', '1.2.3')),
    );
    assertProperty(
      fc.property(message, (json) => {
        for (const parse of everyParser) {
          const parsed = parse(bytes(json), place);
          if (parsed.ok) expect(parsed.message.node_id).toMatch(/^[A-Za-z0-9._:-]{1,128}$/);
          else expect(parsed.reason).toMatch(/\S/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('unknown fields change nothing', () => {
    const sample = sampleOf('node-introspection');
    const plain = accepted(parseIntrospection(bytes(sample.bare), place));
    assertProperty(
      fc.property(
        fc.dictionary(
          fc.string().filter((name) => name.startsWith('x')),
          fc.jsonValue({ maxDepth: 3 }),
        ),
        (extra) => {
          expect(accepted(parseIntrospection(bytes({ ...extra, ...sample.bare }), place))).toEqual(plain);
        },
      ),
    );
  });
});
