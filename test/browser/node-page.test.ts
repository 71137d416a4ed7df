import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { chromiumOfFile, openPage, shows } from './chromium.js';
import { badDay, FakeSources } from './fake-sources.js';
import { serve } from './serve.js';

const { browser, closing } = chromiumOfFile();

async function opened(sources: FakeSources, path = '', options: Parameters<typeof openPage>[1] = {}) {
  const server = await serve(sources);
  closing.push(() => server.close());
  const { page } = await openPage(browser(), options);
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
  await shows(system(page, 'Consul').locator('.value')).toBe(sign);
});

test('a page that is read-only says how to allow actions, where a phone shows it too', async () => {
  const sources = new FakeSources();
  sources.set('node-a', { state: 'ACTIVE', reducer: 'complete' });
  const { page } = await opened(sources, 'nodes/node-a');
  const line = page.locator('.actions');
  await line.waitFor();
  await shows(line).toBe('Read-only. To act from here: registrar ui --allow-actions');
});

test('the brackets go along the list as it was filtered and sorted', async () => {
  const sources = new FakeSources();
  sources.fill(400);
  const { page } = await opened(sources, '?q=mailer&sort=-id');
  await expect
    .poll(() => page.locator('.row .id').allInnerTexts(), { timeout: 8_000 })
    .toEqual(['mailer-4', 'mailer-3', 'mailer-2', 'mailer-1', 'mailer-0']);
  await page.getByRole('link', { name: 'mailer-3' }).click();
  await page.getByRole('heading', { name: 'mailer-3' }).waitFor();
  await page.keyboard.press(']');
  await page.getByRole('heading', { name: 'mailer-2' }).waitFor();
  await page.keyboard.press('[');
  await page.keyboard.press('[');
  await page.getByRole('heading', { name: 'mailer-4' }).waitFor();
});

test('Back finds the list where it was left: its scroll and its cursor', async () => {
  const sources = new FakeSources();
  sources.fill(300);
  const { page } = await opened(sources);
  await page.locator('.row').first().waitFor();
  for (let step = 0; step < 60; step += 1) await page.keyboard.press('j');
  const id = await page.locator('.row.cursor .id').innerText();
  const top = await page.evaluate(() => window.scrollY);
  expect(top).toBeGreaterThan(500);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: id }).waitFor();
  await page.goBack();
  await page.locator('.row.cursor').waitFor();
  await shows(page.locator('.row.cursor .id')).toBe(id);
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(top);
  await page.keyboard.press('j');
  await shows(page.locator('.row.cursor .id')).not.toBe(id);
});

test('earlier attempts are listed from their runs, each with a page of its own and one of Temporal’s', async () => {
  const sources = new FakeSources();
  sources.set('node-a', { state: 'ACTIVE', reducer: 'complete', attempt: 3 });
  const ended = Date.now() - 3 * 3_600_000;
  sources.earlierRuns = [
    {
      run_id: '0198aaaa-1111-7222-8333-444455556666',
      state: 'LIVENESS_EXPIRED',
      began: ended - 60_000,
      ended,
      link: 'http://t.example/run-1',
    },
  ];
  const { page } = await opened(sources, 'nodes/node-a');
  const card = page.locator('.section', { has: page.getByRole('heading', { name: 'Earlier attempts' }) });
  expect(await card.getByRole('link', { name: 'Its run in Temporal' }).getAttribute('href')).toBe(
    'http://t.example/run-1',
  );
  await shows(card).toContain('3 h');
  expect(await card.getByRole('link', { name: 'All its runs in Temporal' }).getAttribute('href')).toBe(
    'http://temporal.example/namespaces/default/workflows?query=NodeId%3D%22node-a%22',
  );
  await card.getByRole('link', { name: 'LIVENESS_EXPIRED' }).click();
  await page.waitForURL(/\/nodes\/node-a\/runs\/0198aaaa-/);
  await page.getByRole('heading', { name: 'node-a attempt 2' }).waitFor();
  await page.getByRole('img', { name: /^Orchestrator: now LIVENESS_EXPIRED/ }).waitFor();
  await shows(page.locator('.steps')).toContain('ACTIVE');
  await page.getByRole('link', { name: 'node-a', exact: true }).click();
  await page.getByRole('heading', { name: 'Earlier attempts' }).waitFor();
  await page.goto(page.url() + '/runs/0198aaaa-1111-7222-8333-000000000000');
  await page.getByRole('heading', { name: 'This run could not be read' }).waitFor();
  await page.getByText('Temporal has no such run of this node, or not any more').waitFor();
});

