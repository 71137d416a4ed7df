import { EventEmitter } from 'node:events';
import Consul from 'consul';
import { errorText } from '../../error-text.js';
import { ConsulError, type ConsulFailure } from './error.js';

/** What every call takes besides its own options; the package's types leave it out. */
interface CallOptions {
  /** Cancels the call by its event `cancel`; asks for the whole response. */
  readonly ctx: EventEmitter & { includeResponse: true };
  /** Milliseconds. */
  readonly timeout: number;
}

interface Response {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** As papi, the package's HTTP layer, throws it; only answers have a response. */
interface HttpError extends Error {
  readonly statusCode?: number;
  readonly response?: { readonly body?: unknown };
}

export interface ConsulAddress {
  /** As CONSUL_HTTP_ADDR: "127.0.0.1:8500" or with a scheme. */
  readonly address: string;
  /** As CONSUL_HTTP_TOKEN. */
  readonly token?: string;
  /** Milliseconds that one call may take. Default 3500. */
  readonly timeoutMs?: number;
}

/**
 * The `consul` package with what it lacks: a timeout, cancellation, and errors that distinguish a refusal from an
 * absence.
 */
export class ConsulClient {
  /** Base URL, for messages. */
  readonly url: string;
  readonly #consul: Consul;
  readonly #timeoutMs: number;

  constructor({ address, token, timeoutMs = 3_500 }: ConsulAddress) {
    const url = new URL(address.includes('://') ? address : `http://${address}`);
    this.url = url.origin;
    this.#timeoutMs = timeoutMs;
    this.#consul = new Consul({
      host: url.hostname,
      port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
      secure: url.protocol === 'https:',
      ...(token === undefined || token === '' ? {} : { defaults: { token } }),
    });
  }

  /**
   * One call. `send` hands the given options on to the package.
   *
   * An answer that access rules have emptied is no absence: taking it for one
   * would try to create what is already there.
   */
  async call<T>(send: (consul: Consul, options: CallOptions) => Promise<unknown>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const ctx = Object.assign(new EventEmitter(), { includeResponse: true as const });
    const cancel = (): boolean => ctx.emit('cancel');
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const [response, body] = (await send(this.#consul, { ctx, timeout: this.#timeoutMs })) as [Response, T];
      if (response.headers['x-consul-results-filtered-by-acls'] === 'true') {
        throw new ConsulError('the token may not read all of it (node:read, service:read)', 'misconfigured');
      }
      return body;
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof ConsulError ? error : consulError(error as HttpError);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  close(): void {
    this.#consul.destroy();
  }
}

interface TransactionFailure {
  readonly Errors: readonly { readonly What: string }[];
}

function isTransactionFailure(body: unknown): body is TransactionFailure {
  return typeof body === 'object' && body !== null && Array.isArray((body as { Errors?: unknown }).Errors);
}

/** Transactions answer permission, validation and a lost race alike with 409: only their words differ. */
const NO_PERMISSION = /^(permission denied|acl not found)/i;
const ABOUT_THE_NODE = /^(invalid|must |missing )|metadata pair/i;
/** A server without TLS where one with it was expected, or the other way round; a certificate that is not trusted. */
const TLS = /EPROTO|SSL|certificate/i;

/** Its cause is left out: it holds the request with its headers, and so the token. */
function consulError(error: HttpError): ConsulError {
  const { statusCode } = error;
  if (statusCode === undefined) {
    const text = errorText(error);
    return new ConsulError(text, TLS.test(text) ? 'misconfigured' : 'away');
  }
  const body = error.response?.body;
  if (isTransactionFailure(body)) {
    const whats = body.Errors.map(({ What }) => What);
    const denied = whats.find((what) => NO_PERMISSION.test(what));
    if (denied !== undefined) return new ConsulError(denied, 'misconfigured');
    const refusal = whats.find((what) => ABOUT_THE_NODE.test(what));
    return new ConsulError(refusal ?? whats.join('; '), refusal === undefined ? 'stale' : 'refused');
  }
  const words = typeof body === 'string' ? body.trim() : Buffer.isBuffer(body) ? body.toString('utf8').trim() : '';
  return new ConsulError(`${statusCode} ${words || error.message}`, failureOf(statusCode, words));
}

const TOO_LARGE = 413;
const BAD_REQUEST = 400;
/** Not found, timed out, lost a race, too many: another try may succeed. */
const FOR_NOW: readonly number[] = [404, 408, 409, 429];

/** Of all that Consul or a proxy before it may refuse, little is about the node: its data are too large, or invalid. */
function failureOf(statusCode: number, words: string): ConsulFailure {
  if (statusCode < 400 || statusCode >= 500 || FOR_NOW.includes(statusCode)) return 'away';
  if (statusCode === TOO_LARGE || (statusCode === BAD_REQUEST && ABOUT_THE_NODE.test(words))) return 'refused';
  return 'misconfigured';
}
