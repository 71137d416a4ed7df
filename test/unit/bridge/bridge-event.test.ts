import { describe, expect, it } from 'vitest';
import { bridgeEvent } from '../../../src/bridge/bridge-event.js';
import { shipped } from './support.js';

describe('an event that the bridge publishes', () => {
  it('is as the contract has it, on the topic that is given', () => {
    const event = bridgeEvent(shipped().compiled, 'request_introspection', 'asks');
    expect(event).toMatchObject({ topic: 'asks', event_type: 'RequestIntrospection', ids_at_top: true, stamps: {} });
    expect(event.payload({ node_id: 'n-1' })).toEqual({ target_node_id: 'n-1' });
    expect(event.tags({ node_id: 'n-1' })).toEqual({});
  });

  it('has its stamps in seconds, and its tags as text, whatever is known', () => {
    const { compiled } = shipped();
    const tags = { who: '{node_id}', why: 'lost {correlation_id}' };
    const template = { ...compiled.events['dead_letter']!, stamps: { until: 'ack' }, tags };
    const event = bridgeEvent({ ...compiled, events: { wave: template } }, 'wave', 'waves');
    expect(event.stamps).toEqual({ until: 30 });
    expect(event.tags({ node_id: 7 })).toEqual({ who: '7', why: 'lost none' });
  });

  it('that the contract lacks is refused by its name', () => {
    expect(() => bridgeEvent(shipped().compiled, 'wave', 'asks')).toThrow(
      "the contract's published_events have no row for wave",
    );
  });
});
