import { describe, expect, it } from 'vitest';
import { IntrospectionRequests } from '../../../../src/bridge/liveness/introspection-requests.js';
import { loadContracts } from '../../../../src/contracts/load.js';
import { parsePublished } from '../../../../src/protocol/published.js';
import { contractDirectory } from '../../contracts/contract-files.js';
import { bridgeWorld, event, recordOf, shipped } from '../support.js';

async function asked(contracts = shipped(), send?: () => Promise<void>) {
  const { context, sent, lines, entries } = bridgeWorld({ contracts, ...(send ? { send } : {}) });
  const requests = new IntrospectionRequests(context, event('request_introspection', contracts));
  const ask = () => requests.ask([{ node_id: 'n-1', record: recordOf(null) }]);
  await ask();
  return { context, sent, lines, entries, ask };
}

describe('a request to introduce oneself', () => {
  it('is what the contract publishes: payload, ids at the top and tags', async () => {
    const { sent, context } = await asked();
    const [record] = sent;
    expect([record?.topic, record?.headers.event_type]).toEqual(['request_introspection', 'RequestIntrospection']);
    const envelope = JSON.parse(record?.value?.toString() ?? '') as Record<string, unknown>;
    expect(record?.headers['source']).toBe('node-registrar');
    expect(envelope).toMatchObject({ target_node_id: 'n-1', payload: { node_id: 'n-1', target_node_id: 'n-1' } });
    expect(context.counters.introspections_requested).toBe(1);
  });

  it('changes when the contract does', async () => {
    const overlay = `
published_events:
  - action: "request_introspection"
    event_type: "ModelRequestIntrospection"
    ids_at_top: false
    tags: { who: "{node_id}", about: "answer {correlation_id}" }
`;
    const contracts = loadContracts(contractDirectory({ orchestrator: overlay }));
    const { sent } = await asked(contracts);
    const value = sent[0]?.value ?? null;
    expect(JSON.parse(value?.toString() ?? '')).not.toHaveProperty('target_node_id');
    const parsed = parsePublished(value);
    if (!parsed.ok) throw new Error(parsed.reason);
    expect(parsed.event.tags).toEqual({ who: 'n-1', about: `answer ${parsed.event.correlation_id}` });
  });

  it('that its schema refuses is logged and left out: no heartbeat waits for it', async () => {
    const contracts = shipped();
    const { events } = contracts.compiled;
    const request = { ...events['request_introspection'], payload: { target_node_id: 7 } };
    const broken = {
      ...contracts,
      compiled: { ...contracts.compiled, events: { ...events, request_introspection: request } },
    };
    const { sent, entries, context, ask } = await asked(broken as typeof contracts);
    expect(sent).toEqual([]);
    await ask();
    expect(entries).toMatchObject([
      {
        node_id: 'n-1',
        reason: expect.stringContaining('target_node_id') as string,
        msg: 'RequestIntrospection cannot be published: correct it in the contract',
      },
    ]);
    expect(context.counters.introspections_requested).toBe(0);
  });

  it('is sent to nobody where nobody is asked', async () => {
    let sends = 0;
    const { ask } = await asked(shipped(), () => Promise.resolve(void (sends += 1)));
    await ask();
    expect(sends).toBe(1);
  });

  it('that Kafka does not take is made again with the next heartbeat', async () => {
    let away = true;
    const { sent, ask, lines } = await asked(shipped(), () =>
      away ? Promise.reject(new Error('away')) : Promise.resolve(),
    );
    expect([sent.length, lines.length]).toEqual([0, 1]);
    away = false;
    await ask();
    await ask();
    expect(sent).toHaveLength(1);
  });
});
