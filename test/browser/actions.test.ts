import { expect, test } from 'vitest';
import type { Actions, FleetRow, Wish } from '../../src/server/source.js';
import { chromiumOfFile, openPage, shows } from './chromium.js';
import { badDay, FakeSources, heldBack } from './fake-sources.js';
import { serve } from './serve.js';

const { browser, closing } = chromiumOfFile();

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
  return {
    actions: {
      acknowledge: act('acknowledge'),
      retry: act('retry'),
      drain: act('drain'),
      undrain: act('undrain'),
      evict: act('evict'),
      ban: act('ban'),
      unban: act('unban'),
      replay: act('replay'),
      release: (wish, most) => act('release')(String(most), wish),
    },
    wishes,
  };
}

/** The page on a bad day; with these actions allowed. */
async function pageOfABadDay(actions?: Actions) {
  const sources = new FakeSources();
  badDay(sources, 50);
  const server = await serve(sources, actions === undefined ? {} : { actions });
  closing.push(() => server.close());
  const { page, faults } = await openPage(browser());
  closing.push(() => page.context().close());
  return { page, faults, url: server.url };
}

test('without actions there is no button, and no way to act', async () => {
  const server = await serve(waitingNode());
  closing.push(() => server.close());
  const { page } = await openPage(browser());
  closing.push(() => page.context().close());
  await page.goto(`${server.url}nodes/geo-1`);
  await page.getByText('registrar ui --allow-actions').waitFor();
  expect(await page.getByRole('button', { name: /Acknowledge|Retry|Evict/ }).count()).toBe(0);
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
  const { page, faults } = await openPage(browser());
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
  await shows(dialog.getByRole('alert')).toBe(refusal.words);
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

test('drain: others do not find the node any more, it is shown so, and that is taken back; then it is evicted', async () => {
  const sources = new FakeSources();
  const since = Date.now() - 60_000;
  const registered = { reducer: 'complete', lease: Date.now() + 80_000, beat: Date.now() - 2_000 };
  sources.set('geo-1', { ...registered, state: 'ACTIVE', since });
  const { actions, wishes } = recorded({ words: null });
  /** What the registrar does with the wish. */
  const leads = (name: 'drain' | 'undrain' | 'evict', change: Partial<FleetRow> & Pick<FleetRow, 'state'>): void => {
    Object.assign(actions, {
      [name]: (id: string, wish: Wish) => {
        wishes.push({ what: `${name} ${id}`, ...wish });
        sources.set(id, { ...registered, since: Date.now(), ...change });
        return Promise.resolve(`Node ${id} is ${change.state}.`);
      },
    });
  };
  leads('drain', { state: 'DRAINING', reason: 'ada: a new disk' });
  leads('undrain', { state: 'ACTIVE' });
  leads('evict', { state: 'DEREGISTERED', ended: Date.now(), reason: 'evicted by ada: a new disk' });
  const server = await serve(sources, { actions });
  closing.push(() => server.close());
  const { page, faults } = await openPage(browser());
  closing.push(() => page.context().close());
  await page.goto(`${server.url}nodes/geo-1`);
  const wish = async (key: string, verb: string, outcome: string): Promise<void> => {
    await page.getByRole('button', { name: `${verb}…` }).waitFor();
    await page.keyboard.press(key);
    const dialog = page.getByRole('dialog', { name: `${verb} geo-1?` });
    await dialog.getByLabel(/^Why/).fill('a new disk');
    await dialog.getByLabel(/^Who/).fill('ada');
    await dialog.getByRole('button', { name: verb, exact: true }).click();
    await dialog.getByText(outcome).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await wish('d', 'Drain', 'Node geo-1 is DRAINING.');
  await page.locator('main').getByText('DRAINING').first().waitFor();
  await wish('u', 'Undrain', 'Node geo-1 is ACTIVE.');
  await wish('e', 'Evict', 'Node geo-1 is DEREGISTERED.');
  await page.getByRole('button', { name: 'Retry…' }).waitFor();
  expect(await page.getByRole('button', { name: /Drain|Evict/ }).count()).toBe(0);
  expect(wishes.map(({ what, who, why }) => [what, who, why])).toEqual(
    ['drain', 'undrain', 'evict'].map((what) => [`${what} geo-1`, 'ada', 'a new disk']),
  );
  expect(faults).toEqual([]);
});

test('a ban is seen with who, why, since when and what lifts it, and is lifted by a confirmed action', async () => {
  const sources = new FakeSources();
  badDay(sources, 50);
  const { actions, wishes } = recorded({ words: null });
  Object.assign(actions, {
    unban: (id: string, wish: Wish) => {
      wishes.push({ what: `unban ${id}`, ...wish });
      sources.bans.delete(id);
      return Promise.resolve(`Node ${id} may come in again.`);
    },
  });
  const server = await serve(sources, { actions });
  closing.push(() => server.close());
  const { page, faults } = await openPage(browser());
  closing.push(() => page.context().close());
  await page.goto(`${server.url}nodes/ocr-legacy-1`);
  const ban = page.getByRole('region', { name: 'Ban' });
  await ban.getByText('by ada, 3 h 00 min ago').waitFor();
  await ban.getByText('it corrupts the queue of its type').waitFor();
  await ban.getByText('registrar unban ocr-legacy-1').waitFor();
  await page.getByText('Another one is rejected while the ban lasts.').waitFor();
  expect(await page.getByRole('button', { name: 'Retry…' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Unban…' }).waitFor();
  await page.keyboard.press('b');
  const dialog = page.getByRole('dialog', { name: 'Unban ocr-legacy-1?' });
  await dialog.getByLabel(/^Why/).fill('it is mended');
  await dialog.getByLabel(/^Who/).fill('grace');
  await dialog.getByRole('button', { name: 'Unban', exact: true }).click();
  await dialog.getByText('Node ocr-legacy-1 may come in again.').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await ban.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Retry…' }).waitFor();
  expect(wishes).toEqual([{ what: 'unban ocr-legacy-1', who: 'grace', why: 'it is mended' }]);
  expect(faults).toEqual([]);
});

test('an eviction bans the node too where its box is ticked, and says so before', async () => {
  const { actions, wishes } = recorded({ words: null });
  const server = await serve(waitingNode(), { actions });
  closing.push(() => server.close());
  const { page, faults } = await openPage(browser());
  closing.push(() => page.context().close());
  await page.goto(`${server.url}nodes/geo-1`);
  for (const bans of [true, false]) {
    await page.getByRole('button', { name: 'Evict…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Evict geo-1?' });
    const box = dialog.getByLabel('Ban it too: what it sends is rejected, until somebody lifts that');
    expect(await box.isChecked()).toBe(false);
    if (bans) await box.check();
    await dialog.getByLabel(/^Why/).fill('it corrupts its queue');
    await dialog.getByLabel(/^Who/).fill('ada');
    const verb = bans ? 'Evict and ban' : 'Evict';
    await dialog.getByRole('button', { name: verb, exact: true }).click();
    await dialog.getByText('geo-1 is ACTIVE.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
  }
  expect(wishes.map(({ what }) => what)).toEqual(['ban geo-1', 'evict geo-1']);
  expect(faults).toEqual([]);
});

test('a node that is banned and was never registered is shown with its ban, and nothing else may be done to it', async () => {
  const { page, url, faults } = await pageOfABadDay(recorded({ words: null }).actions);
  await page.goto(`${url}nodes/scraper-x`);
  await page.getByText('No registration of it is known').waitFor();
  await page.getByRole('region', { name: 'Ban' }).getByText('Nobody has said why.').waitFor();
  expect(await page.locator('.actions button').allInnerTexts()).toEqual(['Unban…']);
  expect(faults).toEqual([]);
});

test('a message that a node’s key has not signed is seen with its reason and what to do; read-only, too', async () => {
  const { page, url, faults } = await pageOfABadDay();
  await page.goto(`${url}nodes/mailer-2`);
  const conflict = page.getByRole('region', { name: 'Conflict of keys' });
  await conflict.getByText('it is signed by a key that does not speak for its node').waitFor();
  await conflict.getByText('registrar release-key mailer-2').waitFor();
  await page.goto(`${url}nodes/ocr-legacy-1`);
  await page.getByRole('region', { name: 'Ban' }).waitFor();
  expect(await page.getByRole('button', { name: /Unban/ }).count()).toBe(0);
  expect(faults).toEqual([]);
});

test('a release asks for the number of nodes that may expire, and the server gets the number that was read', async () => {
  const sources = waitingNode();
  sources.held = heldBack(sources.born);
  const { actions, wishes } = recorded({ words: null });
  const server = await serve(sources, { actions });
  closing.push(() => server.close());
  const { page, faults } = await openPage(browser());
  closing.push(() => page.context().close());
  await page.goto(`${server.url}health`);
  await page.getByRole('button', { name: 'Release…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Release self-preservation?' });
  await dialog.getByText('4,814 nodes that are silent now expire').waitFor();
  const go = dialog.getByRole('button', { name: 'Release', exact: true });
  await dialog.getByLabel(/^Why/).fill('the data centre is off');
  await dialog.getByLabel(/^Who/).fill('ada');
  await dialog.getByLabel(/^Type how many/).fill('10');
  expect(await go.isDisabled()).toBe(true);
  await dialog.getByLabel(/^Type how many/).fill('4814');
  await go.click();
  await dialog.getByText('4814 is ACTIVE.').waitFor();
  expect(wishes).toEqual([{ what: 'release 4814', who: 'ada', why: 'the data centre is off' }]);
  expect(faults).toEqual([]);
});

test('a dead letter is replayed in one step; one that cannot be says why', async () => {
  const { actions, wishes } = recorded({ words: null });
  const { page, url } = await pageOfABadDay(actions);
  await page.goto(`${url}health#dead-letters`);
  const letters = page.getByRole('region', { name: 'Dead letters' });
  await letters.getByText('its sender must send it again').waitFor();
  expect(await letters.getByRole('button', { name: 'Replay…' }).count()).toBe(1);
  await letters.getByRole('button', { name: 'Replay…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replay dead letter 3-17?' });
  await dialog.getByLabel(/^Why/).fill('its URL is right now');
  await dialog.getByLabel(/^Who/).fill('ada');
  await dialog.getByRole('button', { name: 'Replay', exact: true }).click();
  await dialog.getByText('3-17 is ACTIVE.').waitFor();
  expect(wishes).toEqual([{ what: 'replay 3-17', who: 'ada', why: 'its URL is right now' }]);
});

test('behind a proxy that names people, its name counts and nobody is asked; without its header nothing is done', async () => {
  const { actions, wishes } = recorded({ words: null });
  const server = await serve(waitingNode(), { actions, userHeader: 'X-Forwarded-User' });
  closing.push(() => server.close());
  const { page } = await openPage(browser(), { extraHTTPHeaders: { 'x-forwarded-user': 'grace' } });
  closing.push(() => page.context().close());
  await page.goto(`${server.url}nodes/geo-1`);
  await page.getByRole('button', { name: 'Retry…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Retry geo-1?' });
  await dialog.getByText('Kept under the name grace.').waitFor();
  expect(await dialog.getByLabel(/^Who/).count()).toBe(0);
  await dialog.getByLabel(/^Why/).fill('a test');
  await dialog.getByRole('button', { name: 'Retry', exact: true }).click();
  await dialog.getByText('geo-1 is ACTIVE.').waitFor();
  expect(wishes).toEqual([{ what: 'retry geo-1', who: 'grace', why: 'a test' }]);
  const { status } = await fetch(`${server.url}api/nodes/geo-1/retry`, ourAction(server.url));
  expect(status).toBe(403);
});

test('every action is refused from another origin, a release and a replay too', async () => {
  const { actions, wishes } = recorded({ words: null });
  const server = await serve(waitingNode(), { actions });
  closing.push(() => server.close());
  for (const path of [
    'nodes/geo-1/acknowledge',
    'nodes/geo-1/retry',
    'nodes/geo-1/drain',
    'nodes/geo-1/undrain',
    'nodes/geo-1/evict',
    'nodes/geo-1/ban',
    'nodes/geo-1/unban',
    'self-preservation/release',
    'dead-letters/0-1/replay',
  ]) {
    const { status } = await fetch(
      `${server.url}api/${path}`,
      ourAction(server.url, { origin: 'http://evil.example' }),
    );
    expect([path, status]).toEqual([path, 403]);
  }
  expect(wishes).toEqual([]);
});

test('activity says who did what and why, and what the registrar did unasked; people alone when asked', async () => {
  const { page, url, faults } = await pageOfABadDay();
  await page.goto(url);
  await page.locator('.row').first().waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await page.getByRole('heading', { name: 'Activity', exact: true }).waitFor();
  const line = page.getByRole('listitem').filter({ hasText: 'ada' });
  await line.getByText('Consul had no leader when it began').waitFor();
  await line.getByText('is being registered again: attempt 3').waitFor();
  await page.getByRole('listitem').filter({ hasText: 'no heartbeat within 90 s' }).waitFor();
  const mended = page.getByRole('listitem').filter({ hasText: 'search-index-12' });
  await mended.getByText('Consul does not show it: its run writes it again').waitFor();
  await mended.getByText('reconciler').waitFor();
  await page.getByText('It holds no more: enough of the nodes are back.').waitFor();
  await page.getByRole('link', { name: 'By people' }).click();
  await page.getByRole('listitem').filter({ hasText: 'no heartbeat within 90 s' }).waitFor({ state: 'detached' });
  await page.getByText('Refused: Self-preservation does not hold').waitFor();
  await mended.waitFor({ state: 'detached' });
  await line.getByRole('link', { name: 'pdf-render-03' }).click();
  await page.getByRole('heading', { name: /^Asked by people/ }).waitFor();
  await page.goBack();
  await page.waitForURL(/by=people/);
  expect(faults).toEqual([]);
});
