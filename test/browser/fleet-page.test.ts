import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { FleetServer } from '../../src/server/http/server.js';
import { chromiumOfFile, openPage, shows } from './chromium.js';
import { badDay, CONSUL_WORDS, FakeSources, heldBack } from './fake-sources.js';
import { serve } from './serve.js';

const { browser, closing } = chromiumOfFile();

async function opened(sources: FakeSources, path = '', options: Parameters<typeof serve>[1] = {}) {
  const server = await serve(sources, options);
  closing.push(() => server.close());
  const { page, faults, requests } = await openPage(browser());
  closing.push(() => page.context().close());
  await page.goto(server.url + path);
  return { server, page, faults, requests };
}

const found = (page: Page) => page.locator('.found');
const row = (page: Page, id: string) => page.locator('.row', { hasText: id });
const text = (locator: ReturnType<Page['locator']>) => locator.innerText();

test('the numbers of the fleet equal the list behind them, and clicking one filters', async () => {
  const sources = new FakeSources();
  badDay(sources, 500);
  const { page, faults, requests, server } = await opened(sources);
  await page.getByText('510 nodes').first().waitFor();
  await shows(page.locator('.head p')).toBe(
    '510 nodes: 501 active, 6 on the way, 3 lost in the last hour. 11 need a look.',
  );
  await shows(found(page)).toContain('510 nodes');
  const groups = await page.locator('.group').allInnerTexts();
  expect(groups.map((group) => group.split('\n')[0])).toEqual([
    'The lease has run out',
    'A backend has not confirmed',
    'No acknowledgement yet',
    'Two processes under one id',
    'Ended in the last hour, not by leaving',
    'Everybody else',
  ]);
  const ended = page.locator('.state-head', { hasText: 'DEREGISTERED' });
  const shown = await text(ended.locator('.big'));
  await ended.locator('a').click();
  await page.waitForURL(/\?view=ended&state=DEREGISTERED$/);
  await shows(found(page)).toBe(`${shown} nodes`);
  await page.goBack();
  await page.getByText('510 nodes, those that need a look first').waitFor();
  expect(faults).toEqual([]);
  expect(requests.filter((url) => !url.startsWith(server.url))).toEqual([]);
});

test.each([
  ['wide', { width: 1_440, height: 1_000 }, '.matrix a, .segments a', '?q=mailer&type=effect&view=ended&look=ended'],
  ['a phone', { width: 390, height: 800 }, '.tiles a', '?q=mailer&type=effect'],
])('each number leads to a list of as many nodes, whatever was filtered before: %s', async (_, size, links, before) => {
  const sources = new FakeSources();
  sources.fill(200);
  sources.set('on-its-way', { type: 'reducer' });
  sources.set('mailer-lost', { state: 'ACTIVE', type: 'effect' });
  const hour = 3_600_000;
  for (const [state, reason] of [
    ['LIVENESS_EXPIRED', 'no heartbeat'],
    ['DEREGISTERED', 'the node left'],
  ] as const)
    for (const [at, ago] of [1_000, hour / 2, hour + 1, 5 * hour, 25 * hour, 72 * hour, 29 * 24 * hour].entries()) {
      const when = sources.born - ago;
      const type = at % 2 === 0 ? 'effect' : 'compute';
      sources.set(`mailer-${state}-${at}`, { state, reason, type, since: when, ended: when });
    }
  const { page, server } = await opened(sources);
  await page.setViewportSize(size);
  const start = `${server.url}${before}`;
  await page.goto(start);
  const numbers = page.locator(links).filter({ has: page.locator(':scope:is(.num), .num') });
  await page.locator('.bar').waitFor();
  const many = await numbers.count();
  expect(many).toBeGreaterThan(2);
  for (let at = 0; at < many; at += 1) {
    await page.goto(start);
    const link = numbers.nth(at);
    await link.waitFor();
    const said = (await text(link)).replaceAll('\n', ' ');
    const shown = /[\d,]+$/.exec(said)?.[0];
    await link.click();
    await expect
      .poll(async () => `${said}: ${/^[\d,]+/.exec(await text(found(page)))?.[0]}`, { timeout: 2_000 })
      .toBe(`${said}: ${shown}`);
  }
});

test('search, filters and sort live in the address; typing adds no history entry', async () => {
  const sources = new FakeSources();
  badDay(sources, 500);
  const { page, server } = await opened(sources);
  await page.locator('.row').first().waitFor();
  const entries = await page.evaluate(() => history.length);
  await page.keyboard.press('/');
  await page.keyboard.type('mailer-3');
  await page.waitForURL(/q=mailer-3$/);
  expect(await page.evaluate(() => history.length)).toBe(entries);
  await shows(found(page)).toContain('1 node');
  await page.keyboard.press('Escape');
  await page.getByLabel('Type', { exact: true }).selectOption('reducer');
  await page.getByRole('button', { name: 'Node', exact: true }).click();
  await page.waitForURL(/type=reducer&sort=id$/);
  await shows(page.locator('.row .id').first()).toBe('040bc3fa-7528-444c-a0c5-60860aa71eb8');
  await page.goto(`${server.url}?type=reducer&sort=-id`);
  await shows(page.locator('.row .id').first()).toBe('ledger-fold-11');
  await page.goto(`${server.url}?q=nobody-at-all`);
  await page.getByRole('heading', { name: 'No node matches' }).waitFor();
  await page.getByRole('link', { name: 'Clear the filters' }).click();
  await page.locator('.row').first().waitFor();
});

