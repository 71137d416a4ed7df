import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { buildPublished } from '../../../src/protocol/published.js';
import { eventsOf } from '../../../workflows/core/outgoing.js';
import { laidOver } from '../contracts/contract-files.js';
import { Life } from './life.js';

/** What a life publishes: what the contract says of an event reaches the record. */

const life = new Life(loadContracts().compiled);
life.step({ do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 });
const overlay = `published_events:
  - { action: "emit_registration_initiated", ids_at_top: true }
  - { action: "emit_registration_accepted", ids_at_top: false }
`;

describe('an event', () => {
  it.each([
    [
      'shipped',
      {},
      { emit_registration_initiated: false, emit_registration_accepted: true, emit_became_active: false },
    ],
    [
      'edited',
      { orchestrator: overlay },
      { emit_registration_initiated: true, emit_registration_accepted: false, emit_became_active: false },
    ],
  ])('has ids at the top of its envelope where the %s contract says so', (_, files, expected) => {
    const events = eventsOf(life.node, Object.keys(expected), laidOver(files).compiled);
    expect(events.map(({ ids_at_top }) => ids_at_top)).toEqual(Object.values(expected));
    for (const event of events) {
      const identified = { ...event, correlation_id: event.id, causation_id: event.id };
      const { value } = buildPublished(identified, { sentAt: new Date(0), source: 'test' });
      expect('entity_id' in (JSON.parse(String(value)) as object), event.event_type).toBe(event.ids_at_top);
    }
  });
});
