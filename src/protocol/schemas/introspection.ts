import { z } from 'zod';
import { correlationId, nodeId, nodeType, nodeVersion, reason, timestamp } from '../fields.js';

/** Specification, Phase 1, and the introspection that existing nodes send; endpoints and capabilities have schemas of their own. */
export const introspectionSchema = z.object({
  node_id: nodeId,
  node_type: nodeType,
  node_version: nodeVersion,
  reason,
  correlation_id: correlationId.nullish(),
  epoch: z.int().min(0).nullish(),
  timestamp: timestamp.nullish(),
});
