import { parseUrl } from '../parse-url.js';
import type { Environment } from '../stack/state/servers.js';
import { ConfigError, given } from './variables.js';

export interface PostgresConfig {
  /** postgresql:// URL */
  readonly connectionString: string;
}

/** @param own URL of a server of ours, used where the environment names none */
export function postgresConfig(env: Environment, own: string | undefined): PostgresConfig {
  return { connectionString: postgresUrl(env) ?? own ?? 'postgresql://registrar@localhost:5432/registrar' };
}

/** The database that the environment names. */
export function postgresUrl(env: Environment): string | undefined {
  const url = given(env, 'DATABASE_URL');
  if (url !== undefined) return checkPostgresUrl(url);
  const host = given(env, 'PGHOST');
  const port = given(env, 'PGPORT');
  const database = given(env, 'PGDATABASE');
  // PGUSER and PGPASSWORD alone name no server.
  if (host === undefined && port === undefined && database === undefined) return undefined;
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new ConfigError(`PGPORT: '${port}' is not a port`);
  const user = given(env, 'PGUSER') ?? given(env, 'USER') ?? 'postgres';
  const password = given(env, 'PGPASSWORD');
  const sslmode = given(env, 'PGSSLMODE');
  const credentials = encodeURIComponent(user) + (password === undefined ? '' : `:${encodeURIComponent(password)}`);
  const path = encodeURIComponent(database ?? user);
  // A directory is how a local socket is given.
  const isSocket = host?.startsWith('/') === true;
  const query = new URLSearchParams({
    ...(isSocket && { host }),
    ...(sslmode !== undefined && { sslmode }),
  }).toString();
  const authority = `${isSocket ? 'localhost' : (host ?? 'localhost')}:${port ?? '5432'}`;
  return `postgresql://${credentials}@${authority}/${path}${query === '' ? '' : `?${query}`}`;
}

function checkPostgresUrl(value: string): string {
  if (/^postgres(ql)?:\/\//.test(value) && parseUrl(value) !== null) return value;
  throw new ConfigError(`DATABASE_URL: '${withoutPassword(value)}' is not a postgresql:// URL`);
}

function withoutPassword(value: string): string {
  return value.replace(/:[^:@/]+@/, ':***@');
}
