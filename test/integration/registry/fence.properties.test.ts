import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EffectRequest } from '../../../activities/api.js';
import { postgresUpdateRegistration } from '../../../activities/postgres-update-registration.js';
import { postgresUpsertRegistration } from '../../../activities/postgres-upsert-registration.js';
import { readRegistryRow } from '../../../src/registry/rows/read-registry-row.js';
import { assertProperty } from '../../run/properties.js';
import { openDatabase } from './database.js';
import { active, done, ended, leaseOf, run, update, upsert } from './requests.js';

let pool: Pool;
let drop: () => Promise<void>;
beforeAll(async () => ({ pool, drop } = await openDatabase('fence')));
afterAll(() => drop());

/** The registry row and the lease of one node, as they should be; attempt 0: there is no row. */
interface Model {
  readonly attempt: number;
  readonly state: string;
  readonly node_version: string;
  readonly hasEnded: boolean;
  readonly lease: { readonly attempt: number; readonly deadline: number } | null;
}

const NO_ROW = { attempt: 0, state: '', node_version: '', hasEnded: false };

type Write =
  | { readonly kind: 'upsert'; readonly attempt: number; readonly version: number }
  | { readonly kind: 'open'; readonly attempt: number; readonly deadline: number }
  | { readonly kind: 'note'; readonly attempt: number }
  | { readonly kind: 'end'; readonly attempt: number; readonly state: string }
  /** The row is lost, as by an older copy of the database; its lease stays. */
  | { readonly kind: 'lose row' };

// Still to come: no lease opens in the past.
const T0 = Date.parse('2100-01-31T12:00:00.000Z');
const time = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();

function requestOf(id: string, write: Exclude<Write, { kind: 'lose row' }>): EffectRequest {
  const { attempt } = write;
  switch (write.kind) {
    case 'upsert':
      return upsert(id, attempt, { node_version: `1.0.${write.version}` });
    case 'open':
      return active(id, attempt, time(write.deadline));
    case 'note':
      return update(id, attempt, { state: 'NOTED' });
    case 'end':
      return ended(id, attempt, write.state);
  }
}

interface Applied {
  readonly model: Model;
  /** null: the write is applied. */
  readonly fenced_by: number | null;
}

/** What a write makes of the model, and what it is answered. */
function applied(held: Model, write: Exclude<Write, { kind: 'lose row' }>): Applied {
  const { attempt } = write;
  if (held.attempt > attempt) return { model: held, fenced_by: held.attempt };
  const isNewer = attempt > held.attempt;
  if (!isNewer && held.hasEnded) {
    const isThatEnd = write.kind === 'end' && write.state === held.state;
    return { model: held, fenced_by: isThatEnd ? null : attempt };
  }
  const version = write.kind === 'upsert' ? `1.0.${write.version}` : '1.2.3';
  const state = { upsert: isNewer ? 'PENDING_REGISTRATION' : held.state, open: 'ACTIVE', note: 'NOTED', end: '' };
  const next: Model = {
    attempt,
    state: write.kind === 'end' ? write.state : state[write.kind],
    node_version: version,
    hasEnded: write.kind === 'end',
    lease: held.lease,
  };
  const leaseAttempt = held.lease?.attempt ?? 0;
  if (write.kind === 'open') {
    if (leaseAttempt > attempt) return { model: next, fenced_by: leaseAttempt };
    const before = leaseAttempt === attempt ? held.lease?.deadline : undefined;
    return { model: { ...next, lease: { attempt, deadline: before ?? write.deadline } }, fenced_by: null };
  }
  return { model: write.kind === 'end' && leaseAttempt <= attempt ? { ...next, lease: null } : next, fenced_by: null };
}

const attempt = fc.integer({ min: 1, max: 3 });
const writes: fc.Arbitrary<Write> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('upsert' as const), attempt, version: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('open' as const), attempt, deadline: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('note' as const), attempt }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      attempt,
      state: fc.constantFrom('DEREGISTERED', 'LIVENESS_EXPIRED'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'lose row' as const }) },
);

it('writes of several attempts in any order, each also repeated, leave row and lease as one attempt after another would', async () => {
  const effects = { put: postgresUpsertRegistration(pool), set: postgresUpdateRegistration(pool) };
  const property = fc.asyncProperty(fc.array(writes, { minLength: 1, maxLength: 12 }), async (sequence) => {
    const id = randomUUID();
    let model: Model = { ...NO_ROW, lease: null };
    for (const write of sequence) {
      if (write.kind === 'lose row') {
        await pool.query('delete from node_registrations where node_id = $1', [id]);
        model = { ...NO_ROW, lease: model.lease };
        continue;
      }
      const request = requestOf(id, write);
      const effect = write.kind === 'upsert' ? effects.put : effects.set;
      // An activity whose answer was lost is repeated.
      for (let time = 0; time < 2; time++) {
        const { fenced_by, ...after } = applied(model, write);
        expect(await run(effect, request)).toEqual(fenced_by === null ? done(request) : { done: false, fenced_by });
        model = after.model;
      }
      const row = await readRegistryRow(pool, id);
      expect(row).toMatchObject({ attempt: model.attempt, state: model.state, node_version: model.node_version });
      expect(row?.ended_at !== null).toBe(model.hasEnded);
      const lease = (await leaseOf(pool, id)) ?? null;
      expect(lease && { attempt: lease.attempt, deadline: Date.parse(lease.deadline) }).toEqual(
        model.lease ? { attempt: model.lease.attempt, deadline: T0 + model.lease.deadline * 60_000 } : null,
      );
    }
  });
  await assertProperty(property, { numRuns: 40 });
});
