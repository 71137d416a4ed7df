import { parseUrl } from '../../parse-url.js';

export interface ServiceAddress {
  readonly address: string;
  readonly port: number;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'ws:': 80,
  'https:': 443,
  'wss:': 443,
  'ftp:': 21,
  'ssh:': 22,
  'amqp:': 5672,
  'nats:': 4222,
  'redis:': 6379,
  'postgres:': 5432,
  'postgresql:': 5432,
};

/**
 * Where a node is reached: at its health endpoint, else at its first. A node
 * without endpoints (one that speaks only Kafka) has no address, and a scheme
 * without a known port leaves it 0; Consul takes both.
 */
export function serviceAddress(endpoints: Readonly<Record<string, string>>): ServiceAddress {
  const url = endpoints['health'] ?? Object.values(endpoints)[0];
  if (url === undefined) return { address: '', port: 0 };
  const parsed = parseUrl(url);
  if (parsed === null) throw new TypeError(`"${url}" is not an absolute URL`);
  const { hostname, port, protocol } = parsed;
  return {
    // An IPv6 address is bracketed in a URL and bare in Consul.
    address: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port),
  };
}
