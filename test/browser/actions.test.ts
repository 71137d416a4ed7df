import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Actions, Wish } from '../../src/server/source.js';
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

function waitingNode(): FakeSources {
  const sources = new FakeSources();
  sources.set('geo-1', { state: 'AWAITING_ACK', round: 2, ack_deadline: Date.now() + 20_000, reducer: 'complete' });
  return sources;
}

/** Remembers who wished what; refuses with the given words. */
function recorded(refusal: { words: string | null }): {
  readonly actions: Actions;
  readonly wishes: (Wish & { readonly what: string })[];
} {
  const wishes: (Wish & { readonly what: string })[] = [];
  const act = (what: string) => (id: string, wish: Wish) => {
    wishes.push({ what: `${what} ${id}`, ...wish });
    return refusal.words === null ? Promise.resolve(`${id} is ACTIVE.`) : Promise.reject(new Error(refusal.words));
  };
  return { actions: { acknowledge: act('acknowledge'), retry: act('retry') }, wishes };
}

test('without actions there is no button, and no way to act', async () => {
  const server = await serve(waitingNode());
  closing.push(() => server.close());
  const { page } = await openPage(browser);
  closing.push(() => page.context().close());
  await page.goto(`${server.url}nodes/geo-1`);
  await page.getByText('Read-only: started without actions').waitFor();
  expect(await page.getByRole('button', { name: /Acknowledge|Retry/ }).count()).toBe(0);
  await page.keyboard.press('a');
  expect(await page.locator('dialog[open]').count()).toBe(0);
  const { status } = await fetch(`${server.url}api/nodes/geo-1/acknowledge`, ourAction(server.url));
  expect(status).toBe(404);
});

test('an action says what will happen, asks why and who, and keeps a refusal in the server’s words', async () => {
  const refusal: { words: string | null } = { words: 'The ack for node geo-1 did not count: it came too late.' };
  const { actions, wishes } = recorded(refusal);
  const server = await serve(waitingNode(), { actions });
  closing.push(() => server.close());
  const { page, faults } = await openPage(browser);
  closing.push(() => page.context().close());
  await page.goto(`${server.url}nodes/geo-1`);
  await page.getByRole('button', { name: 'Acknowledge…' }).waitFor();
  await page.keyboard.press('a');
  const dialog = page.getByRole('dialog', { name: 'Acknowledge geo-1?' });
  const go = dialog.getByRole('button', { name: 'Acknowledge', exact: true });
  await dialog.waitFor();
  expect(await go.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Why/).fill('topic was read-only');
  await dialog.getByLabel(/^Who/).fill('ada');
  await go.click();
  await dialog.getByRole('alert').waitFor();
  expect(await dialog.getByRole('alert').innerText()).toBe(refusal.words);
  refusal.words = null;
  await go.click();
  await dialog.getByText('geo-1 is ACTIVE.').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(wishes.at(-1)).toEqual({ what: 'acknowledge geo-1', who: 'ada', why: 'topic was read-only' });
  expect(faults).toEqual([]);
});

function ourAction(url: string, headers: Record<string, string> = {}): RequestInit {
  return {
    method: 'POST',
    headers: {
      origin: url.replace(/\/$/, ''),
      'content-type': 'application/json',
      'x-registrar-action': '1',
      ...headers,
    },
    body: JSON.stringify({ who: 'ada', why: 'a test' }),
  };
}

test('an action is refused from another origin, as a form, without our header, and without a reason', async () => {
  const { actions, wishes } = recorded({ words: null });
  const server = await serve(waitingNode(), { actions });
  closing.push(() => server.close());
  const url = `${server.url}api/nodes/geo-1/retry`;
  const status = async (init: RequestInit): Promise<number> => (await fetch(url, init)).status;
  const { 'x-registrar-action': _, ...bare } = ourAction(server.url).headers as Record<string, string>;
  expect(await status(ourAction(server.url, { origin: 'http://evil.example' }))).toBe(403);
  expect(await status(ourAction(server.url, { 'sec-fetch-site': 'same-site' }))).toBe(403);
  expect(await status(ourAction(server.url, { 'content-type': 'text/plain' }))).toBe(415);
  expect(await status({ ...ourAction(server.url), headers: bare })).toBe(403);
  expect(await status({ ...ourAction(server.url), body: JSON.stringify({ who: 'ada', why: 'x' }) })).toBe(400);
  expect(await status({ method: 'GET' })).toBe(404);
  expect(wishes).toEqual([]);
  expect(await status(ourAction(server.url))).toBe(200);
  expect(wishes).toEqual([{ what: 'retry geo-1', who: 'ada', why: 'a test' }]);
});
