import { expect, it } from 'vitest';
import { errorText } from '../../src/error-text.js';

it.each([
  [new Error('no'), 'no'],
  [Object.assign(new Error(''), { name: 'Nameless' }), 'Nameless'],
  ['a string', 'a string'],
  [undefined, 'undefined'],
  [new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]), '::1 refused; 127.0.0.1 refused'],
  [new AggregateError([new Error('inner')], 'all promises were rejected'), 'all promises were rejected'],
])('%o reads as %j', (error, text) => {
  expect(errorText(error)).toBe(text);
});
