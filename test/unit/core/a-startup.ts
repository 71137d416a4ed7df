import type { Introspection } from '../../../src/protocol/introspection.js';

/** A node introduces itself; tests change what they are about. */
export const A_STARTUP = {
  message_id: 'm-1',
  correlation_id: 'c-1',
  node_id: 'abc-123',
  node_type: 'effect',
  node_version: '1.2.3',
  endpoints: { health: 'http://10.0.0.1/health' },
  capabilities: ['storage'],
  reason: 'startup',
  epoch: null,
  at: '2026-01-01T00:00:10.000Z',
} as const satisfies Introspection;
