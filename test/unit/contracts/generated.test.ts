import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonSchemas } from '../../../src/contracts/json-schema.js';
import { SHIPPED_CONTRACTS } from '../../../src/contracts/load.js';

describe('what is generated from the contracts', () => {
  it('the JSON Schemas beside them are current (registrar contracts schema)', () => {
    for (const [file, text] of Object.entries(jsonSchemas()))
      expect(readFileSync(join(SHIPPED_CONTRACTS, 'schema', file), 'utf8'), file).toBe(text);
  });

  it('each contract names its schema for editors', () => {
    for (const [folder, schema] of Object.entries({
      node_registration_orchestrator: 'orchestrator',
      node_registration_reducer: 'reducer',
      node_registry_effect: 'effect',
    })) {
      expect(readFileSync(join(SHIPPED_CONTRACTS, folder, 'contract.yaml'), 'utf8')).toMatch(
        new RegExp(`^# yaml-language-server: \\$schema=../schema/${schema}.schema.json`),
      );
    }
  });
});
