import { connect, type ConnectionOptions } from 'node:tls';
import type { TLSConfig } from '@temporalio/client';
import { errorText } from '../error-text.js';
import { grpcErrorOf, temporalErrorText } from './temporal-errors.js';

/** How Temporal is reached. */
export interface TemporalAccess {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  readonly apiKey?: string;
  readonly tls?: TLSConfig | boolean;
}

/** What is wrong with how Temporal is reached, and which variable mends it. */
export interface ConnectionFault {
  readonly what: string;
  readonly todo: string;
}

/**
 * Why Temporal cannot be used although somebody listens at its address. Temporal's libraries only say that their time
 * is over, so the connection is tried once more, for what TLS itself says.
 *
 * @param error what a call or an attempt to connect has failed with
 * @returns null where it is something else, for example a server that is down
 */
export async function connectionFault(access: TemporalAccess, error: unknown): Promise<ConnectionFault | null> {
  return refusal(access, error) ?? (await tlsFault(access));
}

/** gRPC's status codes. */
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;
/** The same two as the worker's library has them, in words alone. */
const REFUSED_IN_WORDS = /caller does not have permission|not have valid authentication/;

/** The server's own answer that whoever asks may not. */
export function isRefusal(error: unknown): boolean {
  const grpc = grpcErrorOf(error);
  if (grpc === undefined) return REFUSED_IN_WORDS.test(errorText(error));
  return grpc.code === PERMISSION_DENIED || grpc.code === UNAUTHENTICATED;
}

function refusal({ namespace, apiKey }: TemporalAccess, error: unknown): ConnectionFault | null {
  if (!isRefusal(error)) return null;
  return {
    what: `refuses ${apiKey === undefined ? 'whoever has no API key' : 'this API key'} (${temporalErrorText(error)})`,
    todo:
      `Set TEMPORAL_API_KEY to a key that is valid and may write in namespace ${namespace}, or TEMPORAL_NAMESPACE to ` +
      'one that there is and that this key may use.',
  };
}

async function tlsFault({ address, tls }: TemporalAccess): Promise<ConnectionFault | null> {
  if (tls === undefined || tls === false) {
    // Whoever answers a greeting in TLS would have answered ours in plain text, if it took any.
    const answer = await shakeHands(address, { rejectUnauthorized: false });
    if (answer === 'http2' || answer === ASKS_FOR_CERTIFICATE) return FAULTS.plain;
    return null;
  }
  const { serverNameOverride, serverRootCACertificate, clientCertPair } = tls === true ? {} : tls;
  const found = await shakeHands(address, {
    ...(serverNameOverride ? { servername: serverNameOverride } : {}),
    ...(serverRootCACertificate ? { ca: Buffer.from(serverRootCACertificate) } : {}),
    ...(clientCertPair ? { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) } : {}),
  });
  if (found === 'http2' || found === null) return null;
  if (NO_TLS.test(found)) return FAULTS.noTls;
  if (UNKNOWN_CA.test(found)) return FAULTS.ca;
  if (found === 'ERR_TLS_CERT_ALTNAME_INVALID') return FAULTS.name;
  if (found === 'CERT_HAS_EXPIRED') return FAULTS.expired;
  if (found !== CLOSED && !REFUSED.test(found)) return null;
  return clientCertPair ? FAULTS.certificate : FAULTS.noCertificate;
}

const ASKS_FOR_CERTIFICATE = 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED';
/** No alert, and nothing of HTTP/2: some servers leave so whoever shows no certificate that they take. */
const CLOSED = 'closed after the handshake';
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|HTTP_REQUEST/;
const UNKNOWN_CA =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)_.*|CERT_SIGNATURE_FAILURE)$/;
/** Alerts with which a server ends a handshake because of the client's certificate. */
const REFUSED = /ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_(REQUIRED|EXPIRED|UNKNOWN|REVOKED)|HANDSHAKE_FAILURE)/;

const FAULTS = {
  plain: {
    what: 'speaks TLS, and is spoken to without',
    todo: 'Set TEMPORAL_TLS=true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH where its authority is your own.',
  },
  noTls: {
    what: 'does not speak TLS, and is spoken to with it',
    todo: 'Unset TEMPORAL_TLS, TEMPORAL_TLS_… and TEMPORAL_API_KEY, or set TEMPORAL_TLS=false.',
  },
  ca: {
    what: 'shows a certificate of an authority that is not trusted here',
    todo: 'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the file (PEM) of the authority that signed its certificate.',
  },
  name: {
    what: 'shows a certificate that is not for the name in TEMPORAL_ADDRESS',
    todo: 'Set TEMPORAL_TLS_SERVER_NAME to a name that stands in the certificate, or TEMPORAL_ADDRESS to that name.',
  },
  expired: { what: 'shows a certificate that has expired', todo: 'Have the certificate of the server renewed.' },
  noCertificate: {
    what: 'wants a client certificate, and none is set',
    todo:
      'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to a certificate (PEM) that it takes, and ' +
      'its key.',
  },
  certificate: {
    what: 'does not take this client certificate',
    todo:
      'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to one that has not expired and is signed ' +
      'by an authority that the server trusts.',
  },
} as const satisfies Record<string, ConnectionFault>;

const ANSWERS_WITHIN_MS = 3_000;

/**
 * Connects with TLS until the server has sent something of HTTP/2, which it does once it has taken the client's
 * certificate: with TLS 1.3 a refusal comes after the handshake.
 *
 * @returns 'http2', the code of the error that ended it, or null when nothing is known
 */
function shakeHands(address: string, options: ConnectionOptions): Promise<string | null> {
  const [, host = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(address) ?? [];
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), ALPNProtocols: ['h2'], timeout: ANSWERS_WITHIN_MS, ...options });
    let secure = false;
    const end = (found: string | null): void => {
      socket.destroy();
      resolve(found);
    };
    socket
      .once('data', () => end('http2'))
      .once('secureConnect', () => (secure = true))
      .once('error', ({ code }: NodeJS.ErrnoException) =>
        end(secure && code === 'ECONNRESET' ? CLOSED : (code ?? null)),
      )
      .once('timeout', () => end(null))
      .once('end', () => end(secure ? CLOSED : null));
  });
}
