import { describe, expect, it } from 'vitest';
import { drainRequests } from '../../../src/bridge/drain-requests.js';
import { buildDrainRequest, parseDrainRequest } from '../../../src/protocol/drain-request.js';
import { workflowId } from '../../../workflows/messages.js';
import { fakeTemporal } from './fake-temporal.js';
import { batchOf, bridgeWorld, recordOf } from './support.js';

const SENT = new Date('2026-01-31T12:00:00.000Z');
const request = (draining: boolean, reason: string | null = null) =>
  buildDrainRequest({ node_id: 'node-1', correlation_id: 'c-1', draining, reason }, SENT).value;

describe("a node's drain request", () => {
  it('comes back as it was sent', () => {
    const parsed = parseDrainRequest(request(true, 'too hot'), recordOf(null, 0, SENT.getTime()));
    expect(parsed).toMatchObject({
      ok: true,
      message: { node_id: 'node-1', correlation_id: 'c-1', draining: true, reason: 'too hot', at: SENT.toISOString() },
    });
  });

  it('needs the correlation_id of the registration, and whether it drains', () => {
    const bare = (fields: object) =>
      parseDrainRequest(Buffer.from(JSON.stringify({ node_id: 'node-1', ...fields })), recordOf(null));
    expect(bare({ draining: true })).toEqual({
      ok: false,
      reason: 'correlation_id: expected the one of the registration, got nothing',
    });
    expect(bare({ correlation_id: 'c-1' })).toMatchObject({ reason: expect.stringMatching(/^draining: /) as string });
    expect(bare({ correlation_id: 'c-1', draining: false, reason: '  ' })).toMatchObject({
      message: { draining: false, reason: null },
    });
  });

  it("signals the node's run with the message that the contract routes", async () => {
    const temporal = fakeTemporal();
    const { context } = bridgeWorld({ temporalClient: temporal.client });
    const { batch, done } = batchOf([request(true, 'too hot'), request(false), Buffer.from('{')]);
    await drainRequests(context)(batch);
    expect(temporal.signals.map(({ name, args }) => [name, ...args])).toMatchObject([
      ['request', { event_model: 'ModelNodeDrainRequested', payload: { correlation_id: 'c-1', reason: 'too hot' } }],
      ['request', { event_model: 'ModelNodeUndrainRequested', payload: { correlation_id: 'c-1', reason: null } }],
    ]);
    expect(context.counters.drain_requests).toBe(2);
    expect(context.deadLetters.counts().get('not_json')).toBe(1);
    expect(done.size).toBe(3);
  });

  it('of a node without a run starts none, and is logged', async () => {
    const temporal = fakeTemporal({ without: [workflowId('node-1')] });
    const { context, entries } = bridgeWorld({ temporalClient: temporal.client });
    await drainRequests(context)(batchOf([request(true)]).batch);
    expect(temporal.signals).toEqual([]);
    expect(context.counters.drain_requests_without_run).toBe(1);
    expect(entries).toMatchObject([
      {
        node_id: 'node-1',
        correlation_id: 'c-1',
        message_id: expect.any(String) as string,
        msg: 'a drain request of a node whose registration has no run',
      },
    ]);
  });

  it('that Temporal refuses becomes a dead letter', async () => {
    const temporal = fakeTemporal({ failure: () => new TypeError('no such value') });
    const { context } = bridgeWorld({ temporalClient: temporal.client });
    await drainRequests(context)(batchOf([request(true)]).batch);
    expect(context.deadLetters.counts().get('refused_by_temporal')).toBe(1);
  });
});
