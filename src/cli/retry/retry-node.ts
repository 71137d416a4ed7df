import type { Config } from '../../config/index.js';
import { readRegistryRow } from '../../registry/rows/read-registry-row.js';
import type { AskedBy } from '../../protocol/asked-by.js';
import { RETRY } from '../../../workflows/messages.js';
import { commandRun } from '../command-run.js';
import { withRegistry, withTemporal } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';

/** What a retry has led to. */
export interface Retried {
  /** The number of the registration attempt. */
  readonly attempt: number;
  /** false: the node was well. Its attempt stays, and what Consul and the registry hold of it is written again. */
  readonly begun: boolean;
}

/**
 * Begins a new attempt with the node's last introspection, or repairs a node that is well. A run that has ended is
 * started again.
 *
 * @param asked who and why stand in the node's history
 * @throws CliError when the registry does not know the node, or its run refuses
 */
export async function retryNode(node_id: string, config: Config, { who, why }: AskedBy): Promise<Retried> {
  const row = await withRegistry(config, (pool) => readRegistryRow(pool, node_id));
  if (row === null) {
    throw new CliError(
      `Node ${node_id} cannot be registered again: the registry holds no introspection of it.`,
      EXIT.notFound,
      { hint: `'${command(`status ${node_id}`)}' looks elsewhere too.` },
    );
  }
  const request = { ...RETRY, payload: { asked_by: { who, why } } };
  const words = { named: 'the retry', refused: 'is not registered again' };
  const attempt = await withTemporal(config, (client) => commandRun(client, config, { node_id, row }, request, words));
  return { attempt, begun: attempt > row.attempt };
}

/** What a retry has led to, for a person. */
export function retriedText(nodeId: string, { attempt, begun }: Retried): string {
  if (begun) return `Node ${nodeId} is being registered again: attempt ${attempt}.`;
  return `Node ${nodeId} is well: its Consul registration and registry row are written again (attempt ${attempt}).`;
}
