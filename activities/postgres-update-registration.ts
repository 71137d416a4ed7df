import type { Pool } from 'pg';
import { UpdatePayload } from '../src/protocol/intents.js';
import { updateRegistration } from '../src/registry/rows/update-registration.js';
import type { Activities } from './api.js';
import { callPostgres } from './failures.js';

/** The state of a node in its registry row, and its lease with it, in one transaction. */
export function postgresUpdateRegistration(pool: Pool): Activities['postgres.update_registration'] {
  return (request) =>
    callPostgres(
      pool,
      request,
      (node) => `update the registry row of ${node}`,
      UpdatePayload,
      (sql, payload) => updateRegistration(sql, request, payload),
    );
}
