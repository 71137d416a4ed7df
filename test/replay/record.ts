import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { derivedId } from '../../src/protocol/ids.js';
import { startHarness } from '../time-skipping/harness.js';
import { toJson } from './history-json.js';
import { PATHS } from './paths.js';

/**
 * `npm run record:histories [path …]`: walks each path with the workflow as it
 * is now and keeps its history. To be run when a path is new, or when histories
 * of before a change need not be replayed any more: as long as nodes run that
 * were started before it, a red replay is a reason to patch, not to record.
 */

const folder = join(import.meta.dirname, 'histories');

/** Nothing of the machine that recorded: who polled, and where its files lie. */
function anonymous(value: unknown): unknown {
  const key = (name: string, inner: unknown): unknown =>
    name === 'identity' ? 'recorder' : name === 'stackTrace' ? '' : inner;
  const text = JSON.stringify(value, key, 1).replaceAll(`${process.pid}@${hostname()}`, 'recorder');
  for (const word of [hostname(), process.cwd(), userInfo().homedir]) {
    if (text.includes(word)) throw new Error(`A history names something of this machine: ${word}`);
  }
  return JSON.parse(text);
}

const only = process.argv.slice(2);
for (const name of only)
  if (!(name in PATHS)) throw new Error(`There is no path ${name}; there are ${Object.keys(PATHS).join(', ')}.`);

mkdirSync(folder, { recursive: true });
const h = await startHarness();
const shipped = h.world.contract;
try {
  for (const [name, path] of Object.entries(PATHS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const recorded = await path(h, derivedId('recorded', name));
    h.world.contract = shipped;
    const history = anonymous(toJson(await recorded.fetchHistory())) as { events: unknown[] };
    const text = `${JSON.stringify(history, null, 1)}\n`;
    writeFileSync(join(folder, `${name}.json`), text);
    console.log(
      `${name.padEnd(34)} ${String(history.events.length).padStart(3)} events, ${Math.ceil(text.length / 1024)} KiB`,
    );
  }
} finally {
  await h.stop();
}
for (const file of readdirSync(folder)) if (!(file.replace(/\.json$/, '') in PATHS)) rmSync(join(folder, file));
