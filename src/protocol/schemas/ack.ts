import { z } from 'zod';
import { correlationId, nodeId, timestamp } from '../fields.js';

/** Specification, Phase 4. */
export const ackSchema = z.object({
  command_id: z.string().max(128).nullish(),
  node_id: nodeId,
  correlation_id: correlationId.nullish(),
  timestamp: timestamp.nullish(),
});
