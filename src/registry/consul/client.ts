import { EventEmitter } from 'node:events';
import Consul from 'consul';
import { errorText } from '../../error-text.js';
import { packageOptions, Token, type ConsulAccess } from './access.js';
import { ConsulError, type ConsulFailure } from './error.js';
import type { Operation } from './operations.js';

/** What every call takes besides its own options; the package's types leave it out. */
interface CallOptions {
  /** Cancels the call by its event `cancel`; asks for the whole response. */
  readonly ctx: EventEmitter & { includeResponse: true };
  /** Milliseconds. */
  readonly timeout: number;
  /** ACL token. */
  readonly token?: string;
}

interface Response {
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** As papi, the package's HTTP layer, throws it; only answers have a response. */
interface HttpError extends Error {
  readonly statusCode?: number;
  readonly response?: { readonly body?: unknown };
}

export interface ConsulClientOptions extends ConsulAccess {
  /** Milliseconds that one call may take. Default 3500. */
  readonly timeoutMs?: number;
}

type Send = (consul: Consul, options: CallOptions) => Promise<unknown>;

/**
 * The `consul` package with what it lacks: a timeout, cancellation, and errors that distinguish a refusal from an
 * absence.
 */
export class ConsulClient {
  /** Where Consul is, for messages. */
  readonly url: string;
  readonly #consul: Consul;
  readonly #access: ConsulAccess;
  readonly #token: Token;
  readonly #timeoutMs: number;
  #isApart = false;

  constructor({ timeoutMs = 3_500, ...access }: ConsulClientOptions) {
    this.url = access.address.includes('://') ? access.address : `http://${access.address}`;
    this.#access = access;
    this.#token = new Token(access);
    this.#timeoutMs = timeoutMs;
    this.#consul = new Consul(packageOptions(access));
  }

  /**
   * One call. `send` hands the given options on to the package.
   *
   * An answer that access rules have emptied is no absence: taking it for one
   * would try to create what is already there.
   */
  async call<T>(send: Send, signal?: AbortSignal): Promise<T> {
    const token = this.#token.current;
    try {
      return await this.#once<T>(send, token, signal);
    } catch (error) {
      const isRefused = error instanceof ConsulError && error.kind === 'misconfigured';
      // The token may have been replaced while the call was on its way.
      if (!isRefused || this.#token.current === token) throw error;
      return this.#once<T>(send, this.#token.current, signal);
    }
  }

  /** Operations that are applied together or not at all, in the client's namespace and partition. */
  async transact<T>(operations: readonly Operation[], signal?: AbortSignal): Promise<T> {
    await this.#checkApart(signal);
    const { namespace, partition } = this.#access;
    const place = { ...(partition !== undefined && { Partition: partition }) };
    const wholePlace = { ...place, ...(namespace !== undefined && { Namespace: namespace }) };
    const placed = operations.map(({ Node, Service, Check }) => ({
      ...(Node && { Node: { ...Node, Node: { ...Node.Node, ...place } } }),
      ...(Service && { Service: { ...Service, Service: { ...Service.Service, ...wholePlace } } }),
      ...(Check && { Check: { ...Check, Check: { ...Check.Check, ...wholePlace } } }),
    }));
    // The package sends the operations as they are; its types describe other ones than Consul takes.
    return this.call<T>((consul, options) => consul.transaction.create(placed as never, options as never), signal);
  }

  /**
   * A Consul without namespaces refuses to read in one, but takes a transaction and writes it where everybody is. So
   * something is read before the first.
   */
  async #checkApart(signal?: AbortSignal): Promise<void> {
    const { namespace, partition } = this.#access;
    if (this.#isApart || (namespace === undefined && partition === undefined)) return;
    await this.call((consul, options) => consul.catalog.node.services({ node: 'onex-', ...options }), signal);
    this.#isApart = true;
  }

  async #once<T>(send: Send, token: string | undefined, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const ctx = Object.assign(new EventEmitter(), { includeResponse: true as const });
    const cancel = (): boolean => ctx.emit('cancel');
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const options = { ctx, timeout: this.#timeoutMs, ...(token !== undefined && { token }) };
      const [response, body] = (await send(this.#consul, options)) as [Response, T];
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

/** A namespace or a partition where there is none: Consul's words for it begin as those about a node do. */
const ENTERPRISE = /Enterprise feature/;
const TOO_LARGE = 413;
const BAD_REQUEST = 400;
/** Not found, timed out, lost a race, too many: another try may succeed. */
const FOR_NOW: readonly number[] = [404, 408, 409, 429];

/** Of all that Consul or a proxy before it may refuse, little is about the node: its data are too large, or invalid. */
function failureOf(statusCode: number, words: string): ConsulFailure {
  if (statusCode < 400 || statusCode >= 500 || FOR_NOW.includes(statusCode)) return 'away';
  if (statusCode === TOO_LARGE || (statusCode === BAD_REQUEST && isAboutTheNode(words))) return 'refused';
  return 'misconfigured';
}

const isAboutTheNode = (words: string): boolean => ABOUT_THE_NODE.test(words) && !ENTERPRISE.test(words);
