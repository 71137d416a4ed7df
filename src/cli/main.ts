#!/usr/bin/env node
import { pathToFileURL } from 'node:url';
import { realpathSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { ackCommand } from './commands/ack.js';
import { brakeCommand } from './commands/brake.js';
import { bridgeCommand } from './commands/bridge.js';
import { contractsCommand } from './commands/contracts.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { listCommand } from './commands/list.js';
import { nodeCommand } from './commands/node.js';
import { retryCommand } from './commands/retry.js';
import { setupCommand } from './commands/setup.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { stopCommand } from './commands/stop.js';
import { upCommand } from './commands/up.js';
import { wipeCommand } from './commands/wipe.js';
import { workerCommand } from './commands/worker.js';
import { explainError, wantsStackTraces } from './errors.js';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.js';
import { firstExamples } from './help.js';
import { say } from './output.js';

/** The program. Commands load what they need only when they run, so that help is there at once. */
export function createProgram(): Command {
  const program = new Command('registrar')
    .description('A durable registrar for fleets of nodes: from introspection to ACTIVE, on Kafka, Temporal, Consul and PostgreSQL.')
    .exitOverride()
    .showHelpAfterError("(add --help for what there is, with examples)")
    .configureHelp({ sortSubcommands: false });
  const commands = [demoCommand, upCommand, workerCommand, bridgeCommand, nodeCommand, statusCommand, listCommand, ackCommand, retryCommand, stopCommand, startCommand, wipeCommand, doctorCommand, brakeCommand, contractsCommand, setupCommand];
  for (const define of commands) define(program);
  program.addHelpText('after', () => `\n${firstExamples(program)}\n\n${EXIT_CODES_HELP}\n\nWhere the servers are comes from the environment (TEMPORAL_ADDRESS, KAFKA_BROKERS, CONSUL_HTTP_ADDR,\nDATABASE_URL), else from the servers that 'up' or 'demo' runs on REGISTRAR_DATA_DIR (.registrar).`);
  return program;
}

/** Runs a command line; answers the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv]);
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { message, hint, exitCode } = explainError(error);
    say(`${pc.red('✗')} ${message}`);
    if (hint !== undefined) say(`  ${hint}`);
    if (wantsStackTraces() && error instanceof Error) say(error.stack ?? '');
    return exitCode;
  }
}

function isEntry(): boolean {
  const entry = process.argv[1];
  // An installed program is a link to this file.
  return entry !== undefined && import.meta.url === pathToFileURL(realpathSync(entry)).href;
}

if (isEntry()) process.exit(await run(process.argv));
