import type { Command } from 'commander';
import { port } from '../terminal/arguments.js';
import { withExamples } from '../terminal/help.js';

interface CodecServerCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly origin: readonly string[];
}

export function codecServerCommand(program: Command): void {
  const command = program
    .command('codec-server')
    .description("Decode encrypted payloads for Temporal's web UI and CLI, until SIGTERM or Ctrl-C.")
    .option('--host <address>', 'the address to listen at', '127.0.0.1')
    .option('--port <port>', 'the port; 0 takes any free one', port, 8234)
    .option('--origin <url...>', "where people open Temporal's web UI; no other page may ask", [
      'http://localhost:8233',
      'http://127.0.0.1:8233',
    ])
    .action(async ({ host, port, origin }: CodecServerCommandOptions) => {
      const [{ runCodecServer }, { loadConfig }] = await Promise.all([
        import('./run-codec-server.js'),
        import('../../config/index.js'),
      ]);
      await runCodecServer(loadConfig(), { host, port, origins: origin });
    });
  withExamples(command, [
    ['codec-server', 'then give http://127.0.0.1:8234 to the web UI as its remote codec endpoint (the glasses icon)'],
    ['codec-server --origin https://temporal.example', 'for a web UI that is elsewhere; it must reach this server'],
  ]);
}
