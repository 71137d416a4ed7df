import { describe, expect, it } from 'vitest';
import { buildAck, parseAck } from '../../../src/protocol/ack.js';
import { buildHeartbeat, parseHeartbeat } from '../../../src/protocol/heartbeat.js';
import { eventHeaders, fromInstance, isAnother, supersededIn } from '../../../src/protocol/instance.js';
import { buildIntrospection, parseIntrospection } from '../../../src/protocol/introspection.js';
import { buildPublished, parsePublished } from '../../../src/protocol/published.js';
import { sampleEvent } from './sample-events.js';

const AT = new Date('2026-01-31T12:00:00.000Z');
const node = { node_id: 'mailer-1', node_type: 'effect', node_version: '1.0.0', correlation_id: 'c-1' } as const;
const place = { topic: 't', partition: 0, offset: '0', timestamp: AT.getTime() };

const MESSAGES = {
  introspection: [
    buildIntrospection({ ...node, endpoints: {}, capabilities: [], reason: 'startup' }, AT),
    parseIntrospection,
  ],
  ack: [buildAck(node, AT), parseAck],
  heartbeat: [buildHeartbeat({ ...node, uptime_seconds: 1 }, AT), parseHeartbeat],
} as const;

describe('the process that a message is from', () => {
  it.each(Object.entries(MESSAGES))("stands in a header of a node's %s", (_, [record, parse]) => {
    const { value, headers } = fromInstance(record, 'p-1');
    const read = (of: typeof place & { headers?: Record<string, Buffer | string> }) => parse(value, of);
    const asBytes = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
    expect(read({ ...place, headers: asBytes })).toMatchObject({ ok: true, message: { instance_id: 'p-1' } });
    expect(value).toEqual(record.value);
  });

  it.each(Object.entries(MESSAGES))('is unknown where the %s does not say so readably', (_, [record, parse]) => {
    for (const headers of [
      undefined,
      {},
      { instance_id: '' },
      { instance_id: 'a b' },
      { instance_id: 'x'.repeat(129) },
    ]) {
      const read = parse(record.value, { ...place, ...(headers === undefined ? {} : { headers }) });
      expect(read.ok && read.message).not.toHaveProperty('instance_id');
    }
  });

  it('stands in a header of an event, with the attempts that came before', () => {
    const event = sampleEvent('NodeBecameActive');
    const record = buildPublished(
      { ...event, instance_id: 'p-2', supersedes: ['c-0', 'c-1'] },
      { sentAt: AT, source: 'test' },
    );
    expect(parsePublished(record.value, record.headers)).toMatchObject({
      event: { instance_id: 'p-2', supersedes: ['c-0', 'c-1'] },
    });
    const without = buildPublished(event, { sentAt: AT, source: 'test' });
    expect(Object.keys(without.headers)).not.toContain('instance_id');
    expect(parsePublished(without.value, without.headers)).toMatchObject({ event: { supersedes: [] } });
  });
});

describe('two processes', () => {
  it.each([
    ['p-1', 'p-1', false],
    ['p-1', 'p-2', true],
    [undefined, 'p-2', false],
    ['p-1', undefined, false],
    [undefined, undefined, false],
  ])('%s and %s: another one %s', (one, other, expected) => {
    expect(isAnother(one, other)).toBe(expected);
  });
});

describe('the headers of an event', () => {
  it.each<[Parameters<typeof eventHeaders>[0], Record<string, string>]>([
    [{}, {}],
    [{ supersedes: [] }, {}],
    [{ instance_id: 'p-1' }, { instance_id: 'p-1' }],
    [{ supersedes: ['c-0', 'c-1'] }, { supersedes: 'c-0 c-1' }],
  ])('%j are %j', (event, headers) => {
    expect(eventHeaders(event)).toEqual(headers);
    expect(supersededIn(headers)).toEqual(event.supersedes ?? []);
  });

  it('may come more than once: the first counts', () => {
    expect(supersededIn({ supersedes: [Buffer.from('c-0'), 'c-1'] })).toEqual(['c-0']);
    expect(supersededIn({ supersedes: [] })).toEqual([]);
    expect(supersededIn(undefined)).toEqual([]);
  });
});
