import { Kafka, logLevel, type LogEntry } from 'kafkajs';
import type { Logger } from 'pino';
import { OnceAMinute } from '../once-a-minute.js';
import { saslOptions } from './access/sasl.js';
import { sockets, tlsOptions, withoutColons } from './access/sockets.js';
import type { KafkaConnection, KafkaSecurity } from './connection.js';
import { decodeFetchedRecords } from './decoding/install.js';
import { followElections } from './elections.js';
import { letIdleConnectionsRest } from './idle-connections.js';

/**
 * The one small port around kafkajs, which is unmaintained: nothing outside of
 * this folder imports it, so that it can be replaced here.
 */

letIdleConnectionsRest();
followElections();
decodeFetchedRecords();

export interface KafkaOptions extends KafkaConnection {
  /** How the broker names this process in its logs and metrics. */
  readonly clientId: string;
  readonly logger: Logger;
}

/** Where this folder finds kafkajs in a handle. */
export const CLIENT = Symbol('kafkajs');

/** Opaque outside of this folder: give it to `createProducer`, `consume`, `createAdmin` and `openCluster`. */
export interface KafkaHandle {
  /**
   * With a request timeout in milliseconds: a client that gives up soon, after two short tries at each step. Without: a
   * patient one.
   */
  readonly [CLIENT]: (requestTimeout?: number) => Kafka;
  readonly logger: Logger;
  readonly who?: Who;
}

/** How this client connects, for messages: without its secrets. */
export interface Who {
  /** Kafka's name for it: "SASL_SSL". */
  readonly protocol: string;
  readonly mechanism?: string;
  readonly username?: string;
}

/** A consumer whose tries are used up begins anew by itself, after the last pause: hence no long ones. */
const PATIENT = { retries: 5, initialRetryTime: 300, maxRetryTime: 3_000 } as const;

/** A producer's or admin's own `retry` does not reach the connections below it: this one does. */
const IMPATIENT = { retries: 1, initialRetryTime: 100, maxRetryTime: 300 } as const;

/**
 * Connects to nothing yet: each producer, consumer and admin has connections of its own.
 *
 * @throws Error when a key or certificate cannot be used
 */
export function createKafka({ brokers, security = {}, clientId, logger }: KafkaOptions): KafkaHandle {
  const log = warningsOf(logger);
  const access = {
    ...(security.tls !== undefined && { ssl: tlsOptions(security.tls) }),
    ...(security.sasl !== undefined && { sasl: saslOptions(security.sasl) }),
  };
  const client = (requestTimeout?: number): Kafka =>
    new Kafka({
      brokers: brokers.map(withoutColons),
      ...access,
      socketFactory: sockets,
      clientId,
      requestTimeout: requestTimeout ?? 30_000,
      connectionTimeout: Math.min(3_000, requestTimeout ?? 30_000),
      retry: requestTimeout === undefined ? PATIENT : IMPATIENT,
      logLevel: logLevel.WARN,
      logCreator: () => log,
    });
  return { [CLIENT]: client, logger, who: whoOf(security) };
}

function whoOf({ tls, sasl }: KafkaSecurity): Who {
  const words = [...(sasl === undefined ? [] : ['SASL']), tls !== undefined ? 'SSL' : 'PLAINTEXT'];
  return {
    protocol: words.join('_'),
    ...(sasl !== undefined && { mechanism: sasl.mechanism }),
    ...(sasl !== undefined && 'username' in sasl && { username: sasl.username }),
  };
}

/**
 * kafkajs logs every single try of an outage as an error. People get each
 * message once a minute as a warning; the rest is there at level debug.
 */
function warningsOf(logger: Logger): (entry: LogEntry) => void {
  const minute = new OnceAMinute();
  return ({ namespace, log }) => {
    const { message, ...details } = log;
    const text = `${namespace}: ${message}`;
    const level = minute.isDue(text) ? 'warn' : 'debug';
    logger[level]({ ...details, timestamp: undefined, logger: undefined, stack: undefined }, text);
  };
}
