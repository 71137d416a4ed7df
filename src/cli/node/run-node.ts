import { readFileSync } from 'node:fs';
import pc from 'picocolors';
import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import { RegisteredNode } from '../../node/index.js';
import type { NodeOptions } from './options.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { errorText } from '../../error-text.js';
import { logger } from '../../telemetry.js';
import { clock, counted } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import { print } from '../terminal/output.js';
import { untilStopped } from '../processes/stopping.js';
import { nodeTopicTemplates } from '../setup/all-topics.js';
import { tracingOf } from '../../tracing/index.js';

/** Runs a node until it is stopped; prints each thing that happens to it. */
export async function runNode(options: NodeOptions, config: Config): Promise<void> {
  const tracing = await tracingOf('onex-node');
  const node = createNode(options, config);
  const show = (what: string): void => print(`${pc.dim(clock(new Date().toISOString()))}  ${what}`);
  node.on('introduced', ({ sends, correlation_id }) =>
    show(
      sends === 1
        ? `introduced itself, correlation_id ${correlation_id}`
        : `introduced itself again (${counted(sends, 'time')}): nobody has answered yet. Does the registrar run?`,
    ),
  );
  node.on('accepted', ({ ack_deadline }) => {
    show(
      'accepted: both backends hold it; to be acknowledged by ' +
        `${ack_deadline === null ? 'the deadline' : clock(ack_deadline)}`,
    );
    if (!options.ack) show(`acknowledge it in another terminal:  ${pc.bold(command(`ack ${node.node_id}`))}`);
  });
  node.on('acknowledged', () => show('acknowledged'));
  node.on('active', () => show(pc.green('ACTIVE: discoverable from now on. Ctrl-C leaves.')));
  node.on('draining', ({ reason }) => show(`${pc.cyan('draining')}: others do not find it any more (${reason})`));
  node.on('deregistered', ({ reason }) => show(`${pc.red('deregistered')}: ${reason}`));
  node.on('rejected', ({ reason, retry_in_ms }) =>
    show(`${pc.red('rejected')}: ${reason}; tries again in ${Math.round(retry_in_ms / 1000)} s`),
  );
  node.on('ackTimedOut', ({ rounds_left }) =>
    show(
      pc.yellow('not acknowledged in time') + (rounds_left === null ? '' : `, ${counted(rounds_left, 'round')} left`),
    ),
  );
  node.on('expired', ({ last_heartbeat_at }) =>
    show(`${pc.red('expired')}: no heartbeat reached the registrar since ${last_heartbeat_at ?? 'the beginning'}`),
  );
  node.on('startingOver', ({ because, in_ms }) => show(`starts over (${because}) in ${(in_ms / 1000).toFixed(1)} s`));
  node.on('requested', () => show('the registrar asked it to introduce itself'));
  node.on('recovered', () => show('what did not work works again'));
  node.on('problem', (error) =>
    show(`${pc.yellow('trouble')}: ${error.message}${error.cause === undefined ? '' : ` (${errorText(error.cause)})`}`),
  );
  const superseded = new Promise<CliError>((resolve) =>
    node.on('superseded', ({ by, error }) => {
      show(`${pc.red('superseded')} by process ${by.instance_id ?? 'unknown'}, correlation_id ${by.correlation_id}`);
      resolve(new CliError(error.message, EXIT.failed));
    }),
  );
  let beats = 0;
  node.on('heartbeat', () => {
    beats += 1;
    if (beats === 1) show(`first heartbeat; from now on every ${node.heartbeat_interval_seconds} s`);
  });
  node.on('left', ({ announced }) =>
    show(announced ? `left, after ${counted(beats, 'heartbeat')}` : 'left, but could not announce it: it expires'),
  );

  const stopping = untilStopped();
  show(
    `${options.type} node ${pc.bold(node.node_id)}, version ${options.version}, on Kafka at ` +
      `${config.kafka.brokers.join(', ')}`,
  );
  const active = node.start({ signal: stopping.signal });
  // A node that is stopped before it is active has not failed.
  active.catch((error: unknown) => {
    if (!stopping.signal.aborted && node.state !== 'superseded') show(`${pc.red('trouble')}: ${errorText(error)}`);
  });
  const failure = await Promise.race([stopping.requested, superseded]);
  await node.stop();
  await tracing?.stop();
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
