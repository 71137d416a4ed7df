import { NODE_TYPES, type NodeType } from '../protocol/fields.js';
import type { NodeState } from './events.js';
import { NodeHub, type NodeHubOptions } from './hub.js';
import { RegisteredNode, type StopOptions } from './node.js';
import type { NodeBehaviour } from './options.js';
import type { StartOptions } from './states.js';

/** A fleet of simulated nodes, and how they reach Kafka. */
export interface FleetOptions extends NodeHubOptions, NodeBehaviour {
  /** How many nodes. */
  readonly nodes: number;
  /** Called at every change of any node. */
  readonly onChange?: (change: NodeChange) => void;
}

/** When a node took each step for the first time, in milliseconds since 1970; absent while it has not. */
export interface NodeSteps {
  readonly introduced?: number;
  readonly accepted?: number;
  readonly acknowledged?: number;
  readonly active?: number;
}

/** A node has changed its state. */
export interface NodeChange {
  readonly node: RegisteredNode;
  readonly node_type: NodeType;
  readonly state: NodeState;
  readonly at: Date;
  readonly steps: NodeSteps;
}

/** A node of a fleet. */
export interface SimulatedNode {
  readonly node: RegisteredNode;
  readonly node_type: NodeType;
  readonly steps: NodeSteps;
}

/** Simulated nodes on one connection. */
export interface Fleet {
  readonly hub: NodeHub;
  readonly members: readonly SimulatedNode[];
  /** All at once; resolves when all are active. */
  start(options?: StartOptions): Promise<void>;
  /** All leave, then the connection is closed. */
  stop(options?: StopOptions): Promise<void>;
}

const CAPABILITIES: Readonly<Record<NodeType, readonly string[]>> = {
  effect: ['http.request', 'storage.read', 'storage.write'],
  reducer: ['state.reduce', 'state.project'],
  orchestrator: ['workflow.run', 'workflow.route'],
  compute: ['transform.json', 'validate.schema'],
};

/** Nodes of all four types in turn that do everything a real one does, but work. They share one connection. */
export function simulateFleet(options: FleetOptions): Fleet {
  const { nodes, onChange = () => undefined } = options;
  const hub = new NodeHub(options);
  const members = Array.from({ length: nodes }, (_, index) => simulate(index, hub, options, onChange));
  return {
    hub,
    members,
    async start(startOptions) {
      await Promise.all(members.map(({ node }) => node.start(startOptions)));
    },
    async stop(stopOptions) {
      await Promise.all(members.map(({ node }) => node.stop(stopOptions)));
      await hub.close(stopOptions?.timeoutMs);
    },
  };
}

function simulate(
  index: number,
  hub: NodeHub,
  behaviour: NodeBehaviour,
  onChange: (change: NodeChange) => void,
): SimulatedNode {
  const node_type = NODE_TYPES[index % NODE_TYPES.length] ?? 'effect';
  const api = `http://10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:8080`;
  const { autoAck, heartbeat_interval_seconds, activeOperations, pauses } = behaviour;
  const node = new RegisteredNode({
    hub,
    node_type,
    version: '1.0.0',
    endpoints: { api, health: `${api}/health` },
    capabilities: CAPABILITIES[node_type],
    ...(autoAck !== undefined && { autoAck }),
    ...(heartbeat_interval_seconds !== undefined && { heartbeat_interval_seconds }),
    ...(activeOperations !== undefined && { activeOperations }),
    ...(pauses !== undefined && { pauses }),
  });
  const steps: { -readonly [step in keyof NodeSteps]: NodeSteps[step] } = {};
  const stamp = (step: keyof NodeSteps) => (event: { readonly at: Date }) => {
    steps[step] ??= event.at.getTime();
  };
  node.on('introduced', stamp('introduced'));
  node.on('accepted', stamp('accepted'));
  node.on('acknowledged', stamp('acknowledged'));
  node.on('active', stamp('active'));
  node.on('state', ({ state, at }) => {
    // The step of a state is in that state's change already.
    if (state === 'accepted' || state === 'acknowledged' || state === 'active') steps[state] ??= at.getTime();
    onChange({ node, node_type, state, at, steps: { ...steps } });
  });
  return { node, node_type, steps };
}
