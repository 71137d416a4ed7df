import pc from 'picocolors';
import type { Conflict } from '../../registry/leases/read-conflicts.js';
import type { NodeReport, RunningNode } from './explain-node.js';
import { pendingSentence } from './explain-node.js';
import { clock, colouredState, facts, since } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';
import type { NodeLetters } from './letters-of.js';
import type { States } from '../terminal/states.js';

/** What is known of a node, for a person. */
export function reportText(report: NodeReport, states: States): string {
  switch (report.source) {
    case 'workflow':
      return runningText(report, states);
    case 'registry':
      return rowText(report, states);
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

type Report<Source extends NodeReport['source']> = Extract<NodeReport, { readonly source: Source }>;

function runningText(report: RunningNode, states: States): string {
  const { node_id, registration, journal, state, line } = report;
  const waitsForAck = state === states.awaitingAck;
  const lines = [
    `${pc.bold(node_id)}  ${line.replace(state, colouredState(state, states))}`,
    '',
    facts([
      ...registrationFacts(report),
      ['ack until', waitsForAck ? (registration?.ack_deadline ?? null) : null],
      ['contract', report.contract_version],
      ['waits for', report.pending.length === 0 ? null : report.pending.map(pendingSentence).join('; ')],
      ['workflow', report.link],
    ]),
  ];
  if (report.no_answer !== null) lines.push('', pc.yellow(report.no_answer));
  if (journal.length > 0)
    lines.push('', pc.bold('History'), ...journal.map(({ at, what }) => `  ${pc.dim(clock(at))}  ${what}`));
  if (waitsForAck) lines.push('', `Acknowledge by hand: ${command(`ack ${node_id}`)}`);
  return lines.join('\n');
}

type Facts = Parameters<typeof facts>[0];

function registrationFacts({ registration, state }: RunningNode): Facts {
  if (registration === null) return [];
  const { introspection: node, attempt, incarnation, since: at, reducer } = registration;
  return [
    ['node', node === null ? null : `${node.node_type} ${node.node_version}`],
    ['attempt', `${attempt} (correlation_id ${incarnation?.correlation_id ?? 'none'})`],
    ['state', at === null ? null : `${state} since ${at} (${since(at)}), reducer ${reducer.status}`],
    ['endpoints', node === null ? null : endpoints(node.endpoints)],
    ['can', node === null ? null : list(node.capabilities)],
  ];
}

function rowText({ row, link }: Report<'registry'>, states: States): string {
  const unfinished = row.ended_at === null ? ', though its attempt has not ended; a new introspection starts one' : '';
  return [
    `${pc.bold(row.node_id)}  ${colouredState(row.state, states)}${row.reason === null ? '' : `: ${row.reason}`}`,
    '',
    facts([
      ['node', `${row.node_type} ${row.node_version}`],
      ['attempt', `${row.attempt} (correlation_id ${row.correlation_id})`],
      ['state', `${row.state} since ${row.state_since} (${since(row.state_since)}), reducer ${row.reducer_status}`],
      ['active', row.active_at],
      ['ended', row.ended_at],
      ['last beat', row.last_heartbeat_at],
      ['endpoints', endpoints(row.endpoints)],
      ['can', list(row.capabilities)],
      ['contract', row.contract_version],
      ['workflow', link],
    ]),
    '',
    pc.dim(`From the registry in PostgreSQL: no workflow of this node is open${unfinished}.`),
  ].join('\n');
}

/** A node's dead letters, for a person. */
export function nodeLettersText({ letters, topic, complete, more }: NodeLetters): string {
  return [
    pc.bold('Dead letters of the last day'),
    ...letters.map(({ id, at, reason, from }) => `  ${id}  ${at}  ${reason}\n  ${pc.dim(`read from ${from}`)}`),
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
  return names.length === 0 ? null : names.join(', ');
}
