import { randomUUID } from 'node:crypto';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import type { Config } from '../config.js';
import { PROBE_TYPE } from '../../workflows/messages.js';
import { temporalOptions } from './connect.js';

/** Side by side, and twice: servers that have just started, and a worker too, are slow with what they do for the first time. */
const SIDE_BY_SIDE = 10;
const ROUNDS = 4;
/** Long enough for servers that are only slow; what is away or refuses for longer must not keep the registrar from starting. */
const WITHIN = '15s';

/**
 * Proves that the registrar works before it is said to be up: probes go through
 * Temporal, the worker and every backend, and change nothing.
 *
 * @returns what is wrong, in words; null when all probes came back
 */
export async function probe(config: Config): Promise<string | null> {
  const connection = await Connection.connect(temporalOptions(config));
  try {
    const client = new Client({ connection, namespace: config.temporal.namespace });
    for (let round = 0; round < ROUNDS; round++) await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => once(client, config)));
    return null;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return `a probe of worker and backends did not come back within ${WITHIN}: nodes will wait too; 'registrar doctor' tells what for`;
  } finally {
    await connection.close();
  }
}

async function once(client: Client, config: Config): Promise<void> {
  await client.workflow.execute(PROBE_TYPE, {
    workflowId: `registrar-probe/${randomUUID()}`,
    taskQueue: config.taskQueue,
    workflowExecutionTimeout: WITHIN,
    staticSummary: 'Does the registrar work? Asks every backend and changes nothing',
  });
}
