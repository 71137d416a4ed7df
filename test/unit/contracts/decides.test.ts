import { describe, expect, it } from 'vitest';
import { loadContracts } from '../../../src/contracts/load.js';
import { laidOver } from './contract-files.js';

describe('an edit of YAML alone', () => {
  it('changes a timeout', () => {
    const contracts = laidOver({ orchestrator: 'timers:\n  - timer: "ack"\n    seconds: 5\n' });
    expect(contracts.compiled.timers['ack']).toEqual({
      seconds: 5,
      trigger: 'ack_timeout',
      rounds: 3,
      verify: 'acks_read',
    });
  });

  it('gives the contract another version', () => {
    const contracts = laidOver({ orchestrator: 'timers:\n  - timer: "ack"\n    seconds: 5\n' });
    expect(contracts.compiled.version).not.toBe(loadContracts().compiled.version);
    expect(loadContracts().compiled.version).toBe(loadContracts().compiled.version);
  });

  it('puts a new state between two others', () => {
    const contracts = laidOver({
      orchestrator: `
state_machine:
  states:
    - state_name: "QUARANTINED"
      timer: "quarantine"
  transitions:
    - { from_state: "ACK_RECEIVED", to_state: "QUARANTINED", trigger: "entry_done" }
    - { from_state: "QUARANTINED", to_state: "ACTIVE", trigger: "quarantine_over" }
timers:
  - { timer: "quarantine", seconds: 60, trigger: "quarantine_over" }
`,
    });
    const { states } = contracts.compiled.orchestrator;
    expect(states['ACK_RECEIVED']?.transitions['entry_done']?.to).toBe('QUARANTINED');
    expect(states['QUARANTINED']?.transitions).toMatchObject({
      quarantine_over: { to: 'ACTIVE' },
      shutdown_received: { to: 'DEREGISTERED' },
    });
  });
});
