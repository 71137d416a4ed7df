import {
  ApplicationFailure,
  isGrpcDeadlineError,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { WorkflowIdConflictPolicy, type Workflow } from '@temporalio/common';
import { runOptions, runStart } from '../../bridge/run-options.js';
import type { Config } from '../../config.js';
import { loadContracts } from '../../contracts/load.js';
import { readRegistryRow } from '../../registry/rows/read-registry-row.js';
import type { AskedBy } from '../../protocol/asked-by.js';
import {
  COMMAND_REFUSED,
  COMMAND_UPDATE,
  RETRY,
  WORKFLOW_TYPE,
  type CommandRequest,
} from '../../../workflows/messages.js';
import { withRegistry, withTemporal } from '../connect.js';
import { errorText } from '../../error-text.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';

const ANSWER_WITHIN_MS = 20_000;

/** What a retry has led to. */
export interface Retried {
  /** The number of the registration attempt. */
  readonly attempt: number;
  /** false: the node was well. Its attempt stays, and what Consul and the registry hold of it is written again. */
  readonly begun: boolean;
}

/**
 * Begins a new attempt with the node's last introspection, or repairs a node that is well. A run that has ended is
 * started again.
 *
 * @param asked who and why stand in the node's history
 * @throws CliError when the registry does not know the node, or its run refuses
 */
export async function retryNode(nodeId: string, config: Config, { who, why }: AskedBy): Promise<Retried> {
  const row = await withRegistry(config, (pool) => readRegistryRow(pool, nodeId));
  if (row === null) {
    throw new CliError(
      `Node ${nodeId} cannot be registered again: the registry holds no introspection of it.`,
      EXIT.notFound,
      { hint: `'${command(`status ${nodeId}`)}' looks elsewhere too.` },
    );
  }
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW_TYPE, {
    ...runOptions(row, runStart(loadContracts(config.contractsDir), config.taskQueue)),
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });
  return withTemporal(config, async (client) => {
    try {
      const attempt = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
        client.workflow.executeUpdateWithStart<Workflow, number, [CommandRequest]>(COMMAND_UPDATE, {
          startWorkflowOperation,
          args: [{ ...RETRY, payload: { asked_by: { who, why } } }],
        }),
      );
      return { attempt, begun: attempt > row.attempt };
    } catch (error) {
      if (isGrpcDeadlineError(error))
        throw new CliError(
          `Nobody has begun the retry of node ${nodeId} within ${ANSWER_WITHIN_MS / 1000} s.`,
          EXIT.unreachable,
          { hint: `Does a worker run? '${command('doctor')}' shows who polls Temporal; then try again.`, cause: error },
        );
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      throw new CliError(`Node ${nodeId} is not registered again: ${refusal}.`, EXIT.failed, {
        hint: `'${command(`status ${nodeId}`)}' shows where it stands.`,
        cause: error,
      });
    }
  });
}

/** What a retry has led to, for a person. */
export function retriedText(nodeId: string, { attempt, begun }: Retried): string {
  if (begun) return `Node ${nodeId} is being registered again: attempt ${attempt}.`;
  return `Node ${nodeId} is active: its Consul registration and registry row are written again (attempt ${attempt}).`;
}

/** The workflow's own reason, when it has refused. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof WorkflowUpdateFailedError)) return null;
  const { cause } = error;
  return cause instanceof ApplicationFailure && cause.type === COMMAND_REFUSED ? cause.message : errorText(cause);
}
