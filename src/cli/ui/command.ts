import type { Command } from 'commander';
import { port } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

interface UiOptions {
  readonly host: string;
  readonly port: number;
  readonly hostName: readonly string[];
  readonly allowActions?: boolean;
  readonly userHeader?: string;
}

export function uiCommand(program: Command): void {
  const command = program
    .command('ui')
    .description('Serve the fleet page, until SIGTERM or Ctrl-C: who is there, what happened to a node, what to do.')
    .option(
      '--host <address>',
      'the address to listen at; others than this machine reach it only by 0.0.0.0',
      '127.0.0.1',
    )
    .option('--port <port>', 'the port; 0 takes any free one', port, 7300)
    .option(
      '--host-name <name>',
      'a further name under which browsers may ask for the page; can be repeated',
      collect,
      [],
    )
    .option(
      '--allow-actions',
      'let people acknowledge, retry, drain, evict, release self-preservation and replay dead letters; who and why ' +
        'is kept',
    )
    .option('--user-header <name>', 'the header in which a proxy names the person; without it people say it themselves')
    .action(async (options: UiOptions) => {
      const [{ runUi }, { loadConfig }] = await Promise.all([import('./run-ui.js'), import('../../config/index.js')]);
      await runUi(loadConfig(), {
        host: options.host,
        port: options.port,
        hostNames: options.hostName,
        actions: options.allowActions === true,
        ...(options.userHeader === undefined ? {} : { userHeader: options.userHeader }),
      });
    });
  withExamples(command, [
    ['ui', 'the page at http://127.0.0.1:7300/, to look at'],
    ['ui --allow-actions', 'the same, with actions'],
    ['ui --host 0.0.0.0 --host-name fleet.example', 'for others; put a proxy that knows them in front of it'],
    ['ui --allow-actions --user-header x-forwarded-user', 'behind such a proxy: it says who acts'],
  ]);
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
