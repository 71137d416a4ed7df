import { EventEmitter, once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ConsumerRunConfig, EachBatchPayload, Kafka } from 'kafkajs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { consume, type ConsumeOptions } from '../../../src/kafka/consumer.js';
import { CLIENT } from '../../../src/kafka/client.js';

/** kafkajs that joins at once and is handed its batches by the test. */
async function consumer(options: Partial<ConsumeOptions>) {
  const emitter = new EventEmitter();
  let eachBatch: ConsumerRunConfig['eachBatch'];
  let last: Promise<void> = Promise.resolve();
  const client = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash', REBALANCING: 'rebalancing' },
    on: (event: string, listener: (event: object) => void) => emitter.on(event, listener),
    connect: () => Promise.resolve(),
    subscribe: () => Promise.resolve(),
    // A stop is as slow as the batch that is worked on.
    disconnect: () => last,
    run(config: ConsumerRunConfig) {
      ({ eachBatch } = config);
      emitter.emit('join', { payload: { memberAssignment: {} } });
      return Promise.resolve();
    },
  };
  const kafka = { [CLIENT]: () => ({ consumer: () => client }) as unknown as Kafka, logger: pino({ level: 'silent' }) };
  const subscription = await consume(kafka, {
    groupId: 'g',
    topics: ['t'],
    from: 'beginning',
    onBatch: () => Promise.resolve(),
    ...options,
  });
  const deliver = (): Promise<void> => (last = eachBatch?.(payload) ?? last);
  return { subscription, deliver };
}

const payload = {
  batch: { topic: 't', partition: 0, messages: [{ offset: '0', timestamp: '0', key: null, value: null }] },
  isRunning: () => true,
  isStale: () => false,
  heartbeat: () => Promise.resolve(),
  resolveOffset: () => undefined,
  uncommittedOffsets: () => ({ topics: [] }),
  commitOffsetsIfNecessary: () => Promise.resolve(),
} as unknown as EachBatchPayload;

/** Bytes on the heap after what can be freed is freed. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

describe('a batch', () => {
  it('leaves nothing behind: memory is the same after a hundred thousand of them', async () => {
    const { subscription, deliver } = await consumer({});
    for (let count = 0; count < 10_000; count += 1) await deliver();
    const before = heap();
    for (let count = 0; count < 100_000; count += 1) await deliver();
    expect(heap() - before).toBeLessThan(1_000_000);
    await subscription.stop();
  });

  it('whose handler throws is delivered again, whatever was thrown: kafkajs ends with a TypeError', async () => {
    const { deliver } = await consumer({ onBatch: () => Promise.reject(new TypeError('x is not a function')) });
    await expect(deliver()).rejects.toMatchObject({ name: 'Error', message: 'x is not a function' });
  });

  it('is aborted when a stop has waited long enough, and one that begins then is aborted at once', async () => {
    const aborted: unknown[] = [];
    const { subscription, deliver } = await consumer({
      stopGraceMs: 0,
      async onBatch({ signal }) {
        if (!signal.aborted) await once(signal, 'abort');
        aborted.push(signal.reason);
        throw signal.reason;
      },
    });
    void deliver();
    await subscription.stop();
    await deliver();
    expect(aborted).toEqual([new Error('the consumer is being stopped'), new Error('the consumer is being stopped')]);
  });
});
