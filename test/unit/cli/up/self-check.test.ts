import { expect, test } from 'vitest';
import { reportProblems } from '../../../../src/cli/up/self-check.js';
import { loadConfig } from '../../../../src/config/index.js';
import { loadContracts } from '../../../../src/contracts/load.js';
import type { StackEvent } from '../../../../src/stack/index.js';

/** Nobody listens on port 1. */
const config = loadConfig({
  TEMPORAL_ADDRESS: '127.0.0.1:1',
  KAFKA_BROKERS: '127.0.0.1:1',
  CONSUL_HTTP_ADDR: '127.0.0.1:1',
  DATABASE_URL: 'postgresql://registrar:secret@127.0.0.1:1/registrar',
});

test('a start shows each connection that does not work, with what to do, and goes on', async () => {
  const events: StackEvent[] = [];
  await reportProblems(config, loadContracts(config.contractsDir), (event) => events.push(event));
  expect(events.map(({ kind, about }) => [kind, about])).toEqual([
    ['step', 'temporal'],
    ['step', 'kafka'],
    ['step', 'consul'],
    ['step', 'postgres'],
  ]);
  for (const { text } of events) expect(text).toMatch(/127\.0\.0\.1:1.*does not answer.*→ Its address comes from/s);
  expect(JSON.stringify(events)).not.toContain('secret');
});
