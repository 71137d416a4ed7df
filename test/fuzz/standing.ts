import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import pLimit from 'p-limit';
import { workflowId, WORKFLOW_TYPE } from '../../workflows/messages.js';
import type { CatalogEntry } from '../../src/registry/consul/fleet.js';
import type { RegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { notNormal, type Given } from './normal-form.js';

/** Nodes that are not ACTIVE in PostgreSQL, or that nobody finds in Consul, in sentences. */
export function notStanding(
  nodes: readonly string[],
  rows: readonly Pick<RegistryRow, 'node_id' | 'state' | 'reason'>[],
  entries: readonly Pick<CatalogEntry, 'node_id' | 'passing'>[],
): string[] {
  const states = new Map(rows.map((row) => [row.node_id, row]));
  const passing = new Set(entries.filter((entry) => entry.passing).map(({ node_id }) => node_id));
  const known = new Set(nodes);
  return [
    ...nodes.flatMap((node) => {
      const row = states.get(node);
      const state = `${row?.state ?? 'not there'}${row?.reason ? ` (${row.reason})` : ''}`;
      return [
        ...(row?.state === 'ACTIVE' ? [] : [`${node} is ${state} in PostgreSQL`]),
        ...(passing.has(node) ? [] : [`${node} is not passing in Consul`]),
      ];
    }),
    ...entries.flatMap(({ node_id }) =>
      node_id !== null && known.has(node_id) ? [] : [`Consul has ${node_id ?? 'somebody'}, whom nobody introduced`],
    ),
  ];
}

export interface Reached {
  /** Signals that were looked at. */
  readonly signals: number;
  readonly faults: readonly string[];
}

const AT_ONCE = 8;

/** Looks at all runs, and at everything that each was given: nothing may be there but what the nodes have sent. */
export async function reached(client: Client, taskQueue: string, nodes: readonly string[]): Promise<Reached> {
  const known = new Set(nodes.map(workflowId));
  const faults: string[] = [];
  for await (const { workflowId: id } of client.workflow.list({ query: `TaskQueue = '${taskQueue}'` }))
    if (!known.has(id)) faults.push(`a run ${id}, whose node nobody introduced`);
  let signals = 0;
  const limit = pLimit(AT_ONCE);
  await Promise.all(
    nodes.map((node) =>
      limit(async () => {
        const given = await givenTo(client, node);
        signals += given.length - 1;
        faults.push(...faultsOf(given, node));
      }),
    ),
  );
  return { signals, faults };
}

/** @param given all that a node's run was given */
export function faultsOf(given: readonly Given[], node: string): string[] {
  return [
    ...(given.some(({ name }) => name === 'introspection') ? [] : [`${node}: no introspection`]),
    ...given.flatMap((one) => {
      const fault = notNormal(one, node);
      return fault === null ? [] : [`${node}: ${fault}`];
    }),
  ];
}

async function givenTo(client: Client, node: string): Promise<Given[]> {
  const { events } = await client.workflow.getHandle(workflowId(node)).fetchHistory();
  return (events ?? []).flatMap((event): Given[] => {
    const { workflowExecutionSignaledEventAttributes: signal, workflowExecutionStartedEventAttributes: start } = event;
    if (start) return [{ name: WORKFLOW_TYPE, args: argsOf(start.input?.payloads) }];
    return signal ? [{ name: signal.signalName ?? '', args: argsOf(signal.input?.payloads) }] : [];
  });
}

function argsOf(payloads: readonly Payload[] | null | undefined): readonly unknown[] {
  return (payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));
}
