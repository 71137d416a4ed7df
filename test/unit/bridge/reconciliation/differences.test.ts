import { describe, expect, it } from 'vitest';
import { differenceOf, leftoverOf, sameDifference } from '../../../../src/bridge/reconciliation/differences.js';
import type { CatalogEntry } from '../../../../src/registry/consul/fleet.js';
import type { LastingRow } from '../../../../src/registry/rows/page-lasting.js';
import { shipped } from '../support.js';

const { states } = shipped().compiled.orchestrator;

const row: LastingRow = {
  node_id: 'abc-123',
  node_type: 'effect',
  node_version: '1.2.3',
  state: 'ACTIVE',
  attempt: 3,
  endpoints: { health: 'http://10.0.0.1:8080/health' },
};
const service = { ID: 'onex-effect-abc-123', Service: 'onex-effect', Address: '10.0.0.1', Port: 8080, ModifyIndex: 7 };
const entry: CatalogEntry = {
  name: 'onex-abc-123',
  node_id: 'abc-123',
  environment: 'dev',
  attempt: 3,
  service,
  passing: true,
  shared: false,
  ModifyIndex: 7,
};

describe('a node whose attempt lasts', () => {
  it.each([
    ['is as it should be', {}, entry, null],
    ['is not in Consul at all', {}, null, 'not_in_consul'],
    ['has lost its service', {}, { ...entry, service: null }, 'not_in_consul'],
    ['does not pass', {}, { ...entry, passing: false }, 'not_passing'],
    ['is shown as an earlier attempt', {}, { ...entry, attempt: 2 }, 'other_data'],
    ['is shown at another address', {}, { ...entry, service: { ...service, Port: 81 } }, 'other_data'],
    ['is registered, and nobody may find it', { state: 'AWAITING_ACK' }, { ...entry, passing: false }, null],
    ['is not in Consul, and need not be', { state: 'PENDING_REGISTRATION' }, null, null],
    ['passes too early', { state: 'PENDING_REGISTRATION' }, entry, 'passing_early'],
    ['is in a state that this contract does not have', { state: 'QUARANTINED' }, null, null],
    ['has an address that Consul never gets', { endpoints: { health: 'nowhere' } }, entry, null],
  ])('%s', (_, changes, shown, kind) => {
    expect(differenceOf({ ...row, ...changes }, shown, states)?.kind ?? null).toBe(kind);
  });

  it('is repaired by its run, which is started where it has none', () => {
    expect(differenceOf(row, null, states)).toMatchObject({ mend: 'repair', node: { node_id: 'abc-123' } });
  });
});

describe('what Consul shows of a node without an attempt that lasts', () => {
  it.each([
    ['its attempt has ended: it is removed', {}, 3, 'ended', 'remove'],
    ['an older version wrote it, and its attempt has ended: likewise', { environment: null }, 3, 'ended', 'remove'],
    ['a later attempt than the row has: its run is asked', { attempt: 4 }, 3, 'no_row', 'ask'],
    ['nobody knows it: its run is asked, and it is removed where there is none', {}, null, 'no_row', 'ask'],
  ])('%s', (_, changes, ended, kind, mend) => {
    expect(leftoverOf({ ...entry, ...changes }, ended, 'dev')).toMatchObject({ kind, mend });
  });

  it.each([
    ['another environment wrote it', { environment: 'prod' }, null],
    ['another environment wrote it, and an attempt of that id has ended here', { environment: 'prod' }, 3],
    ['nobody says who wrote it, and the registry does not know it', { environment: null }, null],
    ['only what others have registered is left on it', { service: null, shared: true }, null],
  ])('is left alone: %s', (_, changes, ended) => {
    expect(leftoverOf({ ...entry, ...changes }, ended, 'dev')).toBeNull();
  });
});

it('a difference is the same in two looks only if the attempt in Consul is', () => {
  const one = differenceOf(row, { ...entry, passing: false }, states)!;
  expect(sameDifference(one, { ...one })).toBe(true);
  expect(sameDifference(one, { ...one, entry: { ...entry, attempt: 4 } })).toBe(false);
  expect(sameDifference(one, { ...one, kind: 'other_data' })).toBe(false);
});
