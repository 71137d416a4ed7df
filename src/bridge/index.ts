/** Kafka to Temporal, and Kafka to the lease table. */
export { startBridge, type Bridge } from './bridge.js';