test('a node becomes ACTIVE and another one dies while somebody looks, without a new list', async () => {
  const sources = new FakeSources();
  sources.set('node-a', { reducer: 'partial' });
  sources.set('node-b', { state: 'ACTIVE', reducer: 'complete' });
  const { page, faults } = await opened(sources);
  await row(page, 'node-a').waitFor();
  let lists = 0;
  page.on('response', (response) => (lists += response.url().includes('/api/stream') ? 1 : 0));
  await shows(row(page, 'node-a').locator('.state')).toBe('PENDING_REGISTRATION');
  sources.set('node-a', { state: 'ACTIVE', since: Date.now(), reducer: 'complete' });
  await row(page, 'node-a').locator('.state', { hasText: 'ACTIVE' }).waitFor();
  sources.set('node-b', {
    state: 'LIVENESS_EXPIRED',
    since: Date.now(),
    ended: Date.now(),
    reason: 'no heartbeat within 90 s',
  });
  await page.getByText('1 lost in the last hour').waitFor();
  await page.locator('.group', { hasText: 'Ended in the last hour' }).waitFor();
  await row(page, 'node-b').getByText('no heartbeat within 90 s').waitFor();
  sources.set('node-new');
  await row(page, 'node-new').waitFor();
  expect(lists).toBe(0);
  expect(faults).toEqual([]);
});

test('nothing jumps under somebody who reads: a pill says what has changed, and u applies it', async () => {
  const sources = new FakeSources();
  sources.fill(300);
  const { page } = await opened(sources);
  await page.locator('.row').first().waitFor();
  const top = await text(page.locator('.row .id').first());
  await page.evaluate(() => window.scrollTo(0, 2_000));
  await shows(page.locator('.row .id').first()).not.toBe(top);
  const before = await page.locator('.row .id').allInnerTexts();
  sources.set('00-first');
  await page.getByRole('button', { name: /1 node has changed place/ }).waitFor();
  expect(await page.locator('.row .id').allInnerTexts()).toEqual(before);
  await page.keyboard.press('u');
  await page.getByRole('button', { name: /changed place/ }).waitFor({ state: 'detached' });
  await page.evaluate(() => window.scrollTo(0, 0));
  await row(page, '00-first').waitFor();
});

test('a node shows both machines with the state lit, the backend’s words, and goes on by itself', async () => {
  const sources = new FakeSources();
  badDay(sources, 20);
  const { page, faults } = await opened(sources, 'nodes/pdf-render-03');
  const orchestrator = page.getByRole('img', { name: /^Orchestrator: now PENDING_REGISTRATION/ });
  await orchestrator.waitFor();
  await expect.poll(() => orchestrator.locator('.here .name').first().textContent()).toContain('PENDING');
  expect(await orchestrator.locator('.edge.next').count()).toBe(1);
  const reducer = page.getByRole('img', { name: /^Reducer: now partial\. Path: idle .*, pending .*, partial / });
  await reducer.waitFor();
  expect(await reducer.locator('.label.next').allTextContents()).toEqual(['consul_confirmed']);
  await page.getByRole('heading', { name: 'Waits for Consul' }).waitFor();
  expect(await page.getByText(CONSUL_WORDS).count()).toBeGreaterThanOrEqual(2);
  sources.set('pdf-render-03', { state: 'ACTIVE', since: Date.now(), reducer: 'complete' });
  await page.getByRole('img', { name: /^Orchestrator: now ACTIVE/ }).waitFor();
  await page.getByRole('heading', { name: 'Lease' }).waitFor();
  expect(faults).toEqual([]);
});

test('an unknown id gets a page that says where was looked', async () => {
  const { page } = await opened(new FakeSources(), 'nodes/nobody');
  await page.getByText('No node by this id is known').waitFor();
  await page.getByText('prod.eu.onex.evt.node-introspection.v1').waitFor();
});

test('an empty fleet says what was listened to, and how to start a node', async () => {
  const { page } = await opened(new FakeSources());
  await page.getByText('No node has introduced itself yet').waitFor();
  await page.getByText('registrar node --id mailer-1').waitFor();
});

