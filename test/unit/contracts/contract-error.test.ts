import { expect, it } from 'vitest';
import { checkedCondition } from '../../../src/contracts/compile-machine.js';
import { ContractError } from '../../../src/contracts/contract-error.js';

it('the error of a contract has every fault on a line, as editors find places', () => {
  const error = new ContractError([
    { file: 'a.yaml', line: 3, column: 5, message: 'unknown state "X"' },
    { file: 'b.yaml', line: 1, column: 1, message: 'unknown timer "Y"' },
  ]);
  expect(error.name).toBe('ContractError');
  expect(error.message).toBe('a.yaml:3:5: unknown state "X"\nb.yaml:1:1: unknown timer "Y"');
  expect(error.faults).toHaveLength(2);
});

it('a condition that was never checked is not compiled', () => {
  expect(() => checkedCondition('node_id like x')).toThrow(
    new TypeError(
      'unknown operator "like" in "node_id like x": ' +
        'use one of is_present, is_absent, ==, !=, in, at_least, matches',
    ),
  );
});
