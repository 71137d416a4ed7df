import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Parser } from '@asyncapi/parser';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { allTopics } from '../../../src/cli/setup/all-topics.js';
import { loadContracts } from '../../../src/contracts/load.js';
import { buildAck } from '../../../src/protocol/ack.js';
import { buildDeadLetter } from '../../../src/protocol/dead-letter.js';
import { buildDrainRequest } from '../../../src/protocol/drain-request.js';
import type { OutgoingRecord } from '../../../src/protocol/envelope.js';
import { buildHeartbeat } from '../../../src/protocol/heartbeat.js';
import { buildIntrospection } from '../../../src/protocol/introspection.js';
import { buildPublished, PUBLISHED_EVENT_TYPES } from '../../../src/protocol/published.js';
import { topicName } from '../../../src/protocol/topics.js';
import { samples } from '../protocol/samples.js';
import { CORRELATION, NODE, sampleEvent } from '../protocol/sample-events.js';

/** The AsyncAPI document is current (docs.test.ts), valid, and says what is really sent. */

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/asyncapi.yaml'), 'utf8');
const DOCUMENT = parse(TEXT) as { readonly channels: Record<string, { readonly address: string }> };
const errorsIn = async (text: string): Promise<string[]> =>
  (await new Parser().parse(text)).diagnostics.flatMap(({ severity, message }) =>
    Number(severity) === 0 ? [message] : [],
  );

const ajv = new Ajv({ strict: false });
formats.default(ajv);
ajv.addSchema(DOCUMENT, 'document');

/** What a schema of the document says against a value; nothing where it fits. */
function faults(message: string, part: 'payload' | 'headers', value: unknown): string[] {
  const check = ajv.compile({ $ref: `document#/components/messages/${message}/${part}` });
  check(value);
  return (check.errors ?? []).map(({ instancePath, message: words }) => `${instancePath} ${words}`);
}

const valueOf = ({ value }: OutgoingRecord): unknown => JSON.parse(value.toString());
const sentAt = new Date('2026-01-31T12:00:00.000Z');
const node = { node_id: NODE, node_type: 'effect', node_version: '1.2.3' } as const;

describe('the AsyncAPI document', () => {
  it('is valid for the parser of AsyncAPI, which would refuse a broken one', { timeout: 120_000 }, async () => {
    expect(await errorsIn(TEXT)).toEqual([]);
    expect(await errorsIn(TEXT.replace('action: receive', 'action: eat'))).not.toEqual([]);
  });

  it('has every topic of the shipped contract, and no other', () => {
    const names = { env: 'dev', namespace: 'eu' };
    const addresses = Object.values(DOCUMENT.channels).map(({ address }) => topicName(address, names));
    expect(addresses.sort()).toEqual(allTopics(loadContracts(), names).sort());
  });

  it.each(PUBLISHED_EVENT_TYPES)('says what %s is like', (type) => {
    const record = buildPublished(sampleEvent(type, { instance_id: 'i-1' }), { sentAt, source: 'node-registrar' });
    expect([faults(type, 'payload', valueOf(record)), faults(type, 'headers', record.headers)]).toEqual([[], []]);
    expect(faults(type, 'payload', { ...(valueOf(record) as object), payload: {} })).not.toEqual([]);
  });

  it.each([
    [
      'NodeIntrospection',
      buildIntrospection(
        { ...node, endpoints: {}, capabilities: ['a'], correlation_id: CORRELATION, reason: 'startup' },
        sentAt,
      ),
    ],
    ['NodeRegistrationAcked', buildAck({ node_id: NODE, correlation_id: CORRELATION }, sentAt)],
    ['NodeHeartbeat', buildHeartbeat({ ...node, uptime_seconds: 3.5 }, sentAt)],
    [
      'NodeDrainRequested',
      buildDrainRequest({ node_id: NODE, correlation_id: CORRELATION, draining: true, reason: null }, sentAt),
    ],
  ] as const)('says what %s of our nodes is like', (message, record) => {
    const value = valueOf(record) as { payload: object };
    expect(faults(message, 'payload', value)).toEqual([]);
    expect(faults(message, 'payload', value.payload)).toEqual([]);
    expect(faults(message, 'payload', { ...value.payload, node_id: 'a b' })).not.toEqual([]);
  });

  it('says what existing Python nodes send', () => {
    const messages: Readonly<Record<string, string>> = {
      'node-introspection': 'NodeIntrospection',
      'node-registration-acked': 'NodeRegistrationAcked',
      'node-heartbeat': 'NodeHeartbeat',
    };
    const read = samples.flatMap(({ topic, bare, envelope }) =>
      messages[topic] === undefined ? [] : [bare, envelope].map((value) => ({ message: messages[topic] ?? '', value })),
    );
    expect(read.length).toBeGreaterThan(10);
    expect(read.flatMap(({ message, value }) => faults(message, 'payload', value))).toEqual([]);
  });

  it('says what a dead letter carries', () => {
    const record = { topic: 't', partition: 0, offset: '7', timestamp: 0, key: null, value: Buffer.of(0), headers: {} };
    const { headers } = buildDeadLetter({
      event_type: 'NodeRegistrationDeadLetter',
      tags: {},
      code: 'not_json',
      reason: 'not JSON',
      node_id: null,
      record,
    });
    expect(faults('dead_letter', 'headers', headers)).toEqual([]);
    expect(faults('dead_letter', 'headers', { ...headers, code: 'odd' })).not.toEqual([]);
  });
});
