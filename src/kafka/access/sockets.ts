import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type ConnectionOptions } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { errorText } from '../../error-text.js';
import type { KafkaTls } from '../connection.js';

const KEEP_ALIVE_AFTER_MS = 60_000;

/**
 * kafkajs takes a broker apart at its first colon, so an IPv6 address must not have any: here it gets one in which they
 * are written as %3A, and the sockets below read it.
 */
export function withoutColons(broker: string): string {
  const match = /^\[([^\]]+)\]:(\d+)$/.exec(broker);
  return match === null ? broker : `${encodeURIComponent(match[1] ?? '')}:${match[2]}`;
}

/** Opens connections as kafkajs does itself, and to IPv6 addresses, too. */
export const sockets: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const address = decodeURIComponent(host);
  // kafkajs's types have an `ssl` on every connection.
  const tls = ssl as ConnectionOptions | null | undefined;
  const socket: Socket =
    tls === null || tls === undefined
      ? connect({ host: address, port }, onConnect)
      : connectTls({ host: address, port, ...(isIP(address) === 0 && { servername: address }), ...tls }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
  return socket;
};

/**
 * Reads keys and certificates once for all connections.
 *
 * @throws Error when they cannot be used; its message never shows them
 */
export function tlsOptions({ ca, certificate, key, keyPassword, checkHostname = true }: KafkaTls): ConnectionOptions {
  try {
    return {
      secureContext: createSecureContext({ ca, cert: certificate, key, passphrase: keyPassword }),
      ...(!checkHostname && { checkServerIdentity: () => undefined }),
    };
  } catch (error) {
    throw new Error(`security.tls cannot be used: ${errorText(error)}`, { cause: error });
  }
}
