import { parseUrl } from '../parse-url.js';
import type { Environment } from '../stack/state/servers.js';
import { ConfigError, given, isTrue } from './variables.js';

export interface ConsulConfig {
  /** a full URL */
  readonly address: string;
  readonly token?: string;
}

/** @param own URL of a server of ours, used where the environment names none */
export function consulConfig(env: Environment, own: string | undefined): ConsulConfig {
  const token = given(env, 'CONSUL_HTTP_TOKEN');
  return {
    address: consulUrl(env) ?? own ?? 'http://localhost:8500',
    ...(token !== undefined && { token }),
  };
}

/** The server that the environment names. */
export function consulUrl(env: Environment): string | undefined {
  const value = given(env, 'CONSUL_HTTP_ADDR');
  if (value === undefined) return undefined;
  const scheme = isTrue(env, 'CONSUL_HTTP_SSL') ? 'https' : 'http';
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `${scheme}://${value}`;
  const bad = new ConfigError(`CONSUL_HTTP_ADDR: '${value}' is not host:port or an http(s) URL`);
  const url = parseUrl(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') throw bad;
  return url.href.replace(/\/+$/, '');
}
