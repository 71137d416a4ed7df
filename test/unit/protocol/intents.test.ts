import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/protocol/explain.js';
import { INTENTS } from '../../../src/protocol/intents.js';

/** Intents as backends get them: what stands between a contract's template and a write. */

const identity = {
  node_id: 'abc-123',
  node_type: 'effect',
  node_version: '1.2.3',
  endpoints: { api: 'http://10.0.0.1' },
  correlation_id: 'c-1',
};
const service = { ...identity, service_id: 'onex-effect-abc-123', service_name: 'onex-effect', tags: ['a'] };
const row = {
  ...identity,
  capabilities: ['storage'],
  epoch: null,
  introspected_at: '2026-01-31T12:00:00+01:00',
  contract_version: '1.0.0',
  state: 'ACTIVE',
  reducer_status: 'complete',
};
const update = {
  ...row,
  reason: null,
  lease: 'open',
  ack_deadline: '2026-01-31T12:00:00+01:00',
  liveness_deadline: '2026-01-31T12:00:00+01:00',
  window_seconds: 90,
  ended: false,
};
const SAMPLES: Readonly<Record<keyof typeof INTENTS, Record<string, unknown>>> = {
  'consul.register': service,
  'consul.pass': service,
  'consul.deregister': service,
  'postgres.upsert_registration': row,
  'postgres.update_registration': update,
};
const KINDS = Object.keys(INTENTS) as (keyof typeof INTENTS)[];
/** What is wrong with a payload; null where nothing is. */
function wrong(kind: keyof typeof INTENTS, payload: unknown): string | null {
  const result = INTENTS[kind].payload.safeParse(payload);
  return result.success ? null : explain(result.error, payload);
}

describe.each(KINDS)('%s', (kind) => {
  const sample = SAMPLES[kind];

  it('has all that its backend needs', () => {
    expect(wrong(kind, sample)).toBeNull();
  });

  it.each(Object.keys(sample))('is not served without %s', (field) => {
    const { [field]: _, ...rest } = sample;
    expect(wrong(kind, rest)).toMatch(new RegExp(`^${field}: expected .*, got nothing$`));
  });

  it.each(Object.keys(sample).filter((field) => typeof sample[field] === 'string'))(
    'is not served with an empty %s',
    (field) => {
      expect(wrong(kind, { ...sample, [field]: '' })).toMatch(new RegExp(`^${field}: expected`));
    },
  );
});

describe('a target', () => {
  it('is the resource that the payload is about', () => {
    for (const kind of ['consul.register', 'consul.pass', 'consul.deregister'] as const)
      expect(INTENTS[kind].targetOf(service)).toBe('consul://service/onex-effect-abc-123');
    for (const kind of ['postgres.upsert_registration', 'postgres.update_registration'] as const)
      expect(INTENTS[kind].targetOf(row)).toBe('postgres://node_registrations/abc-123');
  });
});

describe('an update of a row', () => {
  const updated = (changes: Record<string, unknown>): string | null =>
    wrong('postgres.update_registration', { ...update, ...changes });

  it('opens a lease, closes it, or leaves it', () => {
    expect(updated({ lease: 'close', ended: true, liveness_deadline: null })).toBeNull();
    expect(updated({ lease: null, ended: true, ack_deadline: null })).toBeNull();
    expect(updated({ lease: 'renew' })).toContain('lease: expected one of open, close');
  });

  it('has a first deadline that may be long, is never in the past, and is none where nothing is said', () => {
    const { payload } = INTENTS['postgres.update_registration'];
    expect(payload.parse(update)).toMatchObject({ first_deadline_seconds: 0 });
    expect(payload.parse({ ...update, first_deadline_seconds: 90 })).toMatchObject({ first_deadline_seconds: 90 });
    expect(updated({ first_deadline_seconds: -1 })).toBe('first_deadline_seconds: expected at least 0, got -1');
  });

  it('opens no lease without its deadline, and none at an end', () => {
    expect(updated({ liveness_deadline: null })).toBe(
      'liveness_deadline: expected opening a lease needs a liveness_deadline, got null',
    );
    expect(updated({ ended: true })).toBe('lease: expected a lease cannot be opened by an end, got "open"');
  });
});
