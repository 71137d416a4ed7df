import { WorkflowIdReusePolicy } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, workflowId } from '../../workflows/messages.js';
import type { Contracts } from '../contracts/load.js';

/** What is known of a node when its run is started. */
export interface StartedNode {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
}

/** Where runs are started, and under which contract. */
export interface RunStart {
  readonly taskQueue: string;
  /** The state in which the contract lets a registration begin. */
  readonly initialState: string;
}

export function runStart({ compiled }: Pick<Contracts, 'compiled'>, taskQueue: string): RunStart {
  return { taskQueue, initialState: compiled.orchestrator.initial };
}

/**
 * How a node's run is started, whoever starts it: its introspection, the sweep, or an operator's retry. The signal or
 * update that it starts with is the caller's.
 */
export function runOptions({ node_id, node_type, node_version }: StartedNode, { taskQueue, initialState }: RunStart) {
  return {
    workflowId: workflowId(node_id),
    taskQueue,
    args: [{ node_id }],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    staticSummary: `${node_type} node ${node_id}, version ${node_version}`,
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.node_id, value: node_id },
      { key: SEARCH_ATTRIBUTES.node_type, value: node_type },
      { key: SEARCH_ATTRIBUTES.state, value: initialState },
    ],
  };
}
