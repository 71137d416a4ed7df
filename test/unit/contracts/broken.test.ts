import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf, type Part } from './contract-files.js';

const BROKEN = join(import.meta.dirname, '../../fixtures/broken-contracts');
const partOf = (file: string): Part => (file.split('-')[0] ?? '') as Part;

describe('a contract that does not hold together', () => {
  // Each fixture names, in the comments at its top, every fault that it has: line, column and sentence.
  it.each(readdirSync(BROKEN))('%s is refused with line, column and what to change', (file) => {
    const text = readFileSync(join(BROKEN, file), 'utf8');
    const expected = [...text.matchAll(/^# (\d+:\d+: .*)$/gm)].map(([, fault]) => fault);
    expect(expected.length).toBeGreaterThan(0);
    expect(faultsOf({ [partOf(file)]: text })).toEqual(expected);
  });

  it('is refused with all its faults at once, in the order of files and lines', () => {
    expect(
      faultsOf({
        orchestrator:
          'refresh_actions: ["emit_nothing"]\nadmission:\n  - require: "node_version newer_than 1.0.0"\n    ' +
          'reason: "too old"\n',
        effect:
          'handler_routing:\n  handlers:\n    - { operation: "register_node", backend: "consul", handler: { ' +
          'name: "HandlerEtcdRegister" } }\n',
      }),
    ).toEqual([
      expect.stringMatching(/^1:19: unknown intent "emit_nothing"/),
      expect.stringMatching(/^3:5: unknown operator "newer_than"/),
      expect.stringMatching(/^3:67: unknown handler "HandlerEtcdRegister"/),
    ]);
  });
});
