import { EventEmitter } from 'node:events';
import type { Kafka } from 'kafkajs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CLIENT } from '../../../src/kafka/client.js';
import { consume } from '../../../src/kafka/consumer.js';

/** A consumer that joins whenever it is run, and crashes at the test's word. */
function crashing() {
  const emitter = new EventEmitter();
  const counts = { runs: 0 };
  const consumer = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash', REBALANCING: 'rebalancing', FETCH: 'fetch' },
    on: (event: string, listener: (event: object) => void) => emitter.on(event, listener),
    connect: () => Promise.resolve(),
    subscribe: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    run() {
      counts.runs += 1;
      emitter.emit('join', { payload: { memberAssignment: {} } });
      return Promise.resolve();
    },
  };
  const client = { consumer: () => consumer } as unknown as Kafka;
  const crash = (error: Error, restart = false): boolean => emitter.emit('crash', { payload: { error, restart } });
  return { kafka: { [CLIENT]: () => client, logger: pino({ level: 'silent' }) }, counts, crash };
}

const named = (name: string, cause?: Error): Error => Object.assign(new Error(name, { cause }), { name });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a consumer that kafkajs has given up', () => {
  const start = async () => {
    const broker = crashing();
    const fatal: Error[] = [];
    const subscription = await consume(broker.kafka, {
      groupId: 'g',
      topics: ['t'],
      from: 'beginning',
      onBatch: () => Promise.resolve(),
      onFatal: (error) => void fatal.push(error),
    });
    return { ...broker, fatal, subscription };
  };

  it.each([
    ['a connection that nobody gets hold of', named('KafkaJSNonRetriableError', named('KafkaJSLockTimeout'))],
    ['a group without a coordinator', named('KafkaJSGroupCoordinatorNotFound')],
    ['a password that is not accepted', named('KafkaJSSASLAuthenticationError')],
    [
      'a right that was taken away',
      Object.assign(named('KafkaJSProtocolError'), { type: 'GROUP_AUTHORIZATION_FAILED' }),
    ],
  ])('for %s begins anew: it is an outage', async (_what, error) => {
    const { counts, crash, fatal } = await start();
    crash(error);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counts.runs).toBe(2);
    expect(fatal).toEqual([]);
  });

  it('does not begin anew when it has been stopped meanwhile, nor when kafkajs does so itself', async () => {
    const { counts, crash, subscription } = await start();
    crash(named('KafkaJSNumberOfRetriesExceeded'), true);
    crash(named('KafkaJSLockTimeout'));
    await subscription.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counts.runs).toBe(1);
  });

  it('for anything else has ended, and says why', async () => {
    const { counts, crash, fatal } = await start();
    crash(named('KafkaJSOffsetOutOfRange'));
    expect(fatal.map(({ message }) => message)).toEqual(['the consumer of group g has ended: KafkaJSOffsetOutOfRange']);
    expect(counts.runs).toBe(1);
  });
});
