import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { applyAnswer } from '../../../workflows/core/answer.js';
import { laidOver } from '../contracts/contract-files.js';
import { BEGINNING, Life, type LifeStep } from './life.js';

/** What people read of a life: each thing that happened to it, in words and in order. */

const shipped = loadContracts().compiled;
const strict = laidOver({
  orchestrator: 'admission:\n  - { require: "node_version at_least 2.0.0", reason: "{node_version} is too old" }\n',
}).compiled;

const startup: LifeStep = { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 };
const allGoesWell: LifeStep = { do: 'all goes well' };
const ack: LifeStep = { do: 'ack', of: 'current', late: false };
const active: readonly LifeStep[] = [startup, allGoesWell, ack, allGoesWell];

/** The life after these steps. */
function lived(steps: readonly LifeStep[], contract = shipped): Life {
  const life = new Life(contract);
  for (const step of steps) life.step(step);
  return life;
}
/** What the journal has besides what came before. */
function after(before: readonly LifeStep[], steps: readonly LifeStep[], contract = shipped): readonly string[] {
  return lived([...before, ...steps], contract).journal.slice(lived(before, contract).journal.length);
}

describe('the journal', () => {
  it('has the way from the first introspection to ACTIVE', () => {
    expect(lived(active).journal).toEqual([
      'registration attempt 1 begins: introspection (startup) of 2026-01-01T00:00:00.000Z',
      'published NodeRegistrationInitiated',
      'unknown -> PENDING_REGISTRATION',
      'consul.registered',
      'postgres.registration_upserted',
      'PENDING_REGISTRATION -> ACCEPTED',
      'published NodeRegistrationAccepted',
      'ACCEPTED -> AWAITING_ACK',
      'AWAITING_ACK -> ACK_RECEIVED',
      'consul.passed',
      'postgres.registration_updated',
      'published NodeRegistrationAckReceived, NodeBecameActive',
      'ACK_RECEIVED -> ACTIVE',
    ]);
  });

  it('has why a node left, or was given up', () => {
    const cleanedUp = ['consul.deregistered', 'postgres.registration_updated'];
    expect(after(active, [{ ...startup, of: 2, reason: 'shutdown' }, allGoesWell])).toEqual([
      'ACTIVE -> DEREGISTERED: the node left',
      'consul.deregistered',
      'published NodeDeregistered',
      'postgres.registration_updated',
    ]);
    const silent = { fires: true, last_heartbeat_at: BEGINNING } as const;
    expect(after(active, [{ do: 'time passes', seconds: 11_000, finding: silent }, allGoesWell])).toEqual([
      'timer: lease_expired',
      'published NodeLivenessExpired',
      'ACTIVE -> LIVENESS_EXPIRED: no heartbeat within 90 s (last one: 2026-01-01T00:00:00.000Z)',
      ...cleanedUp,
    ]);
  });

  it('has the admission rule that a node fails, and so has the attempt of a retry', () => {
    expect(lived([startup, allGoesWell], strict).journal).toEqual([
      'registration attempt 1 begins: introspection (startup) of 2026-01-01T00:00:00.000Z, refused: 1.0.0 is too old',
      'published NodeRegistrationInitiated',
      'unknown -> PENDING_REGISTRATION: 1.0.0 is too old',
      'published NodeRegistrationRejected',
      'PENDING_REGISTRATION -> REJECTED: 1.0.0 is too old',
      'consul.deregistered',
      'postgres.registration_updated',
    ]);
    expect(after([startup, allGoesWell], [{ do: 'retry' }], strict)).toEqual([
      'reset: failed -> idle',
      'registration attempt 2 begins: introspection (startup) of 2026-01-01T00:00:00.000Z, refused: 1.0.0 is too old',
    ]);
  });

  it('has what a backend has refused for good, and which attempt it holds', () => {
    const asked: readonly LifeStep[] = [startup, { do: 'answer publish', how: 'published' }];
    expect(after(asked, [{ do: 'answer effect', how: 'refused' }, allGoesWell])).toEqual([
      'refused for good by forbidden',
      'published NodeRegistrationRejected',
      'PENDING_REGISTRATION -> REJECTED: forbidden',
      'postgres.registration_upserted',
      'consul.deregistered',
      'postgres.registration_updated',
    ]);
    expect(after(asked, [{ do: 'answer effect', how: 'fenced' }])).toEqual([
      'a backend holds registration attempt 3, this is registration attempt 1',
      'reset: pending -> idle',
      'registration attempt 4 begins: introspection (startup) of 2026-01-01T00:00:00.000Z',
    ]);
    const refresh: LifeStep = { ...startup, of: 2, reason: 'health_change', data: 1 };
    expect(after(active, [refresh, { do: 'answer effect', how: 'refused' }, allGoesWell])).toEqual([
      'refused for good by forbidden',
      'postgres.registration_refreshed',
    ]);
    expect(lived([...active, refresh, { do: 'answer effect', how: 'refused' }]).node).toMatchObject({
      state: 'ACTIVE',
      refresh_refused: 'forbidden',
    });
  });

  it('has what could not be published, and the life goes on', () => {
    expect(after([startup], [{ do: 'answer publish', how: 'dead letter' }])).toEqual([
      'published NodeRegistrationInitiated',
      'dead letter NodeRegistrationInitiated: too long',
      'unknown -> PENDING_REGISTRATION',
    ]);
    expect(after([startup], [{ do: 'answer publish', how: 'not published' }])).toEqual([
      'gave up publishing NodeRegistrationInitiated: no broker',
      'unknown -> PENDING_REGISTRATION',
    ]);
  });

  it('has what was ignored, and why', () => {
    expect(after(active, [{ ...startup, data: 1 }])).toEqual([
      'ignored a duplicate introspection (reason startup) in state ACTIVE',
    ]);
    expect(
      after(
        [startup, allGoesWell],
        [
          { ...startup, of: 2 },
          { ...ack, of: 1 },
        ],
      ),
    ).toEqual([
      'reset: complete -> idle',
      'registration attempt 2 begins: introspection (startup) of 2026-01-01T00:00:00.000Z',
    ]);
    const { node, now } = lived([startup, { do: 'answer publish', how: 'published' }]);
    const foreign = { event_type: 'consul.registered', correlation_id: 'c-0' };
    const turn = applyAnswer(node, { kind: 'confirmed', purpose: 'registration', event: foreign }, now, shipped);
    expect(turn.notes).toEqual(['ignored consul.registered of c-0']);
    expect(turn.registration).toBe(node);
  });
});

describe('a deadline that passes', () => {
  it('without an acknowledgement names it, and the round', () => {
    const late: LifeStep = { do: 'time passes', seconds: 31, finding: { fires: true } };
    const { node, journal } = lived([startup, allGoesWell, late]);
    expect(journal.at(-1)).toBe('timer: ack_timeout');
    expect(node).toMatchObject({
      reason: 'no acknowledgement by 2026-01-01T00:00:30.000Z (round 1 of 3)',
      previous_state: 'AWAITING_ACK',
      entering: { state: 'ACK_TIMED_OUT', steps: [{ kind: 'publish', actions: ['emit_ack_timed_out'] }] },
      timer_due: null,
      round: 1,
    });
    expect(lived([startup, allGoesWell, late, allGoesWell]).node).toMatchObject({
      state: 'AWAITING_ACK',
      round: 2,
      ack_deadline: '2026-01-01T00:01:01.000Z',
      timer_due: '2026-01-01T00:01:01.000Z',
    });
  });
});
