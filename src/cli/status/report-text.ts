import pc from 'picocolors';
import type { NodeReport, RunningNode } from './explain-node.js';
import { pendingSentence } from './explain-node.js';
import { clock, colouredState, facts, since } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';

/** What is known of a node, for a person. */
export function reportText(report: NodeReport): string {
  switch (report.source) {
    case 'workflow':
      return running(report);
    case 'record': {
      const { record, link } = report;
      return [
        `${pc.bold(record.node_id)}  ${colouredState(record.state)}${record.reason === null ? '' : `: ${record.reason}`}`,
        '',
        facts([
          ['node', `${record.node_type} ${record.node_version}`],
          ['attempt', `${record.attempt} (correlation_id ${record.correlation_id})`],
          [
            'state',
            `${record.state} since ${record.state_since} (${since(record.state_since)}), reducer ${record.reducer_status}`,
          ],
          ['active', record.active_at],
          ['ended', record.ended_at],
          ['last beat', record.last_heartbeat_at],
          ['endpoints', endpoints(record.endpoints)],
          ['can', list(record.capabilities)],
          ['contract', record.contract_version],
          ['workflow', link],
        ]),
        '',
        pc.dim(
          `From the record in PostgreSQL: no workflow of this node is open${record.ended_at === null ? ', though its attempt has not ended; a new introspection starts one' : ''}.`,
        ),
      ].join('\n');
    }
    case 'dead-letters':
      return [
        `${pc.bold(report.node_id)}  ${pc.red('not understood')}: what it sent was put aside`,
        '',
        ...report.letters.map(({ at, reason, from }) => `  ${at}  ${reason}\n  ${pc.dim(`read from ${from}`)}`),
        '',
        pc.dim(
          `From the dead letters, ${report.topic}${report.complete ? '' : ', of which not all was read'}. Correct the node and let it introduce itself again.`,
        ),
      ].join('\n');
  }
}

function running(report: RunningNode): string {
  const { registration, journal, pending } = report;
  const node = registration?.introspection ?? null;
  const lines = [
    `${pc.bold(report.node_id)}  ${report.line.replace(report.state, colouredState(report.state))}`,
    '',
    facts([
      ['node', node === null ? null : `${node.node_type} ${node.node_version}`],
      [
        'attempt',
        registration === null
          ? null
          : `${registration.attempt} (correlation_id ${registration.incarnation?.correlation_id ?? 'none'})`,
      ],
      [
        'state',
        registration === null || registration.since === null
          ? null
          : `${report.state} since ${registration.since} (${since(registration.since)}), reducer ${registration.reducer.status}`,
      ],
      ['ack until', report.state === 'AWAITING_ACK' ? (registration?.ack_deadline ?? null) : null],
      ['endpoints', node === null ? null : endpoints(node.endpoints)],
      ['can', node === null ? null : list(node.capabilities)],
      ['contract', report.contract_version],
      ['waits for', pending.length === 0 ? null : pending.map(pendingSentence).join('; ')],
      ['workflow', report.link],
    ]),
  ];
  if (report.no_answer !== null) lines.push('', pc.yellow(report.no_answer));
  if (journal.length > 0)
    lines.push('', pc.bold('History'), ...journal.map(({ at, what }) => `  ${pc.dim(clock(at))}  ${what}`));
  if (report.state === 'AWAITING_ACK') lines.push('', `Acknowledge by hand: ${command(`ack ${report.node_id}`)}`);
  return lines.join('\n');
}

function endpoints(of: Readonly<Record<string, string>>): string | null {
  return list(Object.entries(of).map(([name, url]) => `${name} ${url}`));
}

function list(words: readonly string[]): string | null {
  return words.length === 0 ? null : words.join(', ');
}
