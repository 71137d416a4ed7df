import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errorText } from '../error-text.js';
import { hasCode, StackError } from './state/errors.js';

/** How long a health check may go on, and what to show when it fails. */
export interface Patience {
  readonly withinMs: number;
  readonly title: string;
  /** The server's own log, whose last lines show what the probe cannot. */
  readonly logFile?: string;
  /** Settles when the server has ended by itself, so that nobody waits for the dead. */
  readonly ended?: Promise<unknown>;
  /** Ends the waiting at once. */
  readonly signal?: AbortSignal;
}

const TRY_EVERY_MS = 40;
const LINES_SHOWN = 15;

/** Probes until the server answers; fails with the probe's last error and the end of the server's log. */
export async function waitUntilHealthy(probe: () => Promise<void>, patience: Patience): Promise<void> {
  const deadline = Date.now() + patience.withinMs;
  let ended = false;
  const noteEnd = () => {
    ended = true;
  };
  patience.ended?.then(noteEnd, noteEnd);
  for (;;) {
    patience.signal?.throwIfAborted();
    let reason: string;
    try {
      return await probe();
    } catch (error) {
      reason = errorText(error);
    }
    if (ended) throw new StackError(`${patience.title} ended while it was starting.${logTail(patience.logFile)}`);
    if (Date.now() >= deadline) {
      throw new StackError(
        `${patience.title} did not answer within ${patience.withinMs / 1000} s: ${reason}.${logTail(patience.logFile)}`,
      );
    }
    await delay(TRY_EVERY_MS);
  }
}

/** The last lines of a log with its path, ready to be appended to a message. */
export function logTail(file: string | undefined): string {
  if (file === undefined) return '';
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LINES_SHOWN);
    return `\nThe end of its log, ${file}:\n${lines.map((line) => `  ${line}`).join('\n')}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  }
}

/**
 * Succeeds when something accepts connections there. Asked before a real client is, because clients wait longer
 * between their tries than a server needs to come up.
 */
export function acceptsConnections(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 1000 });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error(`${host}:${port} does not answer`)));
    socket.once('error', reject);
  });
}
