import { ServiceError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { runOptions, runStart } from '../../../src/bridge/run-options.js';
import { signalWorkflow, type NodeSignal } from '../../../src/bridge/signal-workflow.js';
import { SEARCH_ATTRIBUTES, workflowId } from '../../../workflows/messages.js';
import { fakeTemporal } from './fake-temporal.js';
import { bridgeWorld, shipped } from './support.js';

const NODE = { node_id: 'n-1', node_type: 'effect', node_version: '1.2.3' } as const;
const grpc = (code: number, details: string): ServiceError =>
  new ServiceError('Failed', { cause: Object.assign(new Error(), { code, details, metadata: {} }) });

function world(options: Parameters<typeof fakeTemporal>[0] = {}) {
  const temporal = fakeTemporal(options);
  const bridge = bridgeWorld({ temporalClient: temporal.client });
  const send = (signal: NodeSignal, stop = new AbortController().signal) =>
    signalWorkflow(bridge.context, 'n-1', signal, stop);
  return { ...temporal, ...bridge, send };
}

describe('a signal for the run of a node', () => {
  it('is delivered with its arguments, by a call of ten seconds at most', async () => {
    const { send, signals, given } = world();
    expect(await send({ name: 'ack', args: [{ round: 1 }, 2] })).toEqual({ outcome: 'delivered' });
    expect(signals).toEqual([{ id: workflowId('n-1'), name: 'ack', args: [{ round: 1 }, 2], start: null }]);
    expect(given[0]).toBeGreaterThan(9_000);
    expect(given[0]).toBeLessThanOrEqual(10_000);
  });

  it('that may start a run starts it as every run of a node is started', async () => {
    const { send, signals, context } = world({ without: [workflowId('n-1')] });
    expect(await send({ name: 'introspection', args: [7], starts: NODE })).toEqual({ outcome: 'delivered' });
    expect(signals).toMatchObject([
      { name: 'introspection', args: [7], start: { ...runOptions(NODE, context.runs), signalArgs: [7] } },
    ]);
  });

  it('finds no run where there is none and none is to be started', async () => {
    const { send, lines } = world({ without: [workflowId('n-1')] });
    expect(await send({ name: 'ack', args: [] })).toEqual({ outcome: 'no_run' });
    expect(lines).toEqual([]);
  });

  it('that Temporal refuses is logged with its node, and not tried again', async () => {
    const { send, entries, given } = world({ failure: () => grpc(3, 'too many signals') });
    expect(await send({ name: 'ack', args: [] })).toEqual({
      outcome: 'refused',
      reason: 'Temporal refuses it: too many signals',
    });
    expect(given).toHaveLength(1);
    expect(entries).toMatchObject([
      { node_id: 'n-1', signal: 'ack', msg: 'Temporal refuses the ack signal of node n-1' },
    ]);
  });

  it('fails with the reason for which it is given up while Temporal is away', async () => {
    const stop = new AbortController();
    const { send, given } = world({ failure: () => grpc(14, 'unavailable') });
    const failed = expect(send({ name: 'ack', args: [] }, stop.signal)).rejects.toThrow('stopping');
    await expect.poll(() => given.length).toBeGreaterThanOrEqual(1);
    stop.abort(new Error('stopping'));
    await failed;
  });
});

describe('a run', () => {
  it('is started once for its node, on the queue of the workers, and shows what it is', () => {
    expect(runOptions(NODE, runStart(shipped(), 'nodes'))).toEqual({
      workflowId: workflowId('n-1'),
      taskQueue: 'nodes',
      args: [{ node_id: 'n-1' }],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: 'effect node n-1, version 1.2.3',
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTES.node_id, value: 'n-1' },
        { key: SEARCH_ATTRIBUTES.node_type, value: 'effect' },
        { key: SEARCH_ATTRIBUTES.state, value: 'PENDING_REGISTRATION' },
      ],
    });
  });
});
