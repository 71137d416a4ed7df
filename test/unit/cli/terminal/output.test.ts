import { afterEach, expect, it, vi } from 'vitest';
import { log, print } from '../../../../src/cli/terminal/output.js';

const RED = '\u001b[31mred\u001b[39m';

const before = { stdout: process.stdout.isTTY, stderr: process.stderr.isTTY };

afterEach(() => {
  for (const name of ['stdout', 'stderr'] as const)
    Object.defineProperty(process[name], 'isTTY', { value: before[name], configurable: true });
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What both streams get of a red word. */
function written(terminals: { readonly stdout: boolean; readonly stderr: boolean }, hasColors = true): string[] {
  const texts: string[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name];
    vi.spyOn(stream, 'write').mockImplementation((text) => texts.push(String(text)) > 0);
    Object.defineProperty(stream, 'isTTY', { value: terminals[name], configurable: true });
    Object.defineProperty(stream, 'hasColors', { value: () => hasColors, configurable: true });
  }
  print(RED);
  log(RED);
  return texts;
}

it('colours go to terminals only, each stream by itself, whatever the environment says of the other', () => {
  vi.stubEnv('CI', 'true');
  vi.stubEnv('FORCE_COLOR', undefined);
  expect(written({ stdout: true, stderr: false })).toEqual([`${RED}\n`, 'red\n']);
  expect(written({ stdout: false, stderr: true })).toEqual(['red\n', `${RED}\n`]);
});

it('a terminal without colours (NO_COLOR, TERM=dumb) gets none, and who forces them gets them everywhere', () => {
  vi.stubEnv('FORCE_COLOR', undefined);
  expect(written({ stdout: true, stderr: true }, false)).toEqual(['red\n', 'red\n']);
  vi.stubEnv('FORCE_COLOR', '1');
  expect(written({ stdout: false, stderr: false })).toEqual([`${RED}\n`, `${RED}\n`]);
  vi.stubEnv('FORCE_COLOR', '0');
  expect(written({ stdout: false, stderr: false })).toEqual(['red\n', 'red\n']);
});
