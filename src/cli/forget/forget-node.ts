import { WorkflowNotFoundError } from '@temporalio/client';
import type { Config } from '../../config/index.js';
import type { Instance } from '../../registry/consul/catalog.js';
import { deleteNodeRows as forgetInRegistry } from '../../registry/rows/forget-node.js';
import { readRegistryRow } from '../../registry/rows/read-registry-row.js';
import { workflowId } from '../../../workflows/messages.js';
import { withConsul, withRegistry, withTemporal } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';

/**
 * Deletes what the registrar holds of a node whose registration has ended: its row, its lease, and what is left of it
 * in Consul.
 *
 * @returns what became of it, in a sentence
 * @throws CliError when the node is registered, or on its way, or nobody knows it
 */
export async function forgetNode(node_id: string, config: Config): Promise<string> {
  if (await hasRun(node_id, config)) throw lives(node_id, 'its registration runs');
  const row = await withRegistry(config, (pool) => readRegistryRow(pool, node_id));
  if (row !== null && row.ended_at === null)
    throw lives(node_id, `it is ${row.state} in the registry (attempt ${row.attempt})`);
  const shown = await forgetInConsul(node_id, config);
  const forgotten = await withRegistry(config, (pool) => forgetInRegistry(pool, node_id));
  if (forgotten === null) throw lives(node_id, 'it has come back meanwhile');
  const parts = [
    ...(forgotten.rows > 0 ? ['its row'] : []),
    ...(forgotten.leases > 0 ? ['its lease'] : []),
    ...(shown === null ? [] : [`what Consul still showed of it (attempt ${shown.attempt})`]),
  ];
  if (parts.length === 0)
    throw new CliError(`There is nothing to forget of node ${node_id}.`, EXIT.notFound, {
      hint: `'${command('list')}' shows who is known.`,
    });
  return (
    `Node ${node_id} is forgotten: ${parts.join(', ')}. If it introduces itself, or Kafka delivers an old ` +
    'introspection of it again, it is a new node.'
  );
}

async function hasRun(node_id: string, config: Config): Promise<boolean> {
  return withTemporal(config, async (client) => {
    try {
      return (await client.workflow.getHandle(workflowId(node_id)).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  });
}

/** A higher attempt that has come since stays. @returns what Consul showed of the node */
async function forgetInConsul(node_id: string, config: Config): Promise<Instance | null> {
  return withConsul(config, async (catalog) => {
    const shown = await catalog.instance(node_id);
    if (shown !== null) await catalog.deregister(shown.attempt, node_id);
    return shown;
  });
}

function lives(node_id: string, why: string): CliError {
  return new CliError(`Node ${node_id} is not forgotten: ${why}.`, EXIT.failed, {
    hint: `End it first: '${command(`evict ${node_id} --reason …`)}'.`,
  });
}
