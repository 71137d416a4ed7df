import type { Command } from 'commander';
import type { ServerName } from '../../stack/state/servers.js';
import { withExamples } from '../terminal/help.js';
import { print } from '../terminal/output.js';
import { serverArgument } from './server-argument.js';

export function startCommand(program: Command): void {
  const command = program
    .command('start')
    .description('Start an embedded server again that was stopped, at the same address.')
    .addArgument(serverArgument())
    .action(async (server: ServerName) => {
      const { switchServer } = await import('./switch-server.js');
      print(await switchServer('start', server));
    });
  withExamples(command, [
    ['start consul', 'what waited for it goes on'],
    ['start kafka', 'bridge and nodes are back within seconds'],
  ]);
}
