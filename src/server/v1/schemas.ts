/**
 * What the read API answers, as schemas and types; import it as "node-registrar/api":
 *
 * ```ts
 * import { NodePage } from 'node-registrar/api';
 * const { nodes } = NodePage.parse(await (await fetch('http://localhost:7300/v1/discover')).json());
 * ```
 */
import { z } from 'zod';

const time = z.iso.datetime({ offset: true });

/** A node as the registry has it: its latest registration attempt. */
export const Node = z
  .object({
    node_id: z.string(),
    node_type: z.string().describe('effect, reducer, orchestrator or compute.'),
    node_version: z.string().describe('Semantic version.'),
    state: z.string().describe("State of the orchestrator's state machine, as the contract names it."),
    discoverable: z.boolean().describe('Whether others may use the node now.'),
    reducer_status: z.string().describe("State of the reducer's state machine, as the contract names it."),
    attempt: z.int().min(0).describe('Number of the registration attempt. Only grows.'),
    reason: z.string().nullable().describe('Why the node is in its state, where there is something to say.'),
    state_since: time,
    active_at: time.nullable().describe('When this attempt opened its lease first.'),
    ended_at: time.nullable().describe('When this attempt ended; null while it lasts.'),
    capabilities: z.array(z.string()),
    tags: z.array(z.string()).describe('Its tags in Consul.'),
    endpoints: z.record(z.string(), z.string()).describe('URL by name.'),
    correlation_id: z.string().describe('Of the introspection that began this attempt.'),
    epoch: z.int().min(0).nullable().describe("The node's own incarnation counter, where it keeps one."),
    introspected_at: time.describe("Kafka's time of the newest introspection of this attempt."),
    contract_version: z.string().describe('Contracts under which the row was written last.'),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Node', description: 'A node as the registry has it: its latest registration attempt.' });
export type Node = z.output<typeof Node>;

const Lease = z
  .object({
    deadline: time.describe('The node counts as alive until then.'),
    last_heartbeat_at: time.nullable(),
  })
  .meta({ id: 'Lease', description: 'Liveness of an active node. Each heartbeat renews it.' });

/** One node, with its lease. */
export const NodeWithLease = Node.extend({ lease: Lease.nullable() }).meta({
  id: 'NodeWithLease',
  description: 'A node with its lease; null where none is open.',
});
export type NodeWithLease = z.output<typeof NodeWithLease>;

/** A page of nodes, in the order of their ids. */
export const NodePage = z
  .object({
    nodes: z.array(Node),
    next_cursor: z.string().nullable().describe('For the next page; null: this is the last one.'),
  })
  .meta({ id: 'NodePage', description: 'A page of nodes, in the order of their ids.' });
export type NodePage = z.output<typeof NodePage>;

const NodeChanged = z
  .object({ type: z.literal('node'), node: Node })
  .meta({ id: 'NodeChanged', description: 'A node is new, or has changed: as it is now.' });
const NodeRemoved = z
  .object({ type: z.literal('removed'), node_id: z.string() })
  .meta({ id: 'NodeRemoved', description: 'The registry has forgotten a node that ended long ago, or never knew it.' });

/** What has happened to a node. */
export const Change = z.discriminatedUnion('type', [NodeChanged, NodeRemoved]).meta({ id: 'Change' });
export type Change = z.output<typeof Change>;

/** Changes in the order in which they were made. */
export const ChangePage = z
  .object({
    changes: z.array(Change),
    cursor: z.string().describe('To go on from here, also when there was no change.'),
    more: z.boolean().describe('There are more changes already.'),
  })
  .meta({ id: 'ChangePage', description: 'Changes, in the order in which they were made.' });
export type ChangePage = z.output<typeof ChangePage>;

/** Why a request was refused: problem details of RFC 9457. */
export const Problem = z
  .object({
    type: z.string().describe('about:blank: the status says which kind of problem it is.'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What happened, and what to do next.'),
    errors: z
      .array(z.object({ parameter: z.string(), message: z.string() }))
      .optional()
      .describe('What is wrong with each parameter.'),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' });
export type Problem = z.output<typeof Problem>;
