import { Client, Connection } from '@temporalio/client';
import { startBridge } from '../bridge/index.js';
import type { Config } from '../config.js';
import { loadContracts } from '../contracts/load.js';
import { createKafka } from '../kafka/index.js';
import { createPool } from '../registry/pool.js';
import { temporalOptions } from './connect.js';
import { untilStopped } from './stopping.js';

/**
 * Runs the bridge until the process is told to stop (SIGINT, SIGTERM): it then
 * finishes what it holds and leaves its consumer groups. Servers that are not
 * there yet are waited for.
 *
 * @param onReady called when it reads all topics
 */
export async function runBridge(config: Config, onReady: () => void = () => undefined): Promise<void> {
  const contracts = loadContracts(config.contractsDir);
  const connection = Connection.lazy(temporalOptions(config));
  const temporalClient = new Client({ connection, namespace: config.temporal.namespace });
  const pool = createPool(config.postgres.connectionString);
  const kafka = createKafka({ brokers: config.kafka.brokers, clientId: 'node-registrar-bridge' });
  const stopping = untilStopped();
  try {
    const bridge = await startBridge({ config, contracts, temporalClient, pool, kafka, signal: stopping.signal });
    onReady();
    await stopping.requested;
    await bridge.stop();
  } catch (error) {
    // Told to stop while it was still waiting for a server: it held nothing.
    if (!stopping.signal.aborted) throw error;
  } finally {
    await Promise.allSettled([pool.end(), connection.close()]);
  }
}
