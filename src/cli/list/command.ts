import { Option, type Command } from 'commander';
import { NODE_TYPES, type NodeType } from '../../protocol/fields.js';
import { CliError, EXIT } from '../terminal/exit-codes.js';
import { withExamples } from '../terminal/help.js';
import { wholeNumber } from '../terminal/arguments.js';
import { log, print, printJson } from '../terminal/output.js';

interface ListOptions {
  readonly state?: string;
  readonly type?: NodeType;
  readonly limit: number;
  readonly json?: boolean;
}

export function listCommand(program: Command): void {
  const command = program
    .command('list')
    .description('The fleet: every node of the registry, and those that are on their way into it.')
    .option('--state <state>', 'only nodes in this state, e.g. ACTIVE')
    .addOption(new Option('--type <type>', 'only nodes of this type').choices(NODE_TYPES))
    .option('--limit <n>', 'nodes at most', wholeNumber(100_000), 1_000)
    .option('--json', 'the same as JSON, on stdout')
    .action(async (options: ListOptions) => {
      const [{ listFleet, fleetText }, { fitted }, { statesOf }, { loadConfig }, { loadContracts }] = await Promise.all(
        [
          import('./fleet-list.js'),
          import('../terminal/format.js'),
          import('../terminal/states.js'),
          import('../../config/index.js'),
          import('../../contracts/load.js'),
        ],
      );
      const config = loadConfig();
      const states = statesOf(loadContracts(config.contractsDir).compiled);
      const state = options.state?.toUpperCase();
      if (state !== undefined && !states.names.includes(state)) {
        throw new CliError(`'${options.state}' is no state of the contract.`, EXIT.usage, {
          hint: `States: ${states.names.join(', ')}.`,
        });
      }
      const filter = {
        ...(state === undefined ? {} : { state }),
        ...(options.type === undefined ? {} : { node_type: options.type }),
        limit: options.limit,
      };
      const fleet = await listFleet(config, filter, states);
      if (fleet.not_asked !== null) log(`(nodes that are not in the registry yet are not shown: ${fleet.not_asked})`);
      if (options.json === true) printJson(fleet);
      else {
        const text = fleetText(fleet, states);
        print(process.stdout.isTTY ? fitted(text, process.stdout.columns) : text);
      }
    });
  withExamples(command, [
    ['list', 'everybody, with counts'],
    ['list --state ACTIVE --type effect', 'only active effect nodes'],
    ["list --json | jq -r '.nodes[].node_id'", 'only the ids'],
  ]);
}
