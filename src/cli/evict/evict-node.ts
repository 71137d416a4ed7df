import type { Config } from '../../config/index.js';
import type { AskedBy } from '../../protocol/asked-by.js';
import { ban, banText, unban } from '../../registry/bans.js';
import { readRegistryRow, type RegistryRow } from '../../registry/rows/read-registry-row.js';
import { EVICT } from '../../../workflows/messages.js';
import { whereAfter } from '../after-command.js';
import { commandRun } from '../command-run.js';
import { withRegistry, withTemporal } from '../connect.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { command } from '../terminal/invocation.js';

export interface EvictOptions {
  /** It is rejected from now on, until somebody lifts that. */
  readonly ban?: boolean;
}

const MAY_COME_BACK = 'If it lives, it registers anew when it introduces itself: --ban keeps it out.';

const WORDS = { named: 'the eviction', refused: 'is not evicted' };

/**
 * Ends a node's registration. The ban comes first: a node that lives introduces itself again at once.
 *
 * @param asked who and why stand in the node's history, in its row and in what is published
 * @returns what became of it, in a sentence
 * @throws CliError when there is nothing to end (a ban stays), or the run refuses
 */
export async function evictNode(
  node_id: string,
  config: Config,
  { who, why }: AskedBy,
  { ban: bans = false }: EvictOptions,
): Promise<string> {
  const row = await withRegistry(config, async (pool) => {
    if (bans) await ban(pool, node_id, { who, why });
    return readRegistryRow(pool, node_id);
  });
  const banned = `It is banned: what it sends is rejected, until '${command(`unban ${node_id}`)}'.`;
  if (row !== null && row.ended_at !== null) {
    if (bans) return `Node ${node_id} has ended as ${row.state} before. ${banned}`;
    throw hasEnded(row);
  }
  const payload = { asked_by: { who, why }, ban: bans ? banText({ who, why }) : null };
  return withTemporal(config, async (client) => {
    try {
      const attempt = await commandRun(client, config, { node_id, row }, { ...EVICT, payload }, WORDS);
      const ended = `${await whereAfter(client, node_id)}: its registration attempt ${attempt} has ended.`;
      return `${ended} ${bans ? banned : MAY_COME_BACK}`;
    } catch (error) {
      if (bans && error instanceof CliError && error.exitCode === EXIT.notFound)
        return `Nobody knows node ${node_id} so far. ${banned}`;
      throw error;
    }
  });
}

function hasEnded({ node_id, state, reason }: RegistryRow): CliError {
  return new CliError(
    `Node ${node_id} is not evicted: it has ended as ${state} before${reason === null ? '' : ` (${reason})`}.`,
    EXIT.failed,
    { hint: `--ban keeps it from coming back; '${command(`forget ${node_id}`)}' deletes what is known of it.` },
  );
}

/**
 * Lets a banned node in again, at its next introspection.
 *
 * @returns what became of it, in a sentence
 * @throws CliError when it is not banned
 */
export async function unbanNode(node_id: string, config: Config): Promise<string> {
  const lifted = await withRegistry(config, (pool) => unban(pool, node_id));
  if (lifted === null)
    throw new CliError(`Node ${node_id} is not banned.`, EXIT.notFound, {
      hint: `'${command('list')}' shows who is.`,
    });
  return (
    `Node ${node_id} may come in again; it was ${banText(lifted)}. ` +
    `It registers when it introduces itself, which a node with our SDK does by itself.`
  );
}
