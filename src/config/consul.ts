import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { errorText } from '../error-text.js';
import { parseUrl } from '../parse-url.js';
import type { ConsulAccess, ConsulTls } from '../registry/consul/access.js';
import type { Environment } from '../stack/state/servers.js';
import { ConfigError, fileText, given, isTrue } from './variables.js';

export type ConsulConfig = ConsulAccess;

/**
 * Consul's own environment, as its command line reads it; a token file is read again while we run.
 *
 * @param own URL of a server of ours, used where the environment names none
 */
export function consulConfig(env: Environment, own: string | undefined): ConsulConfig {
  const named = consulUrl(env);
  // Tokens and certificates are for the Consul that they were made for, not for ours.
  if (named === undefined && own !== undefined) return { address: own };
  const address = named ?? `${scheme(env)}://localhost:8500`;
  const access = {
    token: given(env, 'CONSUL_HTTP_TOKEN'),
    tokenFile: tokenFile(env),
    auth: given(env, 'CONSUL_HTTP_AUTH'),
    namespace: given(env, 'CONSUL_NAMESPACE'),
    partition: given(env, 'CONSUL_PARTITION'),
    tls: address.startsWith('https:') ? consulTls(env) : undefined,
  };
  return { address, ...whatIsGiven(access) };
}

/** The server that the environment names. */
export function consulUrl(env: Environment): string | undefined {
  const value = given(env, 'CONSUL_HTTP_ADDR');
  if (value === undefined) return undefined;
  // CONSUL_HTTP_SSL wins over an address that says http.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value)
    ? value.replace(/^http:/i, `${scheme(env)}:`)
    : `${scheme(env)}://${value}`;
  const url = parseUrl(text);
  if (url !== null && (url.username !== '' || url.password !== ''))
    throw new ConfigError('CONSUL_HTTP_ADDR holds a user or password: it would be printed; use CONSUL_HTTP_AUTH');
  // What cannot be read may hold a password all the same.
  const shown = value.includes('@') ? '…' : value;
  const bad = new ConfigError(`CONSUL_HTTP_ADDR: '${shown}' is not host:port, an http(s) URL or unix:///socket`);
  if (url === null || url.search !== '' || url.hash !== '') throw bad;
  const isSocket = url.protocol === 'unix:' && url.hostname === '' && url.pathname.length > 1;
  const isHttp = (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '';
  if (!isSocket && !isHttp) throw bad;
  return url.href.replace(/\/+$/, '');
}

const scheme = (env: Environment): string => (isTrue(env, 'CONSUL_HTTP_SSL') ? 'https' : 'http');

function whatIsGiven<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** @throws ConfigError when nothing can be read there now; later it may be away for a moment */
function tokenFile(env: Environment): string | undefined {
  const token = fileText(env, 'CONSUL_HTTP_TOKEN_FILE')?.trim();
  if (token === '') throw new ConfigError("CONSUL_HTTP_TOKEN_FILE: the file is empty; write Consul's token into it");
  return given(env, 'CONSUL_HTTP_TOKEN_FILE');
}

function consulTls(env: Environment): ConsulTls {
  const file = fileText(env, 'CONSUL_CACERT');
  const ca = file === undefined ? certificatesIn(env) : [checkCertificate('CONSUL_CACERT', file)];
  const cert = fileText(env, 'CONSUL_CLIENT_CERT');
  const key = fileText(env, 'CONSUL_CLIENT_KEY');
  if ((cert === undefined) !== (key === undefined))
    throw new ConfigError('CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY belong together: set both, or neither');
  try {
    createSecureContext(whatIsGiven({ cert, key }));
  } catch (error) {
    throw new ConfigError(`CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY cannot be used: ${errorText(error)}`);
  }
  const verify = given(env, 'CONSUL_HTTP_SSL_VERIFY') === undefined || isTrue(env, 'CONSUL_HTTP_SSL_VERIFY');
  const servername = given(env, 'CONSUL_TLS_SERVER_NAME');
  return { ...whatIsGiven({ ca, cert, key, servername }), ...(!verify && { rejectUnauthorized: false }) };
}

/** Every certificate below CONSUL_CAPATH. */
function certificatesIn(env: Environment): string[] | undefined {
  const folder = given(env, 'CONSUL_CAPATH');
  if (folder === undefined) return undefined;
  try {
    const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
    if (files.length === 0) throw new Error('it holds no certificate');
    return files.map((path) => checkCertificate(path, readFileSync(path, 'utf8')));
  } catch (error) {
    throw new ConfigError(`CONSUL_CAPATH: '${folder}' cannot be used: ${errorText(error)}`);
  }
}

/** Node passes over a certificate that it cannot read, and would then trust nobody. */
function checkCertificate(where: string, text: string): string {
  try {
    new X509Certificate(text);
    return text;
  } catch (error) {
    throw new ConfigError(`${where} holds no PEM certificate: ${errorText(error)}`);
  }
}