test('health says in a sentence what is wrong, whose words, and what to do; self-preservation is a banner everywhere', async () => {
  const sources = new FakeSources();
  badDay(sources, 20);
  const { page } = await opened(sources, 'health');
  await page.getByRole('heading', { name: 'Consul does not answer' }).waitFor();
  const consul = page.getByRole('region', { name: 'Consul' });
  await shows(consul).toContain(CONSUL_WORDS);
  await shows(consul).toContain('What to do. Look at Consul');
  expect(await page.locator('.gauge .limit').evaluate((limit: HTMLElement) => limit.style.left)).toBe('45%');
  sources.consulFailure = null;
  sources.held = heldBack(Date.now());
  await page.getByRole('heading', { name: 'The registrar holds back' }).waitFor();
  await page.goto(page.url().replace('/health', '/'));
  await page.getByText(/Self-preservation holds\. 4,814 of 10,186 nodes/).waitFor();
  sources.held = null;
  await page.getByText('Self-preservation holds.').waitFor({ state: 'detached' });
});

test('the server ends and comes back: the page says that it is not live, comes back by itself, and keeps its place', async () => {
  const sources = new FakeSources();
  sources.fill(50);
  const first = await serve(sources);
  const { page } = await openPage(browser());
  closing.push(() => page.context().close());
  await page.goto(`${first.url}?q=mailer`);
  await row(page, 'mailer-0').waitFor();
  await first.close();
  await page.getByText(/Not live\. The connection broke at/).waitFor();
  expect(await page.locator('main.stale .row').count()).toBe(1);
  sources.set('mailer-new');
  const second: FleetServer = await serve(sources, { port: Number(new URL(first.url).port) });
  closing.push(() => second.close());
  await row(page, 'mailer-new').waitFor();
  await page.getByText('Not live').first().waitFor({ state: 'detached' });
  expect(new URL(page.url()).search).toBe('?q=mailer');
});

test('a broken line comes back with what was missed, and not with the whole fleet', async () => {
  const sources = new FakeSources();
  sources.fill(50);
  const { server } = await opened(sources);
  const read = async (cursor: string, until: string): Promise<string> => {
    const over = new AbortController();
    const response = await fetch(`${server.url}api/stream${cursor === '' ? '' : `?cursor=${cursor}`}`, {
      signal: over.signal,
    });
    let received = '';
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    while (reader !== undefined && !new RegExp(until).test(received)) {
      const { done, value } = await reader.read();
      if (done) break;
      received += decoder.decode(value, { stream: true });
    }
    over.abort();
    return received;
  };
  const whole = await read('', 'event: ready');
  expect(whole.match(/event: rows/g)).toHaveLength(1);
  const cursor = /id: (\S+)\nevent: ready/.exec(whole)?.[1] ?? '';
  sources.set('missed-1');
  const missed = await read(cursor, 'missed-1');
  expect(missed).toContain('"resumed":true');
  expect(missed).not.toContain('event: rows');
  const foreign = await read('00000000-7', 'event: ready');
  expect(foreign).toContain('"resumed":false');
});

test('the registry is away: before the first answer its words stand on the page, later the old list under a banner', async () => {
  const sources = new FakeSources();
  sources.fill(20);
  sources.registryFailure = 'connect ECONNREFUSED 10.0.2.8:5432';
  const { page } = await opened(sources);
  await page.getByText('The registry has not answered yet').waitFor();
  await page.getByText('connect ECONNREFUSED 10.0.2.8:5432').waitFor();
  sources.registryFailure = null;
  await page.locator('.row').first().waitFor();
  sources.registryFailure = 'terminating connection due to administrator command';
  await page.getByText('The registry does not answer.').waitFor();
  expect(await page.locator('.row').count()).toBeGreaterThan(10);
});

test('while the registry is away nobody seems to lose a lease: the bars stand still, and a node says why', async () => {
  const sources = new FakeSources();
  sources.set('node-a', { state: 'ACTIVE', reducer: 'complete' });
  sources.silence('node-a', Date.now() - 84_000);
  const { page, server } = await opened(sources);
  const ago = row(page, 'node-a').locator('.ago');
  await ago.waitFor();
  sources.registryFailure = 'terminating connection due to administrator command';
  await page.getByText('The registry does not answer.').waitFor();
  const before = await text(ago);
  await page.waitForTimeout(Math.max(0, sources.born + 8_000 - Date.now()));
  expect(await page.locator('.lease.out').count()).toBe(0);
  await shows(ago).toBe(before);
  // The banner's own clock goes on.
  await page.getByText(/Since .*, [2-9] s ago/).waitFor();
  await page.goto(`${server.url}nodes/node-a`);
  await page.getByText('Its lease cannot be read now, and nobody expires').waitFor();
  expect(await page.getByText('Silent since').count()).toBe(0);
  sources.registryFailure = null;
  await page.getByText('Silent since').waitFor();
});

test('two processes under one id are a group of the list, and the node says which', async () => {
  const sources = new FakeSources();
  sources.fill(300);
  sources.conflicts.add('mailer-2');
  const { page } = await opened(sources);
  await page.getByText('Two processes under one id').first().waitFor();
  await page.locator('.row', { hasText: 'mailer-2' }).first().getByRole('link').click();
  await page.getByRole('heading', { name: 'Another process has this id' }).waitFor();
  await page.getByText('b7c1e0').waitFor();
});
