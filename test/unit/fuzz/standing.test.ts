import { describe, expect, it } from 'vitest';
import { parseIntrospection } from '../../../src/protocol/introspection.js';
import { faultsOf, notStanding } from '../../fuzz/standing.js';

describe('nodes at the end of a run', () => {
  const row = { node_id: 'a', state: 'ACTIVE', reason: null };
  const entry = { node_id: 'a', passing: true };

  it('stand when they are ACTIVE and passing', () => {
    expect(notStanding(['a'], [row], [entry])).toEqual([]);
  });

  it.each([
    ['without a row', [], [entry], 'a is not there in PostgreSQL'],
    ['in another state', [{ ...row, state: 'REJECTED', reason: 'why' }], [entry], 'a is REJECTED (why) in PostgreSQL'],
    ['not in Consul', [row], [], 'a is not passing in Consul'],
    ['critical in Consul', [row], [{ ...entry, passing: false }], 'a is not passing in Consul'],
  ])('are found %s', (_what, rows, entries, fault) => {
    expect(notStanding(['a'], rows, entries)).toEqual([fault]);
  });

  it('are found when nobody introduced them', () => {
    expect(notStanding(['a'], [row], [entry, { node_id: 'x', passing: false }])).toEqual([
      'Consul has x, whom nobody introduced',
    ]);
  });
});

describe('what a run was given', () => {
  const place = { topic: 't', partition: 0, offset: '7', timestamp: 0 };
  const parsed = parseIntrospection(
    Buffer.from('{"node_id":"a","node_type":"effect","endpoints":{"__proto__":"http://h"},"epoch":1}'),
    place,
  );
  if (!parsed.ok) throw new Error(parsed.reason);
  const { message } = parsed;
  const ack = { message_id: message.message_id, node_id: 'a', correlation_id: 'c', at: message.at };
  const introspected = { name: 'introspection', args: [message] };

  it('is without a fault when it is of the normal form', () => {
    const given = [
      { name: 'registration', args: [{ node_id: 'a' }] },
      introspected,
      { name: 'ack', args: [ack] },
      { name: 'suspect', args: [] },
    ];
    expect(faultsOf(given, 'a')).toEqual([]);
  });

  it('is at fault without any introspection', () => {
    expect(faultsOf([{ name: 'ack', args: [ack] }], 'a')).toEqual(['a: no introspection']);
  });

  it.each([
    ['a field too many', { name: 'introspection', args: [{ ...message, more: 1 }] }],
    ['an id that nobody may have', { name: 'introspection', args: [{ ...message, node_id: 'a b' }] }],
    ['another node', { name: 'introspection', args: [{ ...message, node_id: 'b' }] }],
    ['a type that there is not', { name: 'introspection', args: [{ ...message, node_type: 'toaster' }] }],
    ['an endpoint without a host', { name: 'introspection', args: [{ ...message, endpoints: { api: 'http:' } }] }],
    ['an endpoint that is no text', { name: 'introspection', args: [{ ...message, endpoints: { api: 7 } }] }],
    ['a control character', { name: 'introspection', args: [{ ...message, capabilities: ['a\u0000'] }] }],
    ['a time without a zone', { name: 'ack', args: [{ ...ack, at: '2026-01-31T12:00:00' }] }],
    ['no correlation_id', { name: 'ack', args: [{ ...ack, correlation_id: null }] }],
    ['nothing', { name: 'ack', args: [] }],
    ['a signal that nobody knows', { name: 'drop', args: [] }],
    ['a start of another node', { name: 'registration', args: [{ node_id: 'b' }] }],
  ])('is at fault with %s', (_what, given) => {
    expect(faultsOf([introspected, given], 'a')).toHaveLength(1);
  });
});
