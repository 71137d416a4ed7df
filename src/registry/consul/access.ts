import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** Where Consul is, and as whom it is called: what its own environment variables say. */
export interface ConsulAccess {
  /** "127.0.0.1:8500", a URL with the path of a proxy where there is one, or "unix:///…" for a socket. */
  readonly address: string;
  /** ACL token. */
  readonly token?: string;
  /** A file with the ACL token, which wins over `token`. It is read with each call, since others replace it. */
  readonly tokenFile?: string;
  /** user:password of HTTP's basic authentication, for a proxy. */
  readonly auth?: string;
  /** Enterprise only. */
  readonly namespace?: string;
  /** Enterprise only. */
  readonly partition?: string;
  /** For https. */
  readonly tls?: ConsulTls;
}

/** As Node's TLS takes them: certificates and keys are PEM texts. */
export interface ConsulTls {
  readonly ca?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must have, where it is not that of the address. */
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/**
 * Consul takes 200 connections from an address and answers 429 to more (limits.http_max_conns_per_client). Calls beyond
 * these wait for one, so that three processes on a machine fit.
 */
const MOST_CONNECTIONS = 64;

/** What the `consul` package is opened with; its types leave most of it out. */
export function packageOptions({ address, auth, namespace, partition, tls }: ConsulAccess): object {
  const url = new URL(address.includes('://') ? address : `http://${address}`);
  const isSocket = url.protocol === 'unix:';
  // The package hands on an IPv6 address with its brackets, which is no host; an agent's options win.
  const host = isSocket ? {} : { host: url.hostname.replace(/^\[(.+)\]$/, '$1') };
  const agent = { keepAlive: true, maxSockets: MOST_CONNECTIONS, ...host };
  return {
    baseUrl: `${isSocket ? 'http://localhost' : url.href.replace(/\/+$/, '')}/v1`,
    ...(isSocket && { socketPath: decodeURIComponent(url.pathname) }),
    agent: url.protocol === 'https:' ? new HttpsAgent({ ...agent, ...tlsOptions(tls) }) : new HttpAgent(agent),
    headers: {
      ...(auth !== undefined && { authorization: `Basic ${Buffer.from(withPassword(auth)).toString('base64')}` }),
      ...(namespace !== undefined && { 'x-consul-namespace': namespace }),
      ...(partition !== undefined && { 'x-consul-partition': partition }),
    },
  };
}

const withPassword = (auth: string): string => (auth.includes(':') ? auth : `${auth}:`);

function tlsOptions({ ca, ...tls }: ConsulTls = {}): object {
  return { ...tls, ...(ca !== undefined && { ca: [...ca] }) };
}

/** The ACL token of the next call. */
export class Token {
  readonly #access: Pick<ConsulAccess, 'token' | 'tokenFile'>;
  #read: string | undefined;

  constructor(access: Pick<ConsulAccess, 'token' | 'tokenFile'>) {
    this.#access = access;
  }

  get current(): string | undefined {
    const { token, tokenFile } = this.#access;
    if (tokenFile === undefined) return token;
    try {
      this.#read = readFileSync(tokenFile, 'utf8').trim() || this.#read;
    } catch {
      // It is being replaced, or gone: the last token holds until Consul refuses it.
    }
    return this.#read ?? token;
  }
}
