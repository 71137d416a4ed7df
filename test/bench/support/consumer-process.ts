/**
 * A kafkajs consumer that does nothing, in a process of its own: reads a topic from its beginning and sends how fast it
 * was.
 */
import { loadConfig } from '../../../src/config/index.js';
import { CLIENT, createKafka } from '../../../src/kafka/client.js';
import { logger } from '../../../src/telemetry.js';

const [topic = '', total = ''] = process.argv.slice(2);
const consumer = createKafka({
  brokers: loadConfig().kafka.brokers,
  clientId: 'bare-consumer',
  logger: logger('kafka'),
})
  [CLIENT]()
  .consumer({ groupId: `bare-${process.pid}` });
process.once('disconnect', () => process.exit(1));
let read = 0;
let first: { readonly at: number; readonly read: number } | undefined;
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: ({ batch }) => {
    read += batch.messages.length;
    // Timed from the end of the first batch on: joining the group is no part of it.
    first ??= { at: performance.now(), read };
    if (read === Number(total))
      process.send?.({ perSecond: ((read - first.read) * 1000) / (performance.now() - first.at) });
    return Promise.resolve();
  },
});
process.once('SIGTERM', () => void consumer.disconnect().then(() => process.exit(0)));
