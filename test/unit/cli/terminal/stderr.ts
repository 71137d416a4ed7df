import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, vi } from 'vitest';

/** What stderr gets while a test runs, without its colours; it is a terminal where `isTTY` says so. */
export function stderrOf({ isTTY }: { readonly isTTY: boolean }): { text(): string } {
  let written: string[] = [];
  const before = process.stderr.isTTY;
  beforeEach(() => {
    written = [];
    Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true });
    vi.spyOn(process.stderr, 'write').mockImplementation(
      (text) => written.push(stripVTControlCharacters(String(text))) > 0,
    );
  });
  afterEach(() => {
    vi.restoreAllMocks();
    Object.defineProperty(process.stderr, 'isTTY', { value: before, configurable: true });
  });
  return { text: () => written.join('') };
}
