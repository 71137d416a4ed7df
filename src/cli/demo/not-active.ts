import { explainNode, type Explanation } from '../status/explain-node.js';
import { storyOf } from '../status/story.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { counted, shown } from '../terminal/format.js';
import { logsDirectory } from '../terminal/links.js';
import type { DemoParts } from './parts.js';

const EXPLAINED = 10;

/** The error for nodes that did not become active in time: each with where it stands and what it waits for. */
export async function notActive({ options, fleet, registrar }: DemoParts): Promise<CliError> {
  const { config, states } = registrar;
  const missing = fleet.members.filter(({ node }) => node.state !== 'active').map(({ node }) => node.node_id);
  if (missing.length === 0) return new CliError('The fleet did not start.', EXIT.failed);
  const explained = missing.slice(0, EXPLAINED);
  const why = await Promise.all(
    explained.map(async (id) => `  ${id}  ${explanationLine(await explainNode(id, config))}`),
  );
  if (missing.length > EXPLAINED) why.push(`  … and ${missing.length - EXPLAINED} more`);
  const many = `${missing.length} of ${counted(fleet.members.length, 'node')}`;
  return new CliError(
    `${many} did not become ${states.discoverable} within ${options.timeout} s:\n${why.join('\n')}`,
    EXIT.failed,
    { hint: `The logs are in ${logsDirectory(config)}.` },
  );
}

/** Where a node stands, and what it waits for, on one line. */
function explanationLine({ report, letters, unasked, introspection_topic, contract }: Explanation): string {
  switch (report?.source) {
    case 'workflow':
      return [`${report.state}:`, ...storyOf(report, contract)].join(' ');
    case 'registry':
      return `${report.row.state}${report.row.reason === null ? '' : `: ${shown(report.row.reason)}`}`;
    case 'dead-letters':
      return `not understood: ${shown(letters?.letters.at(-1)?.reason ?? '')}`;
    case undefined:
      return unasked.length > 0
        ? unasked.map(({ message }) => shown(message)).join('; ')
        : `never seen on topic ${introspection_topic}`;
  }
}
