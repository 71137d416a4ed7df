import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { unknownNode, withChanges } from '../../../workflows/core/registration.js';
import { filteredState } from '../../../workflows/search-attributes.js';

/** The state by which people filter lists: each change costs the server a transaction. */

const contract = loadContracts().compiled;
const node = unknownNode('abc-123', null, contract);

describe('the state that people filter by', () => {
  it.each([
    ['before the first', { state: null }, 'PENDING_REGISTRATION'],
    ['that lasts only as long as its effects', { state: 'ACK_RECEIVED' }, 'PENDING_REGISTRATION'],
    ['that the contract does not have', { state: 'NOWHERE' }, 'PENDING_REGISTRATION'],
    ['with a lease', { state: 'ACTIVE', round: 1 }, 'ACTIVE'],
    ['in the first ack round', { state: 'AWAITING_ACK', round: 1 }, 'PENDING_REGISTRATION'],
    ['in a later ack round', { state: 'AWAITING_ACK', round: 2 }, 'AWAITING_ACK'],
    ['that may lead on', { state: 'ACK_TIMED_OUT', round: 1 }, 'PENDING_REGISTRATION'],
    ['that is an end', { state: 'ACK_TIMED_OUT', ended: true }, 'ACK_TIMED_OUT'],
  ])('%s', (_, changes, expected) => {
    expect(filteredState(withChanges(node, changes), contract)).toBe(expected);
  });
});
