/** Kafka to Temporal, and Kafka to the lease table. */
export { startBridge } from './bridge.js';
