export { createAdmin, type KafkaAdmin, type PartitionEnds } from './admin.js';
export { consume, type ConsumeOptions, type IncomingRecord, type RecordBatch, type Subscription } from './consumer.js';
export { openCluster, type Cluster, type GroupMember, type NewTopics } from './cluster.js';
export { createKafka, type KafkaHandle, type KafkaOptions } from './kafka.js';
export { batched, SendQueue } from './send-queue.js';
export { createProducer, type EventProducer, type RecordToSend } from './producer.js';
