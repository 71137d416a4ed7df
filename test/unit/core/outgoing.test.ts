import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { buildPublished } from '../../../src/protocol/published.js';
import { derivedId } from '../../../src/protocol/ids.js';
import { eventsOf, intentsOf } from '../../../workflows/core/outgoing.js';
import { unknownNode, withChanges } from '../../../workflows/core/registration.js';
import { laidOver } from '../contracts/contract-files.js';
import { Life } from './life.js';

/** What a life publishes: what the contract says of an event reaches the record. */

const contract = loadContracts().compiled;
const life = new Life(contract);
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

describe('the event of a state that lives by a lease', () => {
  const active = new Life(contract, ({ task }, { node }, isDone) => {
    if (task === 'publish' && !isDone)
      ids.push(...eventsOf(node, ['emit_became_active'], contract).map(({ id }) => id));
  });
  const ids: string[] = [];
  active.step({ do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 });
  active.step({ do: 'all goes well' });
  active.step({ do: 'ack', of: 'current', late: false });
  active.step({ do: 'all goes well' });

  it('that is entered from another one has the same id in each run', () => {
    expect(ids.at(-1)).toBe(derivedId('abc-123', 'c-1', 'NodeBecameActive', 1, 1));
  });
});

describe('the events of one publish', () => {
  const { node } = life;
  const known = { ...(node.incarnation ?? expect.fail()), superseded: ['c-0'], instance_id: 'p-1' };

  it('have ids that can be derived again, and each is caused by the one before it', () => {
    const [initiated, accepted] = eventsOf(
      node,
      ['emit_registration_initiated', 'emit_registration_accepted'],
      contract,
    );
    expect(initiated).toStrictEqual({
      id: derivedId('abc-123', 'c-1', 'NodeRegistrationInitiated', 1, 0),
      event_type: 'NodeRegistrationInitiated',
      topic: '{env}.{namespace}.onex.evt.node-registration-initiated.v1',
      node_id: 'abc-123',
      correlation_id: 'c-1',
      causation_id: node.introspection?.message_id,
      payload: { registration_attempt_id: derivedId('abc-123', 'c-1', 'attempt', 1) },
      ids_at_top: false,
      stamps: {},
      tags: { attempt: '1' },
    });
    expect(accepted).toMatchObject({
      causation_id: initiated?.id,
      stamps: { ack_deadline: 30 },
      tags: { attempt: '1', ack_round: '0', heartbeat_interval_seconds: '10' },
    });
  });

  it('say which process they are about, and which attempts it has superseded', () => {
    const [event] = eventsOf(withChanges(node, { incarnation: known }), ['emit_became_active'], contract);
    expect(event).toMatchObject({ instance_id: 'p-1', supersedes: ['c-0'] });
  });

  it('of a node that nobody knows have no correlation_id', () => {
    const [event] = eventsOf(unknownNode('abc-123', null, contract), ['emit_became_active'], contract);
    expect(event?.correlation_id).toBe('');
  });

  it('and intents are none for an action that the contract does not have', () => {
    expect(eventsOf(node, ['emit_nothing'], contract)).toEqual([]);
    expect(intentsOf(node, ['emit_nothing'], contract)).toEqual([]);
  });

  it('have a deadline at the send itself where the contract has no such timer', () => {
    const event = contract.events['emit_became_active'] ?? expect.fail();
    const events = { ...contract.events, emit_became_active: { ...event, stamps: { looked_at: 'nothing' } } };
    expect(eventsOf(node, ['emit_became_active'], { ...contract, events })[0]?.stamps).toEqual({ looked_at: 0 });
  });
});
