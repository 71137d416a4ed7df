import { describe, expect, it } from 'vitest';
import { capabilityFields, flagsOf } from '../../../src/protocol/capabilities.js';
import { explain } from '../../../src/protocol/explain.js';

function read(fields: unknown): unknown {
  const result = capabilityFields.safeParse(fields);
  return result.success ? result.data : explain(result.error, fields);
}

const FLAGS = 'expected a list of names, or an object of flags';
const NAMES = 'expected names of 1 to 128 printable characters';

describe('capabilities as they are read', () => {
  it.each([
    ['nothing', {}, []],
    ['null', { capabilities: null, declared_capabilities: null, discovered_capabilities: null }, []],
    ['a list, sorted and once', { capabilities: ['b', 'a', 'b'] }, ['a', 'b']],
    [
      'an object of flags',
      { capabilities: { b: true, a: true, off: false, number: 7, text: 'x', nothing: null } },
      ['a', 'b'],
    ],
    [
      'flags inside flags, with their path',
      { declared_capabilities: { s: { read: true, w: { x: true, y: false } } } },
      ['s.read', 's.w.x'],
    ],
    [
      'lists inside flags, without their path',
      { declared_capabilities: { types: ['json', 'xml'], s: { more: ['csv'] } } },
      ['csv', 'json', 'xml'],
    ],
    [
      'settings are none',
      { declared_capabilities: { config: { a: true }, mcp: { b: true }, feature_flags: { c: true } } },
      [],
    ],
    ['a flag of such a name is one', { declared_capabilities: { config: true, mcp: true } }, ['config', 'mcp']],
    ['and inside another one too', { declared_capabilities: { s: { config: { a: true } } } }, ['s.config.a']],
    ['discovered operations', { discovered_capabilities: { operations: ['run'], has_fsm: true } }, ['run']],
    ['a list of discovered operations', { discovered_capabilities: ['run'] }, ['run']],
    ['no operations', { discovered_capabilities: { has_fsm: true } }, []],
    ['tags of a contract', { contract_capabilities: { capability_tags: ['t'], protocols: ['P'] } }, ['t']],
    [
      'everything together',
      {
        capabilities: ['a'],
        declared_capabilities: { b: true },
        discovered_capabilities: ['c'],
        contract_capabilities: ['d'],
      },
      ['a', 'b', 'c', 'd'],
    ],
    [
      'as many as may be',
      { capabilities: Array.from({ length: 256 }, (_, n) => `c${1000 + n}`) },
      Array.from({ length: 256 }, (_, n) => `c${1000 + n}`),
    ],
    ['as long as may be', { capabilities: ['x'.repeat(128)] }, ['x'.repeat(128)]],
  ])('%s', (_name, fields, expected) => {
    expect(read(fields)).toEqual(expected);
  });

  it.each([
    [{ capabilities: 7 }, `capabilities: ${FLAGS}, got 7`],
    [{ declared_capabilities: 'x' }, `declared_capabilities: ${FLAGS}, got "x"`],
    [
      { discovered_capabilities: true },
      'discovered_capabilities: expected a list of names, or an object with operations, got true',
    ],
    [
      { contract_capabilities: 1 },
      'contract_capabilities: expected a list of names, or an object with capability_tags, got 1',
    ],
    [{ capabilities: [''] }, `capabilities: ${NAMES}, got a list of 1`],
    [{ capabilities: ['x'.repeat(129)] }, `capabilities: ${NAMES}, got a list of 1`],
    [{ capabilities: ['a\u0000'] }, `capabilities: ${NAMES}, got a list of 1`],
    [{ capabilities: [7] }, `capabilities: ${NAMES}, got a list of 1`],
    [{ discovered_capabilities: { operations: 'run fast' } }, ['run fast']],
    [{ discovered_capabilities: { operations: 7 } }, `discovered_capabilities: ${NAMES}, got an object`],
    [{ contract_capabilities: { capability_tags: [''] } }, `contract_capabilities: ${NAMES}, got an object`],
    [
      { capabilities: Array.from({ length: 257 }, (_, n) => `c${n}`) },
      'capabilities: expected at most 256 of them, got a list of 257',
    ],
  ])('%j', (fields, reason) => {
    expect(read(fields)).toEqual(reason);
  });
});

describe('capabilities as they are sent', () => {
  it('are flags; names that existing nodes hold for settings get a prefix', () => {
    expect(
      flagsOf(['a', 'batch_size', 'max_batch', 'supported_types', 'config', 'mcp', 'feature_flags', 'storage.read']),
    ).toEqual({
      a: true,
      'capability.batch_size': true,
      'capability.max_batch': true,
      'capability.supported_types': true,
      'capability.config': true,
      'capability.mcp': true,
      'capability.feature_flags': true,
      'storage.read': true,
    });
  });
});
