import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import { errorText } from '../../error-text.js';
import type { ClientCredentials, KafkaToken, TokenCommand } from '../connection.js';

/** A token, and until when it can be used: milliseconds since 1970. */
interface Token {
  readonly value: string;
  /** When it was asked for. */
  readonly since: number;
  readonly until: number;
}

const ANSWER_WITHIN_MS = 10_000;
/** Of a token's life; then another one is asked for, while this one is still good. */
const USED_FOR = 0.8;

/**
 * Where a client gets its tokens. One is used again until most of its life is over.
 *
 * @returns rejects with what is wrong, and never shows a secret
 */
export function tokensOf(source: KafkaToken): () => Promise<string> {
  const fetchToken = 'tokenCommand' in source ? () => byCommand(source) : () => byCredentials(source);
  let current: Promise<Token> | undefined;
  let renewAt = 0;
  return async () => {
    if (current === undefined || Date.now() >= renewAt) {
      // While it is asked for, everybody waits for the same one.
      renewAt = Number.POSITIVE_INFINITY;
      current = fetchToken();
      current.then(
        ({ since, until }) => (renewAt = since + (until - since) * USED_FOR),
        () => (current = undefined),
      );
    }
    return (await current).value;
  };
}

async function byCommand({ tokenCommand }: TokenCommand): Promise<Token> {
  const since = Date.now();
  try {
    const { stdout } = await promisify(exec)(tokenCommand, { timeout: ANSWER_WITHIN_MS });
    const value = stdout.trim();
    if (!/^\S+$/.test(value)) throw new Error('it did not print one token and nothing else');
    return { value, since, until: expiryOf(value) ?? since };
  } catch (error) {
    // Node's own words repeat the command, in which a secret may stand.
    throw new Error(`the command for a token failed: ${failureOf(error)}`);
  }
}

function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!('stderr' in error)) return error.message;
  const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: unknown };
  const [line = ''] = String(stderr).trim().split('\n').slice(-1);
  const how = killed === true ? `no answer within ${ANSWER_WITHIN_MS / 1_000} s` : `exit code ${String(code)}`;
  return line === '' ? how : `${how}, ${line.slice(0, 200)}`;
}

/** Of a JSON Web Token; undefined where it says none, or is none. */
function expiryOf(token: string): number | undefined {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    // Other kinds of tokens are asked for each time.
    return undefined;
  }
}

async function byCredentials({ tokenEndpoint, clientId, clientSecret, scope }: ClientCredentials): Promise<Token> {
  const since = Date.now();
  const about = `the token endpoint ${tokenEndpoint}`;
  const response = await fetch(tokenEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch((error: unknown) => {
    throw new Error(`${about} does not answer: ${causeOf(error)}`);
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${about} answers ${response.status}: ${text.slice(0, 200)}`);
  const { access_token, expires_in } = fieldsOf(text);
  if (typeof access_token !== 'string') throw new Error(`${about} answers without an access_token`);
  const until = typeof expires_in === 'number' ? since + expires_in * 1_000 : (expiryOf(access_token) ?? since);
  return { value: access_token, since, until };
}

function fieldsOf(text: string): { access_token?: unknown; expires_in?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch {
    // Without the text: it may be the token itself.
    throw new Error('the token endpoint does not answer JSON');
  }
}

/** fetch says only that it failed; why stands in its cause. */
function causeOf(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : {};
  return errorText(cause);
}
