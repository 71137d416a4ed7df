import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FleetServer } from '../../src/server/http/server.js';
import { openPage, startChromium } from './chromium.js';
import { FakeSources } from './fake-sources.js';
import { serve } from './serve.js';

const NODES = 10_000;
const CHANGES_A_SECOND = 200;

let browser: Browser;
let server: FleetServer;
let changing: NodeJS.Timeout;

beforeAll(async () => {
  browser = await startChromium();
  const sources = new FakeSources();
  sources.fill(NODES);
  server = await serve(sources);
  let at = 0;
  changing = setInterval(() => {
    for (let each = 0; each < CHANGES_A_SECOND / 4; each += 1)
      sources.set(`mailer-${(at += 1) % 103}`, { version: `1.5.${at}` });
  }, 250);
});
afterAll(async () => {
  clearInterval(changing);
  await browser.close();
  await server.close();
});

interface Frames {
  readonly frames: number;
  /** Milliseconds by the clock: on a machine that others use too, they stretch. */
  readonly median: number;
  readonly longest: number;
  /** Milliseconds of processor time a frame: what the page itself costs, whoever else is there. */
  readonly script: number;
  readonly all: number;
}

/** What a frame costs while `work` runs in the page. */
async function framesOf(page: Page, work: string): Promise<Frames> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const seconds = async (name: string): Promise<number> => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find((metric) => metric.name === name)?.value ?? 0;
  };
  const before = { script: await seconds('ScriptDuration'), all: await seconds('TaskDuration') };
  const { frames, median, longest } = await page.evaluate<Pick<Frames, 'frames' | 'median' | 'longest'>>(`(async () => {
    const times = [];
    let last = performance.now();
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => {
      const now = performance.now(); times.push(now - last); last = now; resolve();
    }));
    await (async () => { ${work} })();
    times.sort((a, b) => a - b);
    const round = (value) => Math.round(value * 10) / 10;
    return { frames: times.length, median: round(times[Math.floor(times.length / 2)]), longest: round(times.at(-1)) };
  })()`);
  const each = (to: number, from: number): number => Math.round(((to - from) * 10_000) / frames) / 10;
  const spent = {
    script: each(await seconds('ScriptDuration'), before.script),
    all: each(await seconds('TaskDuration'), before.all),
  };
  await devtools.detach();
  return { frames, median, longest, ...spent };
}

test('10,000 nodes under changes: first rows, scrolling, filtering, sorting', { timeout: 240_000 }, async () => {
  const { page, faults } = await openPage(browser);
  const begun = performance.now();
  await page.goto(server.url);
  await page.locator('.row').first().waitFor();
  const first = Math.round(performance.now() - begun);
  await page.getByText('10,000 nodes').first().waitFor();
  const scrolling = await framesOf(
    page,
    'for (let i = 0; i < 120; i += 1) { scrollBy(0, 600); await frame(); } scrollTo(0, 0); await frame();',
  );
  const filtering = await framesOf(
    page,
    `const input = document.getElementById('search');
     const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
     for (const text of ['m', 'ma', 'mai', 'mail', 'mailer', 'mailer-1', '', 'a4', 'a', '']) {
       set.call(input, text); input.dispatchEvent(new Event('input', { bubbles: true }));
       for (let i = 0; i < 6; i += 1) await frame();
     }`,
  );
  const sorting = await framesOf(
    page,
    `for (const name of ['Version', 'In state', 'Node']) {
       [...document.querySelectorAll('.list-head button')].find((one) => one.textContent.startsWith(name)).click();
       for (let i = 0; i < 12; i += 1) await frame();
     }`,
  );
  const rows = await page.locator('.row').count();
  process.stderr.write(`first rows ${first} ms; a frame in ms ${JSON.stringify({ scrolling, filtering, sorting })}\n`);
  expect(rows).toBeLessThan(80);
  for (const { script, all } of [scrolling, filtering, sorting]) {
    expect(script).toBeLessThan(16);
    expect(all).toBeLessThan(50);
  }
  expect(faults).toEqual([]);
});
