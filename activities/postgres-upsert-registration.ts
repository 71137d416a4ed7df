import type { Pool } from 'pg';
import { UpsertPayload } from '../src/protocol/intents.js';
import { upsertRegistration } from '../src/registry/rows/upsert-registration.js';
import type { Activities } from './api.js';
import { askingPostgres } from './failures.js';

/** Specification, Phase 3: HandlerPostgresUpsert. */
export function postgresUpsertRegistration(pool: Pool): Activities['postgres.upsert_registration'] {
  return (request) =>
    askingPostgres(pool, request, 'record', UpsertPayload, (payload) =>
      upsertRegistration(pool, request.attempt, payload),
    );
}
