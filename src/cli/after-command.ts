import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { askStatus } from '../runs/ask-status.js';
import { command } from './terminal/invocation.js';

/** Usually a tenth of a second; a backend that is away can make it long. */
const LOOK_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 100;
const ANSWER_WITHIN_MS = 2_000;

/**
 * Where a node is after a command that leads it elsewhere: "node-1 is in DRAINING", or where it is still on its way to.
 *
 * @returns the beginning of a sentence
 */
export async function whereAfter(client: Client, node_id: string): Promise<string> {
  const deadline = Date.now() + LOOK_WITHIN_MS;
  for (;;) {
    const { status } = await askStatus(client, node_id, ANSWER_WITHIN_MS);
    const { state = null, entering = null } = status?.registration ?? {};
    if (state !== null && entering === null) return `Node ${node_id} is ${state}`;
    if (Date.now() >= deadline)
      return (
        `Node ${node_id} is on its way to ${entering?.state ?? 'where it was sent'} ` +
        `('${command(`status ${node_id}`)}' shows what it waits for)`
      );
    await delay(LOOK_EVERY_MS);
  }
}
