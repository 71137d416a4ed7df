import type { Logger } from 'pino';
import pretty from 'pino-pretty';
import { jsonLogger, loggerTo } from './json-logger.js';

let root: Logger | undefined;

/**
 * A logger for one part of the program. It writes to stderr, since stdout belongs to results: lines for people when a
 * person is watching, JSON otherwise. LOG_LEVEL (default info) says how much.
 */
export function logger(name: string): Logger {
  root ??= process.stderr.isTTY
    ? loggerTo(pretty({ destination: 2, sync: true, ignore: 'pid,hostname', colorize: process.stderr.hasColors() }))
    : jsonLogger();
  return root.child({ name });
}
