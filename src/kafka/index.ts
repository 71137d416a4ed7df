export { createAdmin, type KafkaAdmin, type PartitionEnds } from './admin.js';
export { BrokerTime } from './broker-time.js';
export { openBrokersClock } from './clock.js';
export { consume, type IncomingRecord, type RecordBatch, type Subscription } from './consumer.js';
export { marker } from './markers.js';
export { openCluster, type Cluster } from './cluster.js';
export type { ReadUpTo } from './records.js';
export { createKafka, type KafkaHandle } from './client.js';
export type {
  ClientCredentials,
  KafkaConnection,
  KafkaPassword,
  KafkaSasl,
  KafkaSecurity,
  KafkaTls,
  KafkaToken,
  TokenCommand,
} from './connection.js';
export { readTopic } from './read-topic.js';
export { batched, SendQueue } from './send-queue.js';
export { createProducer, type EventProducer, type RecordToSend } from './producer.js';
