import type { Pool } from 'pg';
import { UpdatePayload } from '../src/protocol/intents.js';
import { updateRegistration } from '../src/registry/rows/update-registration.js';
import type { Activities } from './api.js';
import { askingPostgres } from './failures.js';

/** What has become of a node: its state in the record, and its lease with it, in one transaction. */
export function postgresUpdateRegistration(pool: Pool): Activities['postgres.update_registration'] {
  return (request) =>
    askingPostgres(pool, request, 'update the record of', UpdatePayload, (payload) =>
      updateRegistration(pool, request.attempt, payload),
    );
}
