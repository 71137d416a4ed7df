#!/usr/bin/env node
import { pathToFileURL } from 'node:url';
import { realpathSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { ackCommand } from './ack/command.js';
import { selfPreservationCommand } from './self-preservation/command.js';
import { bridgeCommand } from './bridge/command.js';
import { codecServerCommand } from './codec-server/command.js';
import { completionCommand } from './completion/command.js';
import { contractsCommand } from './contracts/command.js';
import { demoCommand } from './demo/command.js';
import { dlqCommand } from './dlq/command.js';
import { doctorCommand } from './doctor/command.js';
import { listCommand } from './list/command.js';
import { nodeCommand } from './node/command.js';
import { reconcileCommand } from './reconcile/command.js';
import { retryCommand } from './retry/command.js';
import { drainCommand, undrainCommand } from './drain/command.js';
import { evictCommand, unbanCommand } from './evict/command.js';
import { forgetCommand } from './forget/command.js';
import { releaseKeyCommand } from './release-key/command.js';
import { setupCommand } from './setup/command.js';
import { startCommand } from './start/command.js';
import { statusCommand } from './status/command.js';
import { stopCommand } from './stop/command.js';
import { uiCommand } from './ui/command.js';
import { upCommand } from './up/command.js';
import { watchCommand } from './watch/command.js';
import { wipeCommand } from './wipe/command.js';
import { workerCommand } from './worker/command.js';
import { explainError, wantsStackTraces } from './terminal/errors.js';
import { EXIT, EXIT_CODES_HELP } from './terminal/exit-codes.js';
import { firstExamples } from './terminal/help.js';
import { letReadersLeave, log } from './terminal/output.js';

/** The program. Commands load what they need only when they run, so that help is there at once. */
export function createProgram(): Command {
  const program = new Command('registrar')
    .description(
      'A durable registrar for fleets of nodes: from introspection to ACTIVE, on Kafka, Temporal, Consul and ' +
        'PostgreSQL.',
    )
    .exitOverride()
    .showHelpAfterError('(add --help for what there is, with examples)')
    .configureHelp({ sortSubcommands: false });
  const commands = [
    demoCommand,
    upCommand,
    uiCommand,
    workerCommand,
    bridgeCommand,
    nodeCommand,
    statusCommand,
    listCommand,
    watchCommand,
    ackCommand,
    retryCommand,
    drainCommand,
    undrainCommand,
    evictCommand,
    unbanCommand,
    forgetCommand,
    releaseKeyCommand,
    reconcileCommand,
    stopCommand,
    startCommand,
    wipeCommand,
    doctorCommand,
    selfPreservationCommand,
    dlqCommand,
    contractsCommand,
    setupCommand,
    codecServerCommand,
    completionCommand,
  ];
  for (const define of commands) define(program);
  program.addHelpText(
    'after',
    () =>
      `\n${firstExamples(program)}\n\n${EXIT_CODES_HELP}\n\nWhere the servers are comes from the environment ` +
      `(TEMPORAL_ADDRESS, KAFKA_BROKERS, CONSUL_HTTP_ADDR,\nDATABASE_URL), else from the servers that 'up' or ` +
      `'demo' runs on REGISTRAR_DATA_DIR (.registrar).`,
  );
  return program;
}

/** Runs a command line; answers the exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv]);
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { message, hint, exitCode } = explainError(error);
    log(`${pc.red('✗')} ${message}`);
    if (hint !== undefined) log(`  ${hint}`);
    if (wantsStackTraces() && error instanceof Error) log(error.stack ?? '');
    return exitCode;
  }
}

function isEntry(): boolean {
  const entry = process.argv[1];
  // An installed program is a link to this file.
  return entry !== undefined && import.meta.url === pathToFileURL(realpathSync(entry)).href;
}

if (isEntry()) {
  letReadersLeave();
  process.exit(await runCommandLine(process.argv));
}
