import {
  ApplicationFailure,
  isGrpcDeadlineError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
} from '@temporalio/client';
import { WorkflowIdConflictPolicy, type Workflow } from '@temporalio/common';
import { runOptions, runStart } from '../bridge/run-options.js';
import type { Config } from '../config/index.js';
import { loadContracts } from '../contracts/load.js';
import { errorText } from '../error-text.js';
import type { RegistryRow } from '../registry/rows/read-registry-row.js';
import {
  COMMAND_REFUSED,
  COMMAND_UPDATE,
  WORKFLOW_TYPE,
  workflowId,
  type CommandRequest,
} from '../../workflows/messages.js';
import { CliError, EXIT } from './terminal/exit-codes.js';
import { command } from './terminal/invocation.js';

const ANSWER_WITHIN_MS = 20_000;

/** A command as sentences about it read. */
export interface CommandWords {
  /** "the retry": "Nobody has begun … of node node-1". */
  readonly named: string;
  /** "is not registered again": what a refusal means for the node. */
  readonly refused: string;
}

/**
 * Commands a node's run, and waits for its answer. A run that is gone is started again from the registry row; without a
 * row, only a run that there is can be asked.
 *
 * @returns the number of the registration attempt afterwards
 * @throws CliError when the run refuses, no worker answers, or there is neither a run nor a row
 */
export async function commandRun(
  client: Client,
  config: Config,
  { node_id, row }: { readonly node_id: string; readonly row: RegistryRow | null },
  request: CommandRequest,
  { named, refused }: CommandWords,
): Promise<number> {
  const update = (): Promise<number> =>
    row === null
      ? client.workflow.getHandle(workflowId(node_id)).executeUpdate<number, [CommandRequest]>(COMMAND_UPDATE, {
          args: [request],
        })
      : client.workflow.executeUpdateWithStart<Workflow, number, [CommandRequest]>(COMMAND_UPDATE, {
          startWorkflowOperation: new WithStartWorkflowOperation(WORKFLOW_TYPE, {
            ...runOptions(row, runStart(loadContracts(config.contractsDir), config.taskQueue)),
            workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
          }),
          args: [request],
        });
  try {
    return await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, update);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw unknownNodeError(node_id, error);
    if (isGrpcDeadlineError(error))
      throw new CliError(
        `Nobody has begun ${named} of node ${node_id} within ${ANSWER_WITHIN_MS / 1000} s.`,
        EXIT.unreachable,
        {
          hint:
            `Does a worker run? '${command('doctor')}' shows who polls Temporal. One that starts may still do it: ` +
            `'${command(`status ${node_id}`)}' shows whether it has, before you try again.`,
          mayBeDoneYet: true,
          cause: error,
        },
      );
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    throw new CliError(`Node ${node_id} ${refused}: ${refusal}.`, EXIT.failed, {
      hint: `'${command(`status ${node_id}`)}' shows where it stands.`,
      cause: error,
    });
  }
}

/** Neither Temporal nor the registry knows the node. */
export function unknownNodeError(node_id: string, cause?: unknown): CliError {
  return new CliError(
    `Node ${node_id} is not known: it has no run, and the registry has no row of it.`,
    EXIT.notFound,
    {
      hint: `'${command('list')}' shows who is known.`,
      cause,
    },
  );
}

/** The workflow's own reason, when it has refused. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof WorkflowUpdateFailedError)) return null;
  const { cause } = error;
  return cause instanceof ApplicationFailure && cause.type === COMMAND_REFUSED ? cause.message : errorText(cause);
}
