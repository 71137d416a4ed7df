import type { Written } from '../src/registry/rows/written.js';
import type { EffectRequest, EffectResult } from './api.js';

/** The answer of an effect: its confirmation event (specification, Phase 3), or who holds the row or the catalog. */
export function effectResult({ node_id, confirmation, intent }: EffectRequest, written: Written): EffectResult {
  if (!written.done) return written;
  const { correlation_id, service_id } = intent.payload;
  const whom = typeof service_id === 'string' ? { service_id } : { node_id };
  return { done: true, event: { event_type: confirmation, correlation_id: String(correlation_id), ...whom } };
}
