import { readFileSync } from 'node:fs';
import { errorText } from '../error-text.js';
import type { Environment } from '../stack/state/servers.js';

/** A variable of the environment that is missing or cannot be used, or a key of a file; the message names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** An empty variable is an unset one: that is how people unset a variable for one command. */
export function given(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/** @throws ConfigError that names the variable */
export function checkHostPort(variable: string, value: string): string {
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(value);
  if (match === null || Number(match[2]) < 1 || Number(match[2]) > 65_535) {
    throw new ConfigError(`${variable}: '${value}' is not host:port`);
  }
  return value;
}

/** As Consul's own tools read it: Go's ParseBool. */
export function isTrue(env: Environment, variable: string): boolean {
  const value = given(env, variable);
  if (value === undefined || /^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  throw new ConfigError(`${variable}: '${value}' is neither true nor false`);
}

/**
 * The text of a file that a variable names; undefined where the variable is unset.
 *
 * @throws ConfigError when it cannot be read
 */
export function fileText(env: Environment, variable: string): string | undefined {
  const path = given(env, variable);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${variable}: '${path}' cannot be read: ${errorText(error)}`);
  }
}
