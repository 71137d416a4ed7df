import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { pageDirectory } from '../../src/server/http/assets.js';

const assets = join(pageDirectory(), 'assets');
const files = (ending: string): Buffer[] =>
  readdirSync(assets)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(assets, name)));
const kilobytes = (parts: readonly Buffer[]): number => parts.reduce((sum, { length }) => sum + length, 0) / 1_000;

test('the page is small: script, and fonts', () => {
  const script = kilobytes(files('.js').map((file) => gzipSync(file)));
  const fonts = kilobytes(files('.woff2'));
  process.stderr.write(`script ${script.toFixed(1)} KB gzipped, fonts ${fonts.toFixed(1)} KB\n`);
  expect(script).toBeLessThan(150);
  expect(files('.woff2')).toHaveLength(2);
  expect(fonts).toBeLessThan(90);
});

test('the page fetches nothing from elsewhere: no other address stands in it', () => {
  const text = [...files('.js'), ...files('.css'), readFileSync(join(pageDirectory(), 'index.html'))].join('\n');
  const addresses = [...text.matchAll(/\bhttps?:\/\/[a-z0-9.-]+/g)].map(([address]) => address);
  // Names of XML, and where React explains its errors: none of them is ever asked.
  expect([...new Set(addresses)].sort().filter((address) => !/www\.w3\.org|react\.dev/.test(address))).toEqual([]);
});
