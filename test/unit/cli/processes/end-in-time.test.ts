import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { endInTime } from '../../../../src/cli/processes/stopping.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('a process that does not stop by itself ends after 20 s, and says what becomes of what it held', () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const lines: string[] = [];
  endInTime(pino({}, { write: (line) => void lines.push(line) }));
  vi.advanceTimersByTime(19_999);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(exit).toHaveBeenCalledWith(1);
  expect(lines.join('')).toContain('what it held is delivered again');
});
