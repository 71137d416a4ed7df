import { readFileSync } from 'node:fs';
import pc from 'picocolors';
import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import { RegisteredNode } from '../../node/index.js';
import type { NodeOptions } from './options.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { errorText } from '../../error-text.js';
import { busyWhile } from '../../stack/busy-line.js';
import { logger } from '../../telemetry.js';
import { clock, shown } from '../terminal/format.js';
import { print } from '../terminal/output.js';
import { untilStopped } from '../processes/stopping.js';
import { nodeTopicTemplates } from '../setup/all-topics.js';
import { tracingOf } from '../../tracing/index.js';
import { printEvents } from './node-lines.js';

/** Runs a node until it is stopped; prints each thing that happens to it. */
export async function runNode(options: NodeOptions, config: Config): Promise<void> {
  const tracing = await tracingOf('onex-node');
  const node = createNode(options, config);
  const show = (what: string): void => print(`${pc.dim(clock(new Date().toISOString()))}  ${what}`);
  printEvents(node, options, show);
  const superseded = new Promise<CliError>((resolve) =>
    node.on('superseded', ({ error }) => resolve(new CliError(error.message, EXIT.failed))),
  );

  const stopping = untilStopped();
  show(
    `${options.type} node ${pc.bold(node.node_id)}, version ${options.version}, on Kafka at ` +
      `${config.kafka.brokers.join(', ')}`,
  );
  const active = node.start({ signal: stopping.signal });
  // A node that is stopped before it is active has not failed.
  active.catch((error: unknown) => {
    if (!stopping.signal.aborted && node.state !== 'superseded')
      show(`${pc.red('trouble')}: ${shown(errorText(error))}`);
  });
  const failure = await Promise.race([stopping.requested, superseded]);
  await busyWhile('leaving', async () => {
    await node.stop();
    await tracing?.stop();
  });
  if (failure instanceof CliError) throw failure;
}

function keyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(`The key file ${path} cannot be read: ${errorText(error)}`, EXIT.usage, {
      hint: `'openssl genpkey -algorithm ed25519 -out ${path}' makes one.`,
      cause: error,
    });
  }
}

function createNode(options: NodeOptions, config: Config): RegisteredNode {
  const { id, type, version, endpoint, capability, ack, key, previousKey } = options;
  try {
    return new RegisteredNode({
      ...config.kafka,
      env: config.env,
      namespace: config.namespace,
      topics: nodeTopicTemplates(loadContracts(config.contractsDir)),
      logger: logger('node'),
      ...(id === undefined ? {} : { node_id: id }),
      node_type: type,
      version,
      endpoints: Object.fromEntries(endpoint),
      capabilities: capability,
      autoAck: ack,
      ...(key === undefined ? {} : { signingKey: keyFile(key) }),
      ...(previousKey === undefined ? {} : { previousSigningKey: keyFile(previousKey) }),
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'NodeError')
      throw new CliError(error.message, EXIT.usage, { cause: error });
    throw error;
  }
}
