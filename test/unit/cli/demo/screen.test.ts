import type { WriteStream } from 'node:tty';
import { afterEach, expect, it, vi } from 'vitest';
import { createScreen } from '../../../../src/cli/demo/screen.js';
import { liveText } from '../../../../src/cli/terminal/live-text.js';

const RED = '\u001b[31mred\u001b[39m';

afterEach(() => {
  vi.unstubAllEnvs();
});

function streamOf(facts: { readonly isTTY: boolean; readonly hasColors: boolean }) {
  const written: string[] = [];
  const stream = {
    isTTY: facts.isTTY,
    columns: 80,
    rows: 24,
    hasColors: () => facts.hasColors,
    write: (text: string) => written.push(text) > 0,
  } as unknown as WriteStream;
  return { stream, text: () => written.join('') };
}

it('what the demo writes into a file has no colours, whatever the environment says of other streams', () => {
  vi.stubEnv('CI', 'true');
  vi.stubEnv('FORCE_COLOR', undefined);
  const { stream, text } = streamOf({ isTTY: false, hasColors: false });
  createScreen(stream).print(RED);
  expect(text()).toBe('red\n');
});

it.each([
  ['has them on a terminal that knows them', true],
  ['has none on one that does not', false],
])('a text that changes in its place, and what is printed above it, %s', (_, hasColors) => {
  vi.stubEnv('FORCE_COLOR', undefined);
  const { stream, text } = streamOf({ isTTY: true, hasColors });
  const live = liveText(stream);
  live.print(RED);
  live.draw(() => `${RED} now`);
  live.end();
  expect(text().split('red')).toHaveLength(3);
  expect(text().split('\u001b[31m')).toHaveLength(hasColors ? 3 : 1);
});
