import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { openPage, startChromium } from './chromium.js';
import { badDay, FakeSources } from './fake-sources.js';
import { serve } from './serve.js';

/**
 * The picture in the README is the page as it is. Taken anew by
 * `SCREENSHOT=write npm run test:browser -- screenshot`.
 */
const PICTURE = join(import.meta.dirname, '../../docs/fleet-page.png');
const SIZE = { width: 1_280, height: 800 };
/** Clocks and the fonts of another machine differ by less, another page by more. */
const MOST_DIFFERENT = 0.02;
const MINUTE = 60_000;

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser.close());

/** The server looks at the fleet of each minute of the last hour. */
async function liveThroughTheLastHour(sources: FakeSources, read: () => Promise<void>): Promise<void> {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now });
  try {
    for (let ago = 60; ago > 0; ago -= 1) {
      vi.setSystemTime((sources.asOf = now - ago * MINUTE));
      await read();
    }
  } finally {
    sources.asOf = null;
    vi.useRealTimers();
  }
}

/** Share of the pixels that are clearly others; 1 where the sizes differ. */
function difference(page: Page, pictures: readonly Buffer[]): Promise<number> {
  return page.evaluate(
    async (urls) => {
      const [a, b] = await Promise.all(
        urls.map(async (url) => {
          const image = new Image();
          image.src = url;
          await image.decode();
          const canvas = new OffscreenCanvas(image.width, image.height);
          const context = canvas.getContext('2d');
          context?.drawImage(image, 0, 0);
          return context?.getImageData(0, 0, image.width, image.height);
        }),
      );
      if (a === undefined || b === undefined || a.width !== b.width || a.height !== b.height) return 1;
      let others = 0;
      for (let at = 0; at < a.data.length; at += 4)
        if ([0, 1, 2].some((part) => Math.abs((a.data[at + part] ?? 0) - (b.data[at + part] ?? 0)) > 48)) others += 1;
      return others / (a.data.length / 4);
    },
    pictures.map((picture) => `data:image/png;base64,${picture.toString('base64')}`),
  );
}

test('the picture in the README is the page as it is, with an hour behind it', async () => {
  const sources = new FakeSources();
  badDay(sources, 120);
  let reads = 0;
  const readFleet = sources.readFleet.bind(sources);
  sources.readFleet = (since) => ((reads += 1), readFleet(since));
  // A read begins when the one before is over, and what it found is kept.
  const read = async (): Promise<void> => {
    const from = reads;
    await vi.waitUntil(() => reads > from + 1, { interval: 2 });
  };
  const server = await serve(sources, { everyMs: 5 });
  const { page, faults } = await openPage(browser);
  try {
    await liveThroughTheLastHour(sources, read);
    await read();
    await page.setViewportSize(SIZE);
    await page.goto(server.url);
    await page.locator('.row').first().waitFor();
    const lines = await page.locator('.spark path.area').count();
    expect(lines).toBeGreaterThan(4);
    const taken = await page.screenshot();
    if (process.env['SCREENSHOT'] === 'write') writeFileSync(PICTURE, taken);
    expect(faults).toEqual([]);
    await page.goto('about:blank');
    expect(await difference(page, [readFileSync(PICTURE), taken])).toBeLessThan(MOST_DIFFERENT);
  } finally {
    await page.context().close();
    await server.close();
  }
});
