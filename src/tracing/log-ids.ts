import { AsyncLocalStorage } from 'node:async_hooks';
import { activeIds } from './span.js';

/** What the log lines about a message of a node have in common. */
export interface LogIds {
  readonly node_id: string;
  readonly correlation_id?: string;
  readonly trace_id?: string;
}

interface Handled {
  ids: LogIds | null;
}

const handled = new AsyncLocalStorage<Handled>();

/**
 * Handles something that is about a node: whatever is logged meanwhile has these ids. What goes on afterwards, as a
 * connection that was opened meanwhile, is about nobody.
 */
export async function withLogIds<Result>(ids: LogIds, run: () => Promise<Result>): Promise<Result> {
  const mine: Handled = { ids };
  try {
    return await handled.run(mine, run);
  } finally {
    mine.ids = null;
  }
}

/** Of what is handled now; null outside of that. */
export function currentLogIds(): LogIds | null {
  return handled.getStore()?.ids ?? null;
}

/** What every log line has: the ids of what is handled now, and of the active span. */
export function idsOfLine(): Partial<LogIds> & { readonly span_id?: string } {
  return { ...currentLogIds(), ...activeIds() };
}