test('a long text is cut, and whole on demand: on the pages of a node, of activity and of health', async () => {
  const long = (about: string): string => `${about} ${'because of this and that '.repeat(20)}in the end`;
  const sources = new FakeSources();
  badDay(sources, 20);
  const ended = Date.now() - 60_000;
  sources.set('node-a', { state: 'REJECTED', reason: long('the registrar refuses it'), since: ended, ended });
  sources.consulFailure = long('Consul failed');
  const act = { id: 9, at: ended, who: 'ada', what: 'retry', node_id: 'node-a', refused: true };
  sources.acts = [{ ...act, why: long('it was asked for'), outcome: long('it was not done') }];
  const { page, server } = await opened(sources);
  for (const [path, about] of [
    ['nodes/node-a', 'the registrar refuses it'],
    ['nodes/node-a', 'it was asked for'],
    ['nodes/node-a', 'it was not done'],
    ['activity', 'it was asked for'],
    ['activity', 'it was not done'],
    ['health', 'Consul failed'],
  ] as const) {
    await page.goto(server.url + path);
    const text = page.locator('details.whole', { hasText: about }).first();
    await text.waitFor();
    expect(await text.innerText()).not.toContain('in the end');
    await text.locator('summary').click();
    await shows(text).toContain(long(about));
  }
});

test('t shows times as they are, and stays so; again it shows how long ago', async () => {
  const sources = new FakeSources();
  const since = new Date(Date.now() - 5 * 3_600_000);
  sources.set('node-a', { state: 'ACTIVE', since: since.getTime(), reducer: 'complete' });
  // Where it is noon: five hours ago was the same day.
  const east = 12 - new Date().getUTCHours();
  const { page } = await opened(sources, '', { timezoneId: `Etc/GMT${east > 0 ? '-' : '+'}${Math.abs(east)}` });
  const cell = page.locator('.row .since');
  await cell.getByText('5 h').waitFor();
  await page.keyboard.press('t');
  const clock = await page.evaluate((at) => new Date(at).toTimeString().slice(0, 8), since.getTime());
  await cell.getByText(clock).waitFor();
  await page.getByText('node-a').click();
  await page.locator('.say time', { hasText: clock }).waitFor();
  await shows(page.locator('.say')).toContain(`Since ${clock}.`);
  await page.reload();
  await page.locator('.say time', { hasText: clock }).waitFor();
  await page.keyboard.press('?');
  await page.getByText('times relative or absolute').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('t');
  await page.locator('.say time', { hasText: '5 h 00 min' }).waitFor();
});

test('what the picture of the design has besides: a query to copy, the process, exact times, and links', async () => {
  const sources = new FakeSources();
  sources.set('node-a', { state: 'ACTIVE', reducer: 'complete' });
  const { page } = await opened(sources);
  const beat = page.locator('.row .beat');
  await page.waitForFunction(() => document.querySelector('.row .beat')?.getAttribute('title') !== null);
  expect(await beat.getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('link', { name: 'node-a' }).click();
  await system(page, 'PostgreSQL').getByRole('button', { name: 'Copy the query of its row' }).click();
  await system(page, 'PostgreSQL').getByText('copied').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    "select * from node_registrations where node_id = 'node-a'",
  );
  await shows(page.locator('.facts')).toMatch(/Instance\s+a03f55/);
  const links = {
    Temporal: 'http://temporal.example/namespaces/default/workflows/registration',
    Consul: 'http://consul.example/ui/services',
  };
  for (const [title, href] of Object.entries(links))
    expect(await system(page, title).getByRole('link').getAttribute('href')).toBe(href);
});

test('states sort by the order of the machine, as in the matrix, and not by the alphabet', async () => {
  const sources = new FakeSources();
  for (const [at, state] of ['DRAINING', 'ACTIVE', 'AWAITING_ACK', 'ACCEPTED', 'PENDING_REGISTRATION'].entries())
    sources.set(`node-${at}`, { state, reducer: 'complete' });
  const { page } = await opened(sources, '?sort=state');
  await page.locator('.row').first().waitFor();
  const order = await page.locator('.matrix .state-head .name').allTextContents();
  const shown = await page.locator('.row .state').allTextContents();
  expect(shown).toEqual(order.filter((state) => shown.includes(state)));
  expect(shown).toHaveLength(5);
});
