import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openPage, startChromium } from './chromium.js';
import { FakeSources } from './fake-sources.js';
import { serve } from './serve.js';

let browser: Browser;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opened(sources: FakeSources, path = '') {
  const server = await serve(sources);
  closing.push(() => server.close());
  const { page } = await openPage(browser);
  closing.push(() => page.context().close());
  page.setDefaultTimeout(8_000);
  await page.goto(server.url + path);
  return { server, page };
}

const system = (page: Page, title: string) =>
  page.locator('.strip > div', { has: page.locator('.key', { hasText: title }) });

test.each([
  ['AWAITING_ACK', 'Registered, check critical'],
  ['ACTIVE', 'Passing'],
  ['DRAINING', 'Out of discovery'],
  ['LIVENESS_EXPIRED', 'Not listed'],
])('the sign of Consul says what discovery sees of a node: %s', async (state, sign) => {
  const sources = new FakeSources();
  const ended = state === 'LIVENESS_EXPIRED' ? Date.now() : null;
  sources.set('node-a', { state, reducer: 'complete', ended });
  const { page } = await opened(sources, 'nodes/node-a');
  expect(await system(page, 'Consul').locator('.value').innerText()).toBe(sign);
});

test('a page that is read-only says how to allow actions, where a phone shows it too', async () => {
  const sources = new FakeSources();
  sources.set('node-a', { state: 'ACTIVE', reducer: 'complete' });
  const { page } = await opened(sources, 'nodes/node-a');
  const line = page.locator('.actions');
  await line.waitFor();
  expect(await line.innerText()).toBe('Read-only. To act from here: registrar ui --allow-actions');
});
