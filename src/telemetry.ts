import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { activeIds } from './tracing/span.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

let root: Logger | undefined;

/**
 * A logger for one part of the program. It writes to stderr, since stdout belongs to results: lines for people when a
 * person is watching, JSON otherwise. LOG_LEVEL (default info) says how much.
 */
export function logger(name: string): Logger {
  root ??= createRoot();
  return root.child({ name });
}

function createRoot(): Logger {
  const level = process.env.LOG_LEVEL ?? 'info';
  if (!LEVELS.includes(level)) throw new Error(`LOG_LEVEL=${level} is not a level; use one of ${LEVELS.join(', ')}`);
  const options = { level, base: null, mixin: activeIds };
  if (process.stderr.isTTY) return pino(options, pretty({ destination: 2, sync: true, ignore: 'pid,hostname' }));
  return pino(
    { ...options, formatters: { level: (label) => ({ level: label }) }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}
