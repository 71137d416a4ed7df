import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { leftoverOf, type Difference } from '../../../../src/bridge/reconciliation/differences.js';
import { mend, type Mending } from '../../../../src/bridge/reconciliation/mend.js';
import type { ConsulClient } from '../../../../src/registry/consul/client.js';
import { bridgeWorld } from '../support.js';

/** A Temporal in which no node has a run. */
const nobodyRuns = {
  withDeadline: (_: number, call: () => Promise<unknown>) => call(),
  workflow: {
    getHandle: (id: string) => ({ signal: () => Promise.reject(new WorkflowNotFoundError('no run', id, undefined)) }),
  },
} as unknown as Client;

/** So many nodes that Consul shows and the registry does not know; none of them has a run. */
function unknown(count: number): Difference[] {
  return Array.from({ length: count }, (_, index) => {
    const node_id = `n-${index}`;
    const found = leftoverOf(
      {
        name: `onex-${node_id}`,
        node_id,
        environment: 'dev',
        attempt: 1,
        service: null,
        passing: true,
        shared: false,
        ModifyIndex: 1,
      },
      null,
      'dev',
    );
    if (found === null) throw new Error(`${node_id} is no difference`);
    return found;
  });
}

function mending(entries: number, removed: unknown[]): Mending {
  const { context } = bridgeWorld({ temporalClient: nobodyRuns });
  const consul = { call: () => Promise.resolve(removed.push(1)) } as unknown as ConsulClient;
  return {
    context,
    consul,
    per_second: 1_000,
    brake: { share: 0.45, floor: 5 },
    entries,
    signal: new AbortController().signal,
  };
}

describe('nodes that the registry does not know, and that have no run', () => {
  it('are removed', async () => {
    const removed: unknown[] = [];
    const mended = await mend(unknown(5), mending(100, removed));
    expect(mended.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 5 }, () => 'removed'));
    expect(removed).toHaveLength(5);
  });

  it('are left as they are when they are most of what Consul shows: the registry may be the wrong one', async () => {
    const removed: unknown[] = [];
    const mended = await mend(unknown(60), mending(100, removed));
    expect(new Set(mended.map(({ outcome }) => outcome))).toEqual(new Set(['held']));
    expect(mended[0]?.why).toBe('60 of 100 nodes in Consul are unknown here: is this the right database?');
    expect(removed).toEqual([]);
  });
});
