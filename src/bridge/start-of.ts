import { WorkflowIdReusePolicy } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, workflowId } from '../../workflows/messages.js';

/** What is known of a node when its run is started. */
export interface StartedNode {
  readonly node_id: string;
  readonly node_type: string;
  readonly node_version: string;
}

/** How a node's run is started, whoever starts it; the signal that it starts with is the caller's. */
export function startOf({ node_id, node_type, node_version }: StartedNode, taskQueue: string) {
  return {
    workflowId: workflowId(node_id),
    taskQueue,
    args: [{ node_id }],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    staticSummary: `${node_type} node ${node_id}, version ${node_version}`,
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.node_id, value: node_id },
      { key: SEARCH_ATTRIBUTES.node_type, value: node_type },
      { key: SEARCH_ATTRIBUTES.state, value: 'PENDING_REGISTRATION' },
    ],
  };
}
