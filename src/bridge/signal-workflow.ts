import { WorkflowNotFoundError } from '@temporalio/client';
import { WORKFLOW_TYPE, workflowId } from '../../workflows/messages.js';
import type { BridgeContext } from './context.js';
import { runOptions, type StartedNode } from './run-options.js';
import { isAboutTheMessage, temporalErrorText } from '../runs/temporal-errors.js';

const CALL_TIMEOUT_MS = 10_000;

/** A signal for a node's workflow. */
export interface NodeSignal {
  readonly name: string;
  readonly args: readonly unknown[];
  /** The node, if a run is to be started where it has none. */
  readonly starts?: StartedNode;
}

export type SignalOutcome =
  | { readonly outcome: 'delivered' }
  /** The node has no run, and none was to be started. */
  | { readonly outcome: 'no_run' }
  /** Temporal refuses this very message: another try cannot mend that. */
  | { readonly outcome: 'refused'; readonly reason: string };

/**
 * Signals a node's workflow, and waits for Temporal for as long as it takes.
 *
 * @param signal ends the waiting
 * @throws the signal's reason
 */
export async function signalWorkflow(
  { temporal, temporalClient, runs, logger }: Pick<BridgeContext, 'temporal' | 'temporalClient' | 'runs' | 'logger'>,
  node_id: string,
  { name, args, starts }: NodeSignal,
  signal: AbortSignal,
): Promise<SignalOutcome> {
  const { workflow } = temporalClient;
  const send = (): Promise<unknown> =>
    starts === undefined
      ? workflow.getHandle(workflowId(node_id)).signal(name, ...args)
      : workflow.signalWithStart(WORKFLOW_TYPE, { ...runOptions(starts, runs), signal: name, signalArgs: [...args] });
  try {
    await temporal.untilAnswered(() => temporalClient.withDeadline(Date.now() + CALL_TIMEOUT_MS, send), {
      signal,
      isFinal: (error) => error instanceof WorkflowNotFoundError || isAboutTheMessage(error),
    });
    return { outcome: 'delivered' };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof WorkflowNotFoundError) return { outcome: 'no_run' };
    logger.error({ node_id, signal: name, error }, `Temporal refuses the ${name} signal of node ${node_id}`);
    return { outcome: 'refused', reason: `Temporal refuses it: ${temporalErrorText(error)}` };
  }
}
