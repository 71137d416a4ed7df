import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { unknownNode, withChanges, type Registration } from '../../../workflows/core/registration.js';
import { currentDetails, statusLine, timerSummary } from '../../../workflows/details.js';
import { Life, type LifeStep } from '../core/life.js';

/** What people read of a node: in its status, and in Temporal's web UI. */

const contract = loadContracts().compiled;
const nobody = unknownNode('abc-123', null, contract);

const introspect: LifeStep = { do: 'introspect', of: 1, reason: 'startup', epoch: false, data: 0 };
const initiated: LifeStep = { do: 'answer publish', how: 'published' };
const confirmed: LifeStep = { do: 'answer effect', how: 'confirmed' };
const wellGoes: LifeStep = { do: 'all goes well' };
const ack: LifeStep = { do: 'ack', of: 'current', late: false };
const active: readonly LifeStep[] = [introspect, wellGoes, ack, wellGoes];
/** Where these steps lead to. */
function after(...steps: readonly LifeStep[]): Registration {
  const life = new Life(contract);
  for (const one of steps) life.step(one);
  return life.node;
}

describe('the status line', () => {
  it.each<[string, Registration, string]>([
    ['nobody knows', nobody, 'UNKNOWN'],
    ['is on its way into its first state', after(introspect), 'PENDING_REGISTRATION'],
    [
      'waits for both backends',
      after(introspect, initiated),
      'PENDING_REGISTRATION · reducer pending · consul outstanding · postgres outstanding',
    ],
    [
      'waits for one of them',
      after(introspect, initiated, confirmed),
      'PENDING_REGISTRATION · reducer partial · consul confirmed · postgres outstanding',
    ],
    [
      'waits for its ack',
      after(introspect, wellGoes),
      'AWAITING_ACK · ack round 1 of 3, until 2026-01-01T00:00:30.000Z',
    ],
    [
      'waits for its ack, and nobody knows until when',
      withChanges(after(introspect, wellGoes), { rounds: null, ack_deadline: null }),
      'AWAITING_ACK · ack round 1 of 1, until soon',
    ],
    ['is on its way into the next', after(introspect, wellGoes, ack), 'ACK_RECEIVED · on the way to ACTIVE'],
    ['is ACTIVE', after(...active), 'ACTIVE'],
    [
      'is ACTIVE with data that a backend refuses',
      withChanges(after(...active), { refresh_refused: 'consul: forbidden' }),
      'ACTIVE · its newest data are refused: consul: forbidden',
    ],
    [
      'leaves',
      after(...active, { ...introspect, of: 2, reason: 'shutdown' }),
      'DEREGISTERED · cleaning up in the backends · the node left',
    ],
  ])('of a node that %s', (_, node, line) => {
    expect(statusLine(node, contract)).toBe(line);
  });

  it('has the beginning of a long reason', () => {
    const long = 'x'.repeat(300);
    const shown = `${'x'.repeat(199)}…`;
    expect(statusLine(withChanges(nobody, { reason: long, refresh_refused: long }), contract)).toBe(
      `UNKNOWN · ${shown} · its newest data are refused: ${shown}`,
    );
  });
});

describe('the summary of a timer', () => {
  const { ack: ackTimer, liveness } = contract.timers;
  const node = withChanges(nobody, { attempt: 2, round: 1, rounds: 3 });

  it.each([
    ['with rounds', node, ackTimer, 'ack timeout, round 1 of 3, registration attempt 2'],
    ['without', node, liveness, 'lease expired, registration attempt 2'],
    ['before the first', withChanges(node, { rounds: null }), ackTimer, 'ack timeout, registration attempt 2'],
    [
      'that the contract does not have',
      withChanges(node, { rounds: null }),
      undefined,
      'timer, registration attempt 2',
    ],
    ['it does not have, within rounds', node, undefined, 'timer, round 1 of 3, registration attempt 2'],
  ])('%s', (_, registration, timer, summary) => {
    expect(timerSummary(registration, timer)).toBe(summary);
  });
});

describe('the current details', () => {
  const journal = Array.from({ length: 10 }, (_, index) => ({ at: `at ${index}`, what: `thing ${index}` }));

  it('are paragraphs, and a list of the newest eight things', () => {
    const registration = after(...active);
    expect(currentDetails({ registration, contract_version: '1.0.0', journal }, contract)).toBe(
      [
        '**ACTIVE**',
        '',
        'effect node abc-123, version 1.0.0',
        '',
        'registration attempt 1, in this state since 2026-01-01T00:00:00.000Z',
        '',
        'contract 1.0.0',
        '',
        ...[2, 3, 4, 5, 6, 7, 8, 9].map((index) => `- at ${index} thing ${index}`),
      ].join('\n'),
    );
  });

  it('of a node that nobody knows have its id, and the beginning of what is long', () => {
    const long = [{ at: 'now', what: 'x'.repeat(300) }];
    expect(currentDetails({ registration: nobody, contract_version: '1.0.0', journal: long }, contract)).toBe(
      [
        '**UNKNOWN**',
        'node abc-123',
        'registration attempt 0, in this state since just now',
        'contract 1.0.0',
        `- now ${'x'.repeat(199)}…`,
      ].join('\n\n'),
    );
  });
});
