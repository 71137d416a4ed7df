import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser } from 'playwright-core';
import { openPage, startChromium } from './chromium.js';
import { badDay, FakeSources } from './fake-sources.js';
import { serve } from './serve.js';

/**
 * The picture in the README is the page as it is. Taken anew by
 * `SCREENSHOT=write npm run test:browser -- screenshot`.
 */
const PICTURE = join(import.meta.dirname, '../../docs/fleet-page.png');
const SIZE = { width: 1_280, height: 800 };

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser.close());

/** Width and height of a PNG: they stand in its first chunk (RFC 2083, 11.2.1). */
const sizeOf = (png: Buffer) => ({ width: png.readUInt32BE(16), height: png.readUInt32BE(20) });

test('the picture in the README is taken from the page', async () => {
  const sources = new FakeSources();
  badDay(sources, 120);
  const server = await serve(sources);
  const { page, faults } = await openPage(browser);
  try {
    await page.setViewportSize(SIZE);
    await page.goto(server.url);
    await page.locator('.row').first().waitFor();
    const taken = await page.screenshot();
    if (process.env['SCREENSHOT'] === 'write') writeFileSync(PICTURE, taken);
    expect(sizeOf(readFileSync(PICTURE))).toEqual(sizeOf(taken));
    expect(faults).toEqual([]);
  } finally {
    await page.context().close();
    await server.close();
  }
});
