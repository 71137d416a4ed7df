import type { BusyLine } from '../../stack/busy-line.js';

/** What this command waits for now. */
const waits = new Set<string>();
let line: Promise<BusyLine> | null = null;
let shown: BusyLine | null = null;
let isShown = true;

/**
 * Waits for something. When that takes longer than a second, a terminal says for what, and for how long so far;
 * elsewhere nothing is said.
 *
 * @param what as it stands behind "waiting for", e.g. "Temporal at 127.0.0.1:7233"
 */
export async function waitingFor<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (!isShown || !process.stderr.isTTY || waits.has(what)) return work();
  waits.add(what);
  line ??= openLine();
  try {
    return await work();
  } finally {
    waits.delete(what);
    if (waits.size === 0) shown?.clear();
  }
}

/** From now on nothing is said: who runs until stopped has a screen of its own. */
export function showNoWaiting(): void {
  isShown = false;
  shown?.stop();
}

/** Loaded only now: a command that nothing keeps waiting must not wait for this. */
async function openLine(): Promise<BusyLine> {
  const { BusyLine: Line } = await import('../../stack/busy-line.js');
  shown = new Line(process.stderr, () => (waits.size === 0 ? null : `waiting for ${[...waits].join(', ')}`));
  if (!isShown) shown.stop();
  return shown;
}
