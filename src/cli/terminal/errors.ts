import { commandName } from './invocation.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';

/** An error as a person at the terminal gets it. */
export interface Explained {
  readonly message: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
}

/**
 * What to print for an error, and with which code to leave. Errors are
 * recognised by name, so that no library is loaded only for its classes.
 */
export function explainError(error: unknown): Explained {
  if (error instanceof CliError) return { message: error.message, hint: error.hint, exitCode: error.exitCode };
  if (!(error instanceof Error)) return unexpected(String(error));
  switch (error.name) {
    case 'ConfigError':
      return { message: error.message, hint: undefined, exitCode: EXIT.usage };
    case 'ContractError':
      return {
        message: `The contracts do not hold together:\n${error.message}`,
        hint: 'Correct these lines; nothing was started with them.',
        exitCode: EXIT.failed,
      };
    case 'StackError':
    case 'NodeError':
      return { message: error.message, hint: undefined, exitCode: EXIT.failed };
    default:
      return unexpected(error.message || error.name);
  }
}

function unexpected(message: string): Explained {
  return {
    message: `Something unexpected happened: ${message}`,
    hint: `LOG_LEVEL=debug shows where; '${commandName()} doctor' looks at every connection.`,
    exitCode: EXIT.failed,
  };
}

/** Whether the person asked for everything. */
export function wantsStackTraces(): boolean {
  return process.env.LOG_LEVEL === 'debug' || process.env.LOG_LEVEL === 'trace';
}
