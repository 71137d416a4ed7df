import type { Pool } from 'pg';
import { UpsertPayload } from '../src/protocol/intents.js';
import { upsertRegistration } from '../src/registry/rows/upsert-registration.js';
import type { Activities } from './api.js';
import { callPostgres } from './failures.js';

/** Specification, Phase 3: HandlerPostgresUpsert. */
export function postgresUpsertRegistration(pool: Pool): Activities['postgres.upsert_registration'] {
  return (request) =>
    callPostgres(
      pool,
      request,
      (node) => `write the registry row of ${node}`,
      UpsertPayload,
      (sql, payload) => upsertRegistration(sql, request.attempt, payload),
    );
}
