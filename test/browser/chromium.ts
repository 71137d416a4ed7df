import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';

const USUAL = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The Chromium that is installed here; we bring none. */
export function startChromium(): Promise<Browser> {
  const executablePath = [process.env.CHROMIUM, ...USUAL].find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined)
    throw new Error(
      `no Chromium was found at ${USUAL.join(', ')}: install one (apt-get install chromium), or name it in CHROMIUM`,
    );
  // Inside a container there are no namespaces for its own sandbox.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/**
 * A Chromium for the tests of a file.
 *
 * @returns the browser, while tests run; and what each test has to close, which is done after it, the last first
 */
export function chromiumOfFile(): { readonly browser: () => Browser; readonly closing: (() => Promise<unknown>)[] } {
  let browser: Browser;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  return { browser: () => browser, closing };
}

/** What a place shows, within eight seconds: a page follows what is done to it a moment later. */
export const shows = (place: Locator): ReturnType<typeof expect.poll> =>
  expect.poll(() => place.innerText(), { timeout: 8_000 });

/** A page that keeps what went wrong on it: a test that ends with an error here has failed, whatever it looked at. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ readonly page: Page; readonly faults: string[]; readonly requests: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 1_000 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // A server that is away is what some tests are about; the browser writes that down by itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  page.on('request', (request) => requests.push(request.url()));
  return { page, faults, requests };
}
