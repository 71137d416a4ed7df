import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { Pool } from 'pg';
import { bridgeTopics } from '../../bridge/bridge-topics.js';
import type { Config } from '../../config/index.js';
import type { CompiledContract } from '../../contracts/compiled.js';
import { loadContracts, type Contracts } from '../../contracts/load.js';
import { readConflicts, type Conflict } from '../../registry/leases/read-conflicts.js';
import { readBan, type Ban } from '../../registry/bans.js';
import { readBoundKey, type BoundKey } from '../../registry/keys/bound-keys.js';
import { readActions, type KeptAction } from '../../registry/operator-actions.js';
import { readRegistryRow, type RegistryRow } from '../../registry/rows/read-registry-row.js';
import { statusLine, type Status } from '../../../workflows/details.js';
import type { JournalEntry } from '../../../workflows/journal.js';
import { SEARCH_ATTRIBUTES, workflowId } from '../../../workflows/messages.js';
import { askStatus } from '../../runs/ask-status.js';
import { pendingActivities, type PendingActivity } from '../../runs/pending-activities.js';
import { withRegistry, withTemporal } from '../connect.js';
import { heldBack } from './held-back.js';
import { lettersOf, type NodeLetters } from './letters-of.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { linksOf, workflowLink } from '../terminal/links.js';

/** From the running workflow. */
export interface RunningNode {
  readonly source: 'workflow';
  readonly node_id: string;
  readonly run_id: string;
  readonly state: string;
  /** State, and why, on one line. */
  readonly line: string;
  /** null when no worker answers. */
  readonly registration: Status['registration'];
  readonly contract_version: string | null;
  readonly pending: readonly PendingActivity[];
  readonly journal: readonly JournalEntry[];
  readonly link: string | null;
  /** Why the workflow itself could not be asked. */
  readonly no_answer: string | null;
}

/** Until when the registry has a node's lease. Times are ISO 8601. */
export interface Lease {
  readonly deadline: string;
  readonly last_heartbeat_at: string | null;
  /** Why it has not expired, where self-preservation holds it. */
  readonly held: string | null;
}

export type NodeReport =
  | (RunningNode & {
      /** null: none is open, or the registry could not be asked. */
      readonly lease: Lease | null;
    })
  | {
      readonly source: 'registry';
      readonly node_id: string;
      readonly row: RegistryRow;
      readonly link: string | null;
    }
  | { readonly source: 'dead-letters'; readonly node_id: string };

export interface Explanation {
  readonly report: NodeReport | null;
  /** Its dead letters of the last day, whatever else is known; null where Kafka does not answer. */
  readonly letters: NodeLetters | null;
  /** Other processes that use its id; none where the registry could not be asked. */
  readonly conflicts: readonly Conflict[];
  /** The node is rejected, whatever it sends; null: it is not, or the registry could not be asked. */
  readonly ban: Ban | null;
  /** The key that speaks for it; null: none does, or the registry could not be asked. */
  readonly key: BoundKey | null;
  /** What people have asked for about it, newest first. */
  readonly asked: readonly KeptAction[];
  /** The sources that could not be asked. */
  readonly unasked: readonly CliError[];
  /** Where a node would have introduced itself. */
  readonly introspection_topic: string;
  readonly contract: CompiledContract;
}

/**
 * What is known of a node: from its running workflow, else from the registry, else from the dead letters; and its dead
 * letters of the last day in any case.
 */
export async function explainNode(nodeId: string, config: Config): Promise<Explanation> {
  const contracts = loadContracts(config.contractsDir);
  const unasked: CliError[] = [];
  const orUnasked = async <T>(asked: Promise<T>): Promise<T | null> =>
    asked.catch((error: unknown) => {
      if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error;
      unasked.push(error);
      return null;
    });
  const [letters, running, recorded] = await Promise.all([
    orUnasked(lettersOf(nodeId, config, contracts)),
    orUnasked(withTemporal(config, (client) => runningNode(nodeId, client, config, contracts))),
    orUnasked(withRegistry(config, (pool) => recordedNode(nodeId, pool, config, contracts))),
  ]);
  const hasLetters = letters !== null && letters.letters.length > 0;
  return {
    report:
      reportOf(nodeId, running, recorded, config) ?? (hasLetters ? { source: 'dead-letters', node_id: nodeId } : null),
    conflicts: recorded?.conflicts ?? [],
    ban: recorded?.ban ?? null,
    key: recorded?.key ?? null,
    asked: recorded?.asked ?? [],
    letters,
    unasked,
    introspection_topic: bridgeTopics(contracts, config).introspections.join(' or '),
    contract: contracts.compiled,
  };
}

interface RecordedNode {
  readonly row: RegistryRow | null;
  /** Why it has not expired, where self-preservation holds it. */
  readonly held: string | null;
  readonly conflicts: readonly Conflict[];
  readonly ban: Ban | null;
  readonly key: BoundKey | null;
  readonly asked: readonly KeptAction[];
}

/** What people have asked for before that is in the table. */
const SHOWN_ACTIONS = 10;

async function recordedNode(nodeId: string, pool: Pool, config: Config, contracts: Contracts): Promise<RecordedNode> {
  const { window_seconds } = contracts.compiled.liveness;
  const row = await readRegistryRow(pool, nodeId);
  return {
    row,
    held: await heldBack(row, pool, config, contracts),
    conflicts: await readConflicts(pool, nodeId, window_seconds),
    ban: await readBan(pool, nodeId),
    key: await readBoundKey(pool, nodeId),
    asked: await readActions(pool, nodeId, SHOWN_ACTIONS),
  };
}

function reportOf(
  nodeId: string,
  running: RunningNode | null,
  recorded: RecordedNode | null,
  config: Config,
): NodeReport | null {
  if (running !== null) return { ...running, lease: leaseOf(recorded) };
  if (recorded === null || recorded.row === null) return null;
  return { source: 'registry', node_id: nodeId, row: recorded.row, link: workflowLink(linksOf(config), nodeId) };
}

function leaseOf(recorded: RecordedNode | null): Lease | null {
  const row = recorded?.row;
  if (row === null || row === undefined || row.lease_deadline === null || row.expired_at !== null) return null;
  return { deadline: row.lease_deadline, last_heartbeat_at: row.last_heartbeat_at, held: recorded?.held ?? null };
}

/** How long a person waits for the run's own answer. */
export const ANSWER_WITHIN_MS = 5_000;

/** null when no run of this node is open. */
export async function runningNode(
  nodeId: string,
  client: Client,
  config: Config,
  contracts: Contracts,
): Promise<RunningNode | null> {
  const handle = client.workflow.getHandle(workflowId(nodeId));
  let description: WorkflowExecutionDescription;
  try {
    description = await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
  if (description.status.name !== 'RUNNING') return null;
  const { status, no_answer } = await askStatus(client, nodeId, ANSWER_WITHIN_MS);
  const registration = status?.registration ?? null;
  const filtered = description.typedSearchAttributes.get(SEARCH_ATTRIBUTES.state) ?? 'UNKNOWN';
  return {
    source: 'workflow',
    node_id: nodeId,
    run_id: description.runId,
    state: registration?.state ?? registration?.entering?.state ?? filtered,
    line: registration === null ? filtered : statusLine(registration, contracts.compiled),
    registration,
    contract_version: status?.contract_version ?? null,
    pending: await pendingActivities(client, description),
    journal: status?.journal ?? [],
    link: workflowLink(linksOf(config), nodeId),
    no_answer: no_answer === null ? null : `its workflow gave no answer (${no_answer}): does a worker run?`,
  };
}
