import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../../workflows/messages.js';
import type { Config } from '../../config/index.js';
import { connectTemporal, unreachable } from '../connect.js';
import { errorText } from '../../error-text.js';
import { CliError } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';
import { ANSWER_WITHIN_MS, failed, verdict, type Check, type Scope } from './check.js';

/** Temporal answers, has the namespace and the search attributes; a worker polls its task queue. */
export async function checkTemporal(config: Config, { running }: Scope): Promise<Check[]> {
  const { address, namespace } = config.temporal;
  const answers = { about: 'temporal', what: `answers at ${address}, namespace ${namespace}` } as const;
  let connection: Connection;
  try {
    connection = await connectTemporal(config);
  } catch (error) {
    if (error instanceof CliError) return [failed(answers, error)];
    throw error;
  }
  try {
    return await connection.withDeadline(Date.now() + 2 * ANSWER_WITHIN_MS, async () => {
      try {
        await connection.workflowService.describeNamespace({ namespace });
      } catch (error) {
        const todo = 'Create the namespace, or set TEMPORAL_NAMESPACE to one that there is.';
        return [{ ...answers, ok: false, found: errorText(error), todo }];
      }
      return [
        { ...answers, ok: true, found: 'yes', todo: null },
        await checkSearchAttributes(connection, config),
        ...(running ? [await checkWorker(connection, config)] : []),
      ];
    });
  } catch (error) {
    return [failed(answers, unreachable(config, 'temporal', address, error))];
  } finally {
    await connection.close();
  }
}

async function checkSearchAttributes(connection: Connection, { temporal: { namespace } }: Config): Promise<Check> {
  const names = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = names.filter((name) => customAttributes?.[name] === undefined);
  return verdict(
    'temporal',
    `search attributes ${names.join(', ')}`,
    missing.length === 0,
    missing.length === 0 ? 'all there' : `${missing.join(', ')} missing`,
    `Create them with '${command('setup')}'; without them no node is registered.`,
  );
}

/** Temporal remembers a poller for minutes after it has gone; a living one polls at least once a minute. */
const POLLED_WITHIN_MS = 60_000;

async function checkWorker(connection: Connection, { temporal: { namespace }, taskQueue }: Config): Promise<Check> {
  const since = Date.now() - POLLED_WITHIN_MS;
  const polls = async (taskQueueType: number): Promise<string[]> => {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType,
    });
    return pollers.flatMap(({ identity, lastAccessTime }) =>
      Number(lastAccessTime?.seconds ?? 0) * 1000 > since ? [identity ?? 'an unnamed one'] : [],
    );
  };
  const [workflows, activities] = await Promise.all([polls(1), polls(2)]);
  const workers = workflows.filter((identity) => activities.includes(identity));
  return verdict(
    'temporal',
    `a worker polls task queue ${taskQueue}`,
    workers.length > 0,
    workers.length > 0 ? workers.join(', ') : 'nobody does',
    `Run '${command('worker')}' (or '${command('up')}'): until then nodes wait, and none is lost.`,
  );
}
