import { Option, type Command } from 'commander';
import { NODE_TYPES } from '../../protocol/fields.js';
import { withExamples } from '../terminal/help.js';
import { endpoint, nodeIdArgument } from '../terminal/arguments.js';
import type { NodeOptions } from './options.js';

export function nodeCommand(program: Command): void {
  const command = program
    .command('node')
    .description('Run one real node in this terminal, through the SDK. It speaks only Kafka; Ctrl-C leaves in order.')
    .option('--id <node_id>', 'its id, the same after a restart (default: a new UUID)', nodeIdArgument)
    .addOption(new Option('--type <type>', 'what kind of node').choices(NODE_TYPES).default('effect'))
    .option('--version <version>', 'its semantic version', '1.0.0')
    .option('--endpoint <name=url...>', 'where it answers; "health" is what Consul shows', endpoint, [])
    .option('--capability <name...>', 'what it can do', [])
    .option('--key <file>', 'sign what it sends: a PEM with its private Ed25519 key')
    .option('--previous-key <file>', 'its key until now, which hands over to --key')
    .option('--no-ack', 'do not acknowledge; somebody else does')
    .action(async (options: NodeOptions) => {
      const [{ runNode }, { loadConfig }] = await Promise.all([
        import('./run-node.js'),
        import('../../config/index.js'),
      ]);
      await runNode(options, loadConfig());
    });
  withExamples(command, [
    ['node --id mailer-1 --type effect --capability mail.send', 'a node that becomes ACTIVE'],
    ['node --id mailer-2 --no-ack', "waits for 'registrar ack mailer-2' in another terminal"],
    ['node --id mailer-3 --key mailer-3.key', 'signed; openssl genpkey -algorithm ed25519 -out mailer-3.key makes one'],
    ['node --endpoint health=http://10.0.0.7:8080/health', 'with an address for Consul'],
  ]);
}
