import { errorText } from '../error-text.js';
import { parseConnectionString } from '../registry/connection-string.js';
import { sslTries } from '../registry/ssl-modes.js';
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

/** The database that the environment names, as a URL that psql takes, too. */
export function postgresUrl(env: Environment): string | undefined {
  const named = given(env, 'DATABASE_URL');
  const url = named ?? urlOfVariables(env);
  return url === undefined ? undefined : checked(named === undefined ? 'PG*' : 'DATABASE_URL', withSettings(url, env));
}

function urlOfVariables(env: Environment): string | undefined {
  const host = given(env, 'PGHOST');
  const port = given(env, 'PGPORT');
  const database = given(env, 'PGDATABASE');
  // PGUSER and PGPASSWORD alone name no server.
  if (host === undefined && port === undefined && database === undefined) return undefined;
  if (port !== undefined && !/^\d{1,5}(,\d{1,5})*$/.test(port))
    throw new ConfigError(`PGPORT: '${port}' is not a port`);
  const user = given(env, 'PGUSER') ?? given(env, 'USER') ?? 'postgres';
  // Spaces are part of a password.
  const password = env['PGPASSWORD'] ?? '';
  const credentials = encodeURIComponent(user) + (password === '' ? '' : `:${encodeURIComponent(password)}`);
  const path = encodeURIComponent(database ?? user);
  const hosts = (host ?? 'localhost').split(',');
  const ports = (port ?? '5432').split(',');
  // A directory is how a local socket is given.
  const hasSocket = hosts.some((one) => one.startsWith('/'));
  const places = hosts.map((one, at) => `${hasSocket ? 'localhost' : bracketed(one)}:${ports[at] ?? ports[0] ?? ''}`);
  const query = hasSocket ? `?host=${encodeURIComponent(hosts.join(','))}` : '';
  return `postgresql://${credentials}@${places.join(',')}/${path}${query}`;
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Parameters of a connection that libpq takes from the environment where the URL leaves them out. */
const SETTINGS = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
} as const;

function withSettings(url: string, env: Environment): string {
  const more = Object.entries(SETTINGS).flatMap(([parameter, variable]) => {
    const value = given(env, variable);
    const isThere = new RegExp(`[?&]${parameter}=`).test(url);
    return value === undefined || isThere ? [] : [`${parameter}=${encodeURIComponent(value)}`];
  });
  return more.length === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${more.join('&')}`;
}

/** The text of the URL is in no message: whatever it looks like, a part of it may be the password. */
function checked(variable: string, url: string): string {
  try {
    sslTries(parseConnectionString(url).parameters);
    return url;
  } catch (error) {
    throw new ConfigError(`${variable}: ${errorText(error)}`);
  }
}
