import { z } from 'zod';
import { correlationId, nodeId, nodeType, nodeVersion, timestamp } from '../fields.js';

const measure = z.number().min(0).nullish();

/** What a node says about itself while it lives; only who it is moves a lease. */
export const heartbeatSchema = z.object({
  node_id: nodeId,
  node_type: nodeType,
  node_version: nodeVersion,
  uptime_seconds: measure,
  active_operations_count: z.int().min(0).nullish(),
  memory_usage_mb: measure,
  cpu_usage_percent: z.number().min(0).max(100).nullish(),
  correlation_id: correlationId.nullish(),
  timestamp: timestamp.nullish(),
});
