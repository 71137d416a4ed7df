import pc from 'picocolors';
import type { CompiledContract } from '../../contracts/compiled.js';
import { askedByText } from '../../protocol/asked-by.js';
import { banText, type Ban } from '../../registry/bans.js';
import type { BoundKey } from '../../registry/keys/bound-keys.js';
import type { KeptAction } from '../../registry/operator-actions.js';
import type { Conflict } from '../../registry/leases/read-conflicts.js';
import type { Registration } from '../../../workflows/core/index.js';
import type { NodeReport } from './explain-node.js';
import { clock, clockSeconds, colouredState, facts, shown, since } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import type { NodeLetters } from './letters-of.js';
import { storyOf } from './story.js';
import { statesOf, type States } from '../terminal/states.js';

/**
 * What is known of a node, for a person.
 *
 * @param options isBanned: whether what the node sends is rejected; by default it is not
 */
export function reportText(
  report: NodeReport,
  contract: CompiledContract,
  { isBanned = false }: { readonly isBanned?: boolean } = {},
): string {
  switch (report.source) {
    case 'workflow':
      return runningText(report, contract);
    case 'registry':
      return rowText(report, contract, isBanned);
    case 'dead-letters':
      return `${pc.bold(report.node_id)}  ${pc.red('not understood')}: what it sent was put aside`;
  }
}

/** What is known of another process that uses a node's id. */
export function conflictText({ instance_id, registered, since: from, last_seen, lasts }: Conflict): string {
  const what = lasts ? pc.yellow('conflict') : pc.dim('conflict, over');
  const whose = registered === null ? 'no process is registered' : `registered is process ${registered}`;
  return (
    `${what}: process ${instance_id} sent heartbeats under this id too, from ${from} to ${last_seen} ` +
    `(${since(last_seen)}); ${whose}. ${lasts ? 'End one of the two, or give it another id.' : ''}`
  ).trimEnd();
}

/** That a node is rejected, whatever it sends, for a person. */
export function banLine({ node_id, at, ...asked }: Ban): string {
  const lift = command(`unban ${node_id}`);
  return `${pc.red('banned')} ${since(at)} ago: ${shown(banText(asked))}. What it sends is rejected, until '${lift}'.`;
}

/** The key that speaks for a node, and what came in its name that this key has not signed, for a person. */
export function keyText(node_id: string, { thumbprint, bound_at, bound_by, conflict, conflict_at }: BoundKey): string {
  const bound = `Key ${thumbprint} speaks for it since ${bound_at} (${bound_by}).`;
  if (conflict === null || conflict_at === null) return bound;
  return (
    `${bound}\n${pc.yellow('conflict of keys')} ${since(conflict_at)} ago: ${shown(conflict)}. Where the node ` +
    `has lost its key, free its id: '${command(`release-key ${node_id} --reason …`)}'.`
  );
}

/** What people have asked for about a node, and what became of it, for a person. */
export function askedText(asked: readonly KeptAction[]): string {
  return [
    pc.bold('Asked for by people'),
    ...asked.map(({ at, action, outcome, refused, ...by }) => {
      const what = outcome === null ? 'no outcome is known' : `${refused === true ? 'refused: ' : ''}${outcome}`;
      return `  ${pc.dim(new Date(at).toISOString())}  ${action}, ${shown(askedByText(by))}\n  ${pc.dim(shown(what))}`;
    }),
  ].join('\n');
}

type Report<Source extends NodeReport['source']> = Extract<NodeReport, { readonly source: Source }>;

function runningText(report: Report<'workflow'>, contract: CompiledContract): string {
  const states = statesOf(contract);
  const { node_id, registration, journal, state } = report;
  const lines = [
    heading(node_id, state, states),
    ...storyOf(report, contract),
    '',
    facts([...registrationFacts(registration), ['contract', report.contract_version], ['workflow', report.link]]),
  ];
  if (journal.length > 0)
    lines.push('', pc.bold('History'), ...journal.map(({ at, what }) => `  ${pc.dim(clock(at))}  ${shown(what)}`));
  if (state === states.awaitingAck) lines.push('', `Acknowledge by hand: ${command(`ack ${node_id}`)}`);
  return lines.join('\n');
}

function heading(node_id: string, state: string, states: States): string {
  return `${pc.bold(node_id)}  ${colouredState(state, states)}\n`;
}

type Facts = Parameters<typeof facts>[0];

function registrationFacts(registration: Registration | null): Facts {
  if (registration === null) return [];
  const { introspection: node, attempt, incarnation, reducer } = registration;
  return [
    ['node', node === null ? null : `${node.node_type} ${node.node_version}`],
    ['attempt', `${attempt} (correlation_id ${incarnation?.correlation_id ?? 'none'})`],
    ['reducer', reducer.status],
    ['endpoints', node === null ? null : endpoints(node.endpoints)],
    ['can', node === null ? null : list(node.capabilities)],
  ];
}

function rowText({ row, link }: Report<'registry'>, contract: CompiledContract, isBanned: boolean): string {
  return [
    heading(row.node_id, row.state, statesOf(contract)),
    ...rowStory(row, isBanned).map(shown),
    '',
    facts([
      ['node', `${row.node_type} ${row.node_version}`],
      ['attempt', `${row.attempt} (correlation_id ${row.correlation_id})`],
      ['reducer', row.reducer_status],
      ['active', row.active_at],
      ['ended', row.ended_at],
      ['last beat', row.last_heartbeat_at],
      ['endpoints', endpoints(row.endpoints)],
      ['can', list(row.capabilities)],
      ['contract', row.contract_version],
      ['workflow', link],
    ]),
    '',
    pc.dim('From the registry in PostgreSQL: no workflow of this node is open.'),
  ].join('\n');
}

/** How its attempt came to its end, and what would begin another one. */
function rowStory(row: Report<'registry'>['row'], isBanned: boolean): string[] {
  const { node_id, state, reason, attempt, state_since, ended_at } = row;
  const why = reason === null ? '.' : `: ${reason}`;
  const next = `attempt ${attempt + 1}; so does: ${command(`retry ${node_id}`)}`;
  if (ended_at !== null)
    return [
      `Its registration attempt ${attempt} ended ${since(ended_at)} ago as ${state}${why}`,
      isBanned
        ? 'Next: nothing while its ban lasts, since what it sends is rejected.'
        : `Next: its next startup begins ${next}`,
    ];
  return [
    `The registry has it as ${state} for ${since(state_since)}, since ${clockSeconds(state_since)}${why}`,
    'Its attempt has not ended, and no workflow carries it on.',
    'Next: its next introspection starts one, or the sweep does, which looks for such nodes.',
  ];
}

/** A node's dead letters, for a person. */
export function nodeLettersText({ letters, topic, complete, more }: NodeLetters): string {
  return [
    pc.bold('Dead letters of the last day'),
    ...letters.map(({ id, at, reason, from }) => `  ${id}  ${at}  ${shown(reason)}\n  ${pc.dim(`read from ${from}`)}`),
    ...(more === 0 ? [] : [pc.dim(`  and ${more} older ones`)]),
    '',
    pc.dim(
      `From ${topic}${complete ? '' : ', of which not all was read'}. One of them whole: ` +
        `${command('dlq show <id>')}. Correct the node and let it introduce itself again.`,
    ),
  ].join('\n');
}

function endpoints(of: Readonly<Record<string, string>>): string | null {
  return list(Object.entries(of).map(([name, url]) => `${name} ${url}`));
}

function list(names: readonly string[]): string | null {
  return names.length === 0 ? null : shown(names.join(', '));
}
