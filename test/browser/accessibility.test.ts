import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FleetServer } from '../../src/server/http/server.js';
import { openPage, startChromium } from './chromium.js';
import { badDay, FakeSources } from './fake-sources.js';
import { serve } from './serve.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SCREENS = [
  '',
  '?q=nobody-at-all',
  '?view=ended&sort=since',
  'nodes/pdf-render-03',
  'nodes/geo-lookup-2',
  'nodes/mailer-1',
  'nodes/thumb-2',
  'nodes/ocr-legacy-1',
  'nodes/scraper-x',
  'nodes/mailer-2',
  'nodes/unknown',
  'health',
  'activity',
];

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

let browser: Browser;
let server: FleetServer;

beforeAll(async () => {
  browser = await startChromium();
  const sources = new FakeSources();
  badDay(sources, 200);
  const act = (): Promise<string> => Promise.resolve('done');
  const ofNode = { acknowledge: act, retry: act, drain: act, undrain: act, evict: act, ban: act, unban: act };
  server = await serve(sources, { actions: { ...ofNode, release: act, replay: act } });
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

describe.each([
  ['light', 1_440],
  ['dark', 1_440],
  ['light', 390],
  ['dark', 1_100],
] as const)('%s, %i px wide', (colorScheme, width) => {
  test.each(SCREENS)('axe finds nothing on /%s, and nothing goes sideways', async (screen) => {
    // The page's own policy stands: axe is handed in by the test, not loaded by the page.
    const { page, faults } = await openPage(browser, {
      viewport: { width, height: 900 },
      colorScheme,
      reducedMotion: 'reduce',
    });
    await page.goto(server.url + screen);
    await page.locator('h1').waitFor();
    await page.locator('.row, .machine, .notice, .empty, .health-card, .activity').first().waitFor();
    await page.evaluate(axe);
    const violations = await page.evaluate<Violation[]>('axe.run().then((result) => result.violations)');
    expect(violations.map(({ id, impact, nodes }) => `${impact ?? ''} ${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(sideways).toBeLessThanOrEqual(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

test('everything can be done by keyboard, and the focus is seen', async () => {
  const { page } = await openPage(browser);
  await page.goto(server.url);
  await page.locator('.row').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const id = await page.locator('.row.cursor .id').innerText();
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`/nodes/${id}$`));
  await page.keyboard.press(']');
  await page.waitForURL((url) => url.pathname.startsWith('/nodes/') && !url.pathname.endsWith(id));
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.waitForURL(/\/health$/);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
  expect(outline).toBe('solid');
  await page.context().close();
});
