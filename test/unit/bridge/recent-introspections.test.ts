import { describe, expect, it } from 'vitest';
import { RecentIntrospections } from '../../../src/bridge/recent-introspections.js';
import type { Introspection } from '../../../src/protocol/introspection.js';

describe('an introspection that is repeated', () => {
  const introspection = (changes: Partial<Introspection> = {}): Introspection => ({
    message_id: 'm',
    correlation_id: 'c',
    node_id: 'n',
    node_type: 'effect',
    node_version: '1.0.0',
    endpoints: {},
    capabilities: [],
    reason: 'startup',
    epoch: null,
    at: '2026-01-01T00:00:00.000Z',
    ...changes,
  });

  it('is known for a while, while nothing else was signalled of its node', () => {
    let now = 1;
    const recent = new RecentIntrospections({ now: () => now });
    expect(recent.has(introspection())).toBe(false);
    recent.add(introspection());
    now += 30_000;
    expect(recent.has(introspection({ message_id: 'another', at: '2026-01-01T00:00:05.000Z' }))).toBe(true);
    now += 1;
    expect(recent.has(introspection())).toBe(false);
  });

  it.each([{ node_id: 'other' }, { correlation_id: 'd' }, { reason: 'shutdown' as const }, { epoch: 2 }])(
    'is another one with %j',
    (changes) => {
      const recent = new RecentIntrospections();
      recent.add(introspection());
      expect(recent.has(introspection(changes))).toBe(false);
    },
  );

  it.each(['request', 'heartbeat', 'health_change', 'capability_change', 'shutdown'] as const)(
    'is signalled each time for the reason %s: its data decide, whatever correlation_id it carries',
    (reason) => {
      const recent = new RecentIntrospections();
      recent.add(introspection({ reason }));
      expect(recent.has(introspection({ reason, capabilities: ['new'] }))).toBe(false);
    },
  );

  it('is signalled again after another incarnation was', () => {
    const recent = new RecentIntrospections();
    recent.add(introspection());
    recent.add(introspection({ correlation_id: 'd' }));
    expect(recent.has(introspection())).toBe(false);
  });

  it('is remembered of so many nodes, and no more', () => {
    const recent = new RecentIntrospections();
    for (let n = 0; n <= 50_000; n += 1) recent.add(introspection({ node_id: `n${n}` }));
    expect(recent.has(introspection({ node_id: 'n0' }))).toBe(false);
    expect(recent.has(introspection({ node_id: 'n1' }))).toBe(true);
  });
});
