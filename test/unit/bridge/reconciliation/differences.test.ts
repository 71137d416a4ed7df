import { describe, expect, it } from 'vitest';
import {
  differenceOf,
  entryKey,
  keyOfEntry,
  keyOfNode,
  leftoverOf,
  sameDifference,
  unknownLease,
} from '../../../../src/bridge/reconciliation/differences.js';
import type { CatalogEntry } from '../../../../src/registry/consul/fleet.js';
import type { LastingRow } from '../../../../src/registry/rows/page-lasting.js';
import { shipped } from '../support.js';

const states = () => shipped().compiled.orchestrator.states;

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
    ['is drained, and nobody is to find it', { state: 'DRAINING' }, { ...entry, passing: false }, null],
    ['is drained, and somebody lets it pass', { state: 'DRAINING' }, entry, 'passing_early'],
    ['passes too early', { state: 'PENDING_REGISTRATION' }, entry, 'passing_early'],
    ['is in a state that this contract does not have', { state: 'QUARANTINED' }, null, null],
    ['has an address that Consul never gets', { endpoints: { health: 'nowhere' } }, entry, null],
  ])('%s', (_, changes, shown, kind) => {
    expect(differenceOf({ ...row, ...changes }, shown, states())?.kind ?? null).toBe(kind);
  });

  it('is repaired by its run, which is started where it has none', () => {
    expect(differenceOf(row, null, states())).toMatchObject({ mend: 'repair', node: { node_id: 'abc-123' } });
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
  const one = differenceOf(row, { ...entry, passing: false }, states())!;
  expect(sameDifference(one, { ...one })).toBe(true);
  expect(sameDifference(one, { ...one, entry: { ...entry, attempt: 4 } })).toBe(false);
  expect(sameDifference(one, { ...one, kind: 'other_data' })).toBe(false);
});

describe('a difference says in words what differs', () => {
  it.each([
    [{}, null, 'ACTIVE in the registry (attempt 3), and Consul does not show it'],
    [{}, { ...entry, passing: false }, 'ACTIVE in the registry (attempt 3), and its check in Consul does not pass'],
    [{}, { ...entry, attempt: 2 }, 'ACTIVE in the registry (attempt 3), and Consul shows attempt 2'],
    [
      {},
      { ...entry, service: { ...service, Port: 81 } },
      'ACTIVE in the registry (attempt 3), and Consul shows 10.0.0.1:81, not 10.0.0.1:8080',
    ],
    [{ state: 'AWAITING_ACK' }, entry, 'AWAITING_ACK in the registry (attempt 3), and Consul shows it passing'],
  ])('%#', (changes, shown, what) => {
    const found = differenceOf({ ...row, ...changes }, shown, states());
    expect(found).toMatchObject({ node_id: 'abc-123', what, mend: 'repair', entry: shown });
    expect(found?.node).toEqual({ ...row, ...changes });
  });

  it('also of who is left over', () => {
    expect(leftoverOf(entry, 3, 'dev')).toEqual({
      kind: 'ended',
      node_id: 'abc-123',
      what: 'attempt 3 has ended, and Consul still shows it',
      mend: 'remove',
      node: null,
      entry,
    });
    expect(leftoverOf(entry, null, 'dev')).toEqual({
      kind: 'no_row',
      node_id: 'abc-123',
      what: 'Consul shows its attempt 3, and the registry has no row of it',
      mend: 'ask',
      node: null,
      entry,
    });
  });

  it('and of a lease alone', () => {
    expect(unknownLease('abc-123', entry)).toEqual({
      kind: 'no_row',
      node_id: 'abc-123',
      what: 'it has a lease, and the registry has no row of it',
      mend: 'ask',
      node: null,
      entry,
    });
  });
});

describe('what is left of a node in Consul', () => {
  it('is called by the name of its catalog node where it does not say whose it is', () => {
    expect(leftoverOf({ ...entry, node_id: null }, 3, 'dev')?.node_id).toBe('onex-abc-123');
  });

  it('is somebody’s business where others share it and a service of ours is left, or nobody shares it', () => {
    expect(leftoverOf({ ...entry, shared: true }, 3, 'dev')?.kind).toBe('ended');
    expect(leftoverOf({ ...entry, service: null }, 3, 'dev')?.kind).toBe('ended');
  });

  it('ended with the very attempt of the row, or an earlier one', () => {
    expect(leftoverOf({ ...entry, attempt: 2 }, 3, 'dev')?.kind).toBe('ended');
    expect(leftoverOf({ ...entry, attempt: 3 }, 3, 'dev')?.kind).toBe('ended');
  });
});

it('a node is found by its name, whose case Consul ignores', () => {
  expect(keyOfNode('abc-123')).toBe('onex-abc-123');
  expect(entryKey('ONEX-abc~8')).toBe('onex-abc~8');
  expect(keyOfEntry({ name: 'another', node_id: 'abc-123' })).toBe('onex-abc-123');
  expect(keyOfEntry({ name: 'ANOTHER', node_id: null })).toBe('another');
});

it('a difference of another node is another one', () => {
  const one = unknownLease('a', null);
  expect(sameDifference(one, unknownLease('a', null))).toBe(true);
  expect(sameDifference(one, unknownLease('b', null))).toBe(false);
  expect(sameDifference(one, unknownLease('a', entry))).toBe(false);
});
