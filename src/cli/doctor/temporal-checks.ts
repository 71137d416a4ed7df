import { Client, type Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../../workflows/messages.js';
import type { Config } from '../../config/index.js';
import { isRefusal } from '../../runs/connection-fault.js';
import { namespaceOwner } from '../../runs/namespace-owner.js';
import { connectTemporal, noTemporal } from '../connect.js';
import { errorText } from '../../error-text.js';
import { CliError } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';
import { ANSWER_WITHIN_MS, failed, ownership, verdict, type Check, type Scope } from './check.js';

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
        if (isRefusal(error)) return [failed(answers, await noTemporal(config, error))];
        const todo = 'Create the namespace, or set TEMPORAL_NAMESPACE to one that there is.';
        return [{ ...answers, ok: false, found: errorText(error), todo }];
      }
      return [
        { ...answers, ok: true, found: 'yes', todo: null },
        await checkSearchAttributes(connection, config),
        await checkOwner(connection, config),
        ...(running ? [await checkWorker(connection, config)] : []),
      ];
    });
  } catch (error) {
    return [failed(answers, await noTemporal(config, error))];
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

async function checkOwner(connection: Connection, config: Config): Promise<Check> {
  const { namespace } = config.temporal;
  const owner = await namespaceOwner(new Client({ connection, namespace }));
  return ownership('temporal', `namespace ${namespace} is this installation's`, owner, config);
}

/** Temporal remembers a poller for minutes after it has gone; a living one polls at least once a minute. */
const POLLED_WITHIN_MS = 60_000;

async function checkWorker(connection: Connection, { temporal: { namespace }, taskQueue }: Config): Promise<Check> {
  const since = Date.now() - POLLED_WITHIN_MS;
  const describe = (taskQueueType: number) =>
    connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name: taskQueue }, taskQueueType });
  const [workflows, activities] = await Promise.all([describe(1), describe(2)]);
  const current = versionOf(workflows.versioningInfo?.currentDeploymentVersion);
  const living = activities.pollers.filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since);
  const workers = workflows.pollers.filter((one) => living.some(({ identity }) => identity === one.identity));
  const given = workers.filter(({ deploymentOptions }) => versionOf(deploymentOptions) === current);
  const what = `a worker polls task queue ${taskQueue}`;
  if (workers.length > 0 && given.length === 0)
    return verdict('temporal', what, false, ...noneCurrent(workers, current));
  return verdict(
    'temporal',
    what,
    given.length > 0,
    given.length > 0 ? given.map(({ identity }) => identity ?? 'an unnamed one').join(', ') : 'nobody does',
    `Run '${command('worker')}' (or '${command('up')}'): until then nodes wait, and none is lost.`,
  );
}

interface Versioned {
  readonly deploymentName?: string | null;
  readonly buildId?: string | null;
  /** Of a worker: 2 where it takes part in Worker Versioning. */
  readonly workerVersioningMode?: number | null;
}

/** "deployment:build"; null: no version. */
function versionOf(version: Versioned | null | undefined): string | null {
  const { deploymentName, buildId, workerVersioningMode = 2 } = version ?? {};
  return !deploymentName || workerVersioningMode !== 2 ? null : `${deploymentName}:${buildId ?? ''}`;
}

/** Words and remedy where workers poll, and Temporal gives the tasks to a version that none of them is. */
function noneCurrent(
  workers: readonly { readonly deploymentOptions?: Versioned | null }[],
  current: string | null,
): [found: string, todo: string] {
  const versions = [...new Set(workers.map(({ deploymentOptions }) => versionOf(deploymentOptions) ?? 'no version'))];
  return [
    `only workers of ${versions.join(', ')}, and ${current ?? 'no version'} is current`,
    "Make the version of a running worker current ('temporal worker deployment set-current-version'), or start a " +
      'worker of the current one: until then nodes wait, and none is lost.',
  ];
}
