import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FleetServer } from '../../src/server/http/server.js';
import { openPage, startChromium } from './chromium.js';
import { badDay, FakeSources, heldBack } from './fake-sources.js';
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
const sources = new FakeSources();

beforeAll(async () => {
  browser = await startChromium();
  badDay(sources, 200);
  sources.held = heldBack(sources.born);
  const act = (): Promise<string> => Promise.resolve('done');
  const ofNode = { acknowledge: act, retry: act, drain: act, undrain: act, evict: act, ban: act, unban: act };
  server = await serve(sources, { actions: { ...ofNode, release: act, replay: act } });
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

type Scheme = 'light' | 'dark';

async function open(screen: string, colorScheme: Scheme, width: number) {
  const { page, faults } = await openPage(browser, {
    viewport: { width, height: 900 },
    colorScheme,
    reducedMotion: 'reduce',
  });
  await page.goto(server.url + screen);
  await page.locator('h1').waitFor();
  await page.locator('.row, .machine, .notice, .empty, .health-card, .activity').first().waitFor();
  return { page, faults };
}

interface Found {
  /** Of axe. */
  readonly violations: readonly string[];
  /** Pixels that stick out at the side. */
  readonly sideways: number;
  /** Texts that end at an edge, without "…". */
  readonly cut: readonly string[];
}

const CUT = `[...document.querySelectorAll('body *')].filter((element) => {
  const { overflowX, textOverflow, clipPath, overflowClipMargin } = getComputedStyle(element);
  return ['hidden', 'clip'].includes(overflowX) && textOverflow !== 'ellipsis' && clipPath === 'none' &&
    element.innerText && element.scrollWidth > element.clientWidth + 1 + (parseFloat(overflowClipMargin) || 0);
}).map((element) => element.className + ': ' + element.innerText.slice(0, 80))`;

async function found(page: Page): Promise<Found> {
  // The page's own policy stands: axe is handed in by the test, not loaded by the page.
  await page.evaluate(axe);
  const violations = await page.evaluate<Violation[]>('axe.run().then((result) => result.violations)');
  return {
    violations: violations.map(({ id, impact, nodes }) => `${impact ?? ''} ${id}: ${nodes[0]?.html ?? ''}`),
    sideways: await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    cut: await page.evaluate<string[]>(CUT),
  };
}

const NOTHING = { violations: [], sideways: 0, cut: [] };

describe.each([
  ['light', 1_440],
  ['dark', 1_440],
  ['light', 390],
  ['dark', 1_100],
  // A page of 1,280 px that somebody has zoomed to 400 % (WCAG 2.2, 1.4.10).
  ['light', 320],
] as const)('%s, %i px wide', (colorScheme, width) => {
  test.each(SCREENS)('axe finds nothing on /%s, and nothing goes sideways', async (screen) => {
    const { page, faults } = await open(screen, colorScheme, width);
    expect(await found(page)).toEqual(NOTHING);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

describe.each([
  ['light', 1_440],
  ['dark', 390],
  ['dark', 320],
] as const)('%s, %i px wide', (colorScheme, width) => {
  test.each([
    ['Acknowledge', 'nodes/geo-lookup-2'],
    ['Evict', 'nodes/mailer-1'],
    ['Drain', 'nodes/mailer-1'],
    ['Unban', 'nodes/ocr-legacy-1'],
    ['Replay', 'health'],
    ['Release', 'health'],
  ])('axe finds nothing while somebody is asked about: %s', async (verb, screen) => {
    const { page, faults } = await open(screen, colorScheme, width);
    await page
      .getByRole('button', { name: `${verb}…` })
      .first()
      .click();
    await page.getByRole('dialog').getByLabel(/^Why/).waitFor();
    expect(await found(page)).toEqual(NOTHING);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  test('axe finds nothing under the banners: the registry is away, then the server', async () => {
    const away = new FakeSources();
    badDay(away, 50);
    const own = await serve(away);
    try {
      const { page } = await openPage(browser, { viewport: { width, height: 900 }, colorScheme });
      await page.goto(own.url);
      await page.locator('.row').first().waitFor();
      away.registryFailure = 'connect ECONNREFUSED 10.0.0.5:5432';
      await page.getByText('The registry does not answer.').waitFor();
      expect(await found(page)).toEqual(NOTHING);
      await own.close();
      await page.getByText('Not live.').waitFor();
      expect(await found(page)).toEqual(NOTHING);
      await page.context().close();
    } finally {
      await own.close();
    }
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
