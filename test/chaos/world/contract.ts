import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../checker/snapshot.js';

/** Everything as shipped, and in seconds instead of minutes. */
export const SETTINGS: Settings = {
  ack_seconds: 8,
  ack_rounds: 3,
  first_deadline_seconds: 12,
  window_seconds: 10,
  grace_seconds: 4,
  found_within_seconds: 20,
};

const { ack_seconds, ack_rounds, first_deadline_seconds, window_seconds, grace_seconds } = SETTINGS;

const ORCHESTRATOR = `
liveness:
  first_deadline_seconds: ${first_deadline_seconds}
  window_seconds: ${window_seconds}
  grace_seconds: ${grace_seconds}
  # A stream counts as stalled after one interval: shorter than this, a busy machine stalls it, and nobody expires.
  heartbeat_interval_seconds: 3
timers: [{ timer: 'ack', seconds: ${ack_seconds}, rounds: ${ack_rounds} }]
sweep: { interval_seconds: 1 }
`;

/** Writes the contracts of a run into a directory, and answers it. */
export function writeContracts(directory: string): string {
  mkdirSync(join(directory, 'node_registration_orchestrator'), { recursive: true });
  writeFileSync(join(directory, 'node_registration_orchestrator', 'contract.yaml'), ORCHESTRATOR);
  return directory;
}
