import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { idsOfLine } from './tracing/log-ids.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * A logger that writes JSON lines to stderr, since stdout belongs to results. LOG_LEVEL (default info) says how much.
 *
 * @throws Error when LOG_LEVEL is not a level
 */
export function jsonLogger(): Logger {
  return loggerTo(pino.destination({ dest: 2, sync: true }), {
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}

/**
 * A logger of the level that LOG_LEVEL says, whose lines have the ids of what is handled, and of the active span.
 *
 * @throws Error when LOG_LEVEL is not a level
 */
export function loggerTo(stream: DestinationStream, options: LoggerOptions = {}): Logger {
  const level = process.env.LOG_LEVEL ?? 'info';
  if (!LEVELS.includes(level)) throw new Error(`LOG_LEVEL=${level} is not a level; use one of ${LEVELS.join(', ')}`);
  return pino({ level, base: null, mixin: idsOfLine, ...options }, stream);
}
