import pc from 'picocolors';
import type { Config } from '../../config/index.js';
import { banText, readBans, type Ban } from '../../registry/bans.js';
import { listRegistryRows, type ListFilter } from '../../registry/rows/list-registry-rows.js';
import { readRegistryRows } from '../../registry/rows/read-registry-rows.js';
import { SEARCH_ATTRIBUTES, WORKFLOW_TYPE } from '../../../workflows/messages.js';
import { withRegistry, withTemporal } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { colouredState, columns, counted, shown, since } from '../terminal/format.js';
import type { States } from '../terminal/states.js';

/** A node of the list. Where there is no registry row yet, only what Temporal's search attributes show. */
export interface ListLine {
  readonly node_id: string;
  readonly node_type: string | null;
  readonly node_version: string | null;
  readonly state: string;
  readonly attempt: number | null;
  readonly since: string | null;
  readonly reason: string | null;
  readonly last_heartbeat_at: string | null;
  readonly ended: boolean;
  /** false: Temporal runs it, and the registry has no row of it yet. */
  readonly in_registry: boolean;
}

export interface FleetList {
  readonly nodes: readonly ListLine[];
  readonly active: number;
  readonly ended: number;
  /** Alive, and others do not find them. */
  readonly draining: number;
  readonly on_the_way: number;
  /** There are more nodes than were asked for. */
  readonly truncated: boolean;
  /** Nodes that are rejected, whatever they send. */
  readonly bans: readonly Ban[];
  /** Why Temporal was not asked; null when it was. */
  readonly not_asked: string | null;
}

export type FleetFilter = ListFilter & { readonly limit: number };

/** The registry, and what Temporal runs and the registry does not know yet. */
export async function listFleet(config: Config, filter: FleetFilter, states: States): Promise<FleetList> {
  const open = await openNodes(config, filter);
  const known = await withRegistry(config, async (pool) => {
    const rows = await listRegistryRows(pool, { ...filter, limit: filter.limit + 1 });
    // Not those of the page: a node whose row the filter has left out has a row all the same.
    const withRow = new Set(
      (
        await readRegistryRows(
          pool,
          open.nodes.map(({ node_id }) => node_id),
        )
      ).map(({ node_id }) => node_id),
    );
    const without = open.nodes.filter(({ node_id }) => !withRow.has(node_id));
    return { rows, without, bans: await readBans(pool) };
  });
  const rows: ListLine[] = known.rows.slice(0, filter.limit).map((row) => ({
    node_id: row.node_id,
    node_type: row.node_type,
    node_version: row.node_version,
    state: row.state,
    attempt: row.attempt,
    since: row.state_since,
    reason: row.reason,
    last_heartbeat_at: row.last_heartbeat_at,
    ended: row.ended_at !== null,
    in_registry: true,
  }));
  // Those that are there first: a registry that has seen many runs remembers many who have left.
  const nodes = [...rows, ...known.without].sort((a, b) => Number(a.ended) - Number(b.ended));
  const [active, draining] = (['discoverable', 'draining'] as const).map(
    (meaning) => nodes.filter(({ state, ended }) => states.meaning(state) === meaning && !ended).length,
  ) as [number, number];
  const ended = nodes.filter((node) => node.ended).length;
  return {
    nodes,
    active,
    ended,
    draining,
    on_the_way: nodes.length - active - draining - ended,
    truncated: known.rows.length > filter.limit,
    bans: known.bans,
    not_asked: open.not_asked,
  };
}

async function openNodes(
  config: Config,
  filter: FleetFilter,
): Promise<{ readonly nodes: readonly ListLine[]; readonly not_asked: string | null }> {
  const { state, node_type } = filter;
  const conditions = [`WorkflowType = '${WORKFLOW_TYPE}'`, `ExecutionStatus = 'Running'`];
  if (state !== undefined) conditions.push(`${SEARCH_ATTRIBUTES.state.name} = '${state}'`);
  if (node_type !== undefined) conditions.push(`${SEARCH_ATTRIBUTES.node_type.name} = '${node_type}'`);
  try {
    return await withTemporal(config, async (client) => {
      const nodes: ListLine[] = [];
      for await (const { typedSearchAttributes, startTime } of client.workflow.list({
        query: conditions.join(' AND '),
        pageSize: 1_000,
      })) {
        const node_id = typedSearchAttributes.get(SEARCH_ATTRIBUTES.node_id);
        if (node_id === undefined) continue;
        nodes.push({
          node_id,
          node_type: typedSearchAttributes.get(SEARCH_ATTRIBUTES.node_type) ?? null,
          node_version: null,
          state: typedSearchAttributes.get(SEARCH_ATTRIBUTES.state) ?? 'UNKNOWN',
          attempt: null,
          since: startTime.toISOString(),
          reason: null,
          last_heartbeat_at: null,
          ended: false,
          in_registry: false,
        });
        if (nodes.length >= filter.limit) break;
      }
      return { nodes, not_asked: null };
    });
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error;
    return { nodes: [], not_asked: error.message };
  }
}

/** The list for a person. */
export function fleetText(
  { nodes, active, draining, ended, on_the_way, truncated, bans }: FleetList,
  states: States,
  now: number = Date.now(),
): string {
  const total =
    `${counted(nodes.length, 'node')}: ${active} ${states.discoverable}, ` +
    `${draining === 0 ? '' : `${draining} draining, `}${on_the_way} on the way, ${ended} ` +
    `ended${truncated ? '; there are more, see --limit' : ''}`;
  const banned = bans.map((ban) => `\n${ban.node_id}  ${shown(banText(ban))} (${since(ban.at, now)} ago)`).join('');
  if (nodes.length === 0) return `${total}${banned}`;
  const rows = nodes.map((node) => [
    node.node_id,
    node.node_type ?? '-',
    node.node_version ?? '-',
    colouredState(node.state, states),
    String(node.attempt ?? '-'),
    since(node.since, now),
    since(node.last_heartbeat_at, now),
    shown(node.reason ?? (node.in_registry ? '' : 'not in the registry yet')),
  ]);
  const table = columns(['NODE', 'TYPE', 'VERSION', 'STATE', 'ATTEMPT', 'SINCE', 'LAST BEAT', 'REASON'], rows);
  return `${table}\n\n${pc.bold(total)}${banned}`;
}
