import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ContractError, loadContracts } from '../../../src/contracts/load.js';
import { contractDirectory, type Part } from './contract-files.js';

const SNIPPETS = join(import.meta.dirname, '../../fixtures/specification');
const partOf = (file: string): Part => (file.split('-')[0] ?? '') as Part;

describe("the specification's YAML", () => {
  it.each(readdirSync(SNIPPETS))('%s loads as it stands', (file) => {
    const dir = contractDirectory({ [partOf(file)]: readFileSync(join(SNIPPETS, file), 'utf8') });
    expect(loadContracts(dir).compiled.orchestrator.name).toBe('registration_orchestrator_fsm');
  });

  it('changes nothing that the shipped contracts decide, except the ACTIVE row that it names', () => {
    const shipped = loadContracts().compiled;
    for (const file of readdirSync(SNIPPETS)) {
      const {
        version: _,
        handlers,
        ...same
      } = loadContracts(contractDirectory({ [partOf(file)]: readFileSync(join(SNIPPETS, file), 'utf8') })).compiled;
      const { version: __, handlers: shippedHandlers, ...rest } = shipped;
      expect(same, file).toEqual(rest);
      expect(Object.keys(handlers)).toEqual(Object.keys(shippedHandlers));
    }
  });
});

describe('an edit of YAML alone', () => {
  it('changes a timeout', () => {
    const dir = contractDirectory({ orchestrator: 'timers:\n  - timer: "ack"\n    seconds: 5\n' });
    expect(loadContracts(dir).compiled.timers['ack']).toEqual({
      seconds: 5,
      trigger: 'ack_timeout',
      rounds: 3,
      verify: 'acks_read',
    });
  });

  it('gives the contract another version', () => {
    const dir = contractDirectory({ orchestrator: 'timers:\n  - timer: "ack"\n    seconds: 5\n' });
    expect(loadContracts(dir).compiled.version).not.toBe(loadContracts().compiled.version);
    expect(loadContracts().compiled.version).toBe(loadContracts().compiled.version);
  });

  it('puts a new state between two others', () => {
    const dir = contractDirectory({
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
    const { states } = loadContracts(dir).compiled.orchestrator;
    expect(states['ACK_RECEIVED']?.transitions['entry_done']?.to).toBe('QUARANTINED');
    expect(states['QUARANTINED']?.transitions).toMatchObject({
      quarantine_over: { to: 'ACTIVE' },
      shutdown_received: { to: 'DEREGISTERED' },
    });
  });
});

describe('a contract that does not hold together', () => {
  const BROKEN = join(import.meta.dirname, '../../fixtures/broken-contracts');
  // Each fixture names, in its first comment, the message that it must give.
  it.each(readdirSync(BROKEN))('%s is refused with file, line and what to change', (file) => {
    const text = readFileSync(join(BROKEN, file), 'utf8');
    const expected = /^# (\d+:\d+): (.*)$/m.exec(text);
    let message = '';
    try {
      loadContracts(contractDirectory({ [partOf(file)]: text }));
    } catch (error) {
      expect(error).toBeInstanceOf(ContractError);
      message = (error as Error).message;
    }
    expect(message).toContain(`contract.yaml:${expected?.[1]}: ${expected?.[2]}`);
  });

  it('is told all its faults at once', () => {
    const dir = contractDirectory({
      orchestrator:
        'refresh_actions: ["emit_nothing"]\nadmission:\n  - require: "node_version newer_than 1.0.0"\n    reason: "too old"\n',
      effect:
        'handler_routing:\n  handlers:\n    - { operation: "register_node", backend: "consul", handler: { name: "HandlerEtcdRegister" } }\n',
    });
    expect(() => loadContracts(dir)).toThrow(
      /unknown intent "emit_nothing"[^]*unknown operator "newer_than"[^]*unknown handler "HandlerEtcdRegister"/,
    );
  });
});
