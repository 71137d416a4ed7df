import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Config } from '../../config/index.js';
import { loadContracts } from '../../contracts/load.js';
import { readRegistryRow } from '../../registry/rows/read-registry-row.js';
import type { AskedBy } from '../../protocol/asked-by.js';
import { ACK_SIGNAL, workflowId, type AckSignal } from '../../../workflows/messages.js';
import type { JournalEntry } from '../../../workflows/journal.js';
import { withRegistry, withTemporal } from '../connect.js';
import { askStatus } from '../../runs/ask-status.js';
import { ANSWER_WITHIN_MS, runningNode, type RunningNode } from '../status/explain-node.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';
import { statesOf, type States } from '../terminal/states.js';

export interface Acknowledged {
  readonly node_id: string;
  readonly state: string;
  /** What the workflow has done with it. */
  readonly what: string;
}

/** What became of it, for a person. */
export function acknowledgedText({ node_id, state, what }: Acknowledged): string {
  return `${node_id} is ${state}: ${what}`;
}

/** Usually a tenth of a second; a backend that is away can make it long. */
const LOOK_WITHIN_MS = 8_000;
const LOOK_EVERY_MS = 100;

/**
 * Acknowledges for a node, and waits for what becomes of it.
 *
 * @param asked who and why stand in the node's history
 * @throws CliError when the ack did not count, with the workflow's own reason
 */
export async function acknowledge(nodeId: string, config: Config, { who, why }: AskedBy): Promise<Acknowledged> {
  return withTemporal(config, async (client) => {
    const contracts = loadContracts(config.contractsDir);
    const node = await runningNode(nodeId, client, config, contracts);
    if (node === null) throw await nothingToAck(nodeId, config);
    const correlation_id = node.registration?.incarnation?.correlation_id;
    if (correlation_id === undefined) {
      throw new CliError(
        `Node ${nodeId} cannot be acknowledged now: ${node.no_answer ?? 'its workflow has only just begun'}.`,
        EXIT.failed,
        { hint: `Look at it with '${command(`status ${nodeId}`)}'.` },
      );
    }
    // Without a time: the server's, when the signal arrives, counts.
    const ack: AckSignal = {
      message_id: randomUUID(),
      node_id: nodeId,
      correlation_id,
      at: null,
      asked_by: { who, why },
    };
    await signal(client, nodeId, ack);
    return await outcomeOf(client, node, statesOf(contracts.compiled));
  });
}

async function signal(client: Client, nodeId: string, ack: AckSignal): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId(nodeId)).signal(ACK_SIGNAL, ack);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new CliError(`Node ${nodeId} ended before the ack reached it.`, EXIT.failed, {
        hint: `See '${command(`status ${nodeId}`)}'.`,
        cause: error,
      });
    throw error;
  }
}

async function outcomeOf(client: Client, before: RunningNode, states: States): Promise<Acknowledged> {
  const { node_id } = before;
  const deadline = Date.now() + LOOK_WITHIN_MS;
  let state = before.state;
  const isActive = (name: string): boolean => states.meaning(name) === 'discoverable';
  while (Date.now() < deadline) {
    await delay(LOOK_EVERY_MS);
    const { status } = await askStatus(client, node_id, ANSWER_WITHIN_MS);
    const registration = status?.registration ?? null;
    if (status === null || registration === null) continue;
    state = registration.state ?? state;
    const ignored = newEntries(status.journal, before.journal).find(({ what }) => what.startsWith('ignored an ack'));
    if (ignored !== undefined)
      throw new CliError(`The ack for node ${node_id} did not count: ${ignored.what}.`, EXIT.failed, {
        hint: hintFor(state, node_id, states),
      });
    if (isActive(state) && !isActive(before.state)) return { node_id, state, what: 'the ack counted' };
  }
  throw new CliError(
    `The ack for node ${node_id} was sent, and after ${LOOK_WITHIN_MS / 1000} s the node is ${state}.`,
    EXIT.failed,
    {
      hint: `'${command(`status ${node_id}`)}' shows what it waits for.`,
    },
  );
}

/** The entries since; the journal keeps only its newest ones, so their number does not show which are new. */
function newEntries(journal: readonly JournalEntry[], before: readonly JournalEntry[]): readonly JournalEntry[] {
  const known = new Set(before.map(({ at, what }) => `${at} ${what}`));
  return journal.filter(({ at, what }) => !known.has(`${at} ${what}`));
}

function hintFor(state: string, nodeId: string, states: States): string {
  if (states.meaning(state) === 'discoverable') return `It is ${state} already; there is nothing to acknowledge.`;
  const status = command(`status ${nodeId}`);
  return state === states.initial
    ? `Its backends have not all confirmed it yet: '${status}' shows which one is waited for.`
    : `'${status}' shows its history.`;
}

async function nothingToAck(nodeId: string, config: Config): Promise<CliError> {
  const row = await withRegistry(config, (pool) => readRegistryRow(pool, nodeId));
  if (row === null) {
    return new CliError(
      `Node ${nodeId} has no registration to acknowledge, and the registry does not know it.`,
      EXIT.notFound,
      { hint: `'${command('list')}' shows who is known.` },
    );
  }
  return new CliError(
    `Node ${nodeId} has no open registration to acknowledge: it is ` +
      `${row.state}${row.reason === null ? '' : ` (${row.reason})`}.`,
    EXIT.failed,
    {
      hint: 'A new introspection of the node starts another attempt.',
    },
  );
}
