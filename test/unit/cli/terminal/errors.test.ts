import { describe, expect, test } from 'vitest';
import { explainError } from '../../../../src/cli/terminal/errors.js';
import { CliError, EXIT } from '../../../../src/cli/terminal/exit-codes.js';
import { command, commandName } from '../../../../src/cli/terminal/invocation.js';

describe('errors', () => {
  const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

  test.each([
    [new CliError('m', EXIT.notFound, { hint: 'h' }), EXIT.notFound, 'm', 'h'],
    [named('ConfigError', 'KAFKA_BROKERS: …'), EXIT.usage, 'KAFKA_BROKERS: …', undefined],
    [named('StackError', 'java is missing'), EXIT.failed, 'java is missing', undefined],
  ])('%s', (error, exitCode, message, hint) => expect(explainError(error)).toEqual({ message, hint, exitCode }));

  test('contracts are named with their lines', () => {
    const { message, exitCode } = explainError(named('ContractError', 'contract.yaml:3:1: unknown state'));
    expect(message).toContain('contract.yaml:3:1: unknown state');
    expect(exitCode).toBe(EXIT.failed);
  });

  test('what nobody foresaw says how to see more', () => {
    const { message, hint, exitCode } = explainError(new TypeError('x is not a function'));
    expect(message).toContain('x is not a function');
    expect(hint).toContain('LOG_LEVEL=debug');
    expect(exitCode).toBe(EXIT.failed);
    expect(explainError('a string').message).toContain('a string');
  });
});

describe('commands in messages', () => {
  test('can be typed as they stand', () => {
    expect(commandName({ npm_lifecycle_event: 'demo' })).toBe('npm run registrar --');
    expect(commandName({})).toBe('registrar');
    expect(command('ack node-1')).toMatch(/registrar.* ack node-1$/);
  });
});
