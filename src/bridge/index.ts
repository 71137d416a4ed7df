/** Kafka to Temporal, and Kafka to the lease table. */
export { startBridge, type Bridge, type BridgeOptions } from './bridge.js';
export type { BridgeCounters } from './counters.js';
export { bridgeTopics, groupId, type BridgeTopics, type Names, type StreamKind } from './bridge-topics.js';
