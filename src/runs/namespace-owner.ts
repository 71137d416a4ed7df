import { Client, ScheduleAlreadyRunning, type Connection } from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';

/** A paused schedule that never starts anything. Whoever may write in the namespace may create it, once. */
const MARK = 'node-registrar';

const SHOWN_WITHIN_MS = 10_000;

/** All questions about the owner together. */
const ANSWERED_WITHIN_MS = 15_000;

/**
 * Whose namespace of Temporal this is. A namespace belongs to the environment that has used it first, since the ids of
 * runs are those of nodes. A schedule says so: it is kept as long as nobody deletes it, needs no operator, and is no
 * workflow that people would take for a node.
 *
 * @param environment who asks, and takes a namespace that is nobody's
 * @returns the environment to which it belongs
 * @throws Error of Temporal's client when the namespace cannot be asked, or the answers take more than 15 s
 */
export function claimNamespace(connection: Connection, namespace: string, environment: string): Promise<string> {
  const client = new Client({ connection, namespace });
  return connection.withDeadline(Date.now() + ANSWERED_WITHIN_MS, () => ownerOrOurs(client, environment));
}

async function ownerOrOurs(client: Client, environment: string): Promise<string> {
  const owner = await namespaceOwner(client);
  if (owner !== null) return owner;
  try {
    await client.schedule.create({
      scheduleId: MARK,
      spec: {},
      action: { type: 'startWorkflow', workflowType: 'never-started', taskQueue: MARK, args: [] },
      state: { paused: true, note: `This namespace belongs to the installation ${environment} of node-registrar.` },
      memo: { environment },
    });
    return environment;
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    return shownOwner(client);
  }
}

/** The environment to which a namespace belongs; null: to none so far. The caller's deadline ends it. */
export async function namespaceOwner(client: Client): Promise<string | null> {
  // Asking the schedule itself takes two seconds on a server that has just been started.
  for await (const { scheduleId, memo } of client.schedule.list())
    if (scheduleId === MARK && typeof memo?.['environment'] === 'string') return memo['environment'];
  return null;
}

/** Of a schedule that is there: lists show it a moment after it was made. */
async function shownOwner(client: Client): Promise<string> {
  for (const end = Date.now() + SHOWN_WITHIN_MS; Date.now() < end; await delay(100)) {
    const owner = await namespaceOwner(client);
    if (owner !== null) return owner;
  }
  throw new Error(
    `the schedule ${MARK} of this namespace does not say to which installation of node-registrar it belongs; ` +
      `delete it where it is not the registrar's`,
  );
}
