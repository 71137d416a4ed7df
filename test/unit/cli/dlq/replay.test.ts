import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { replay } from '../../../../src/cli/dlq/replay.js';
import type { PlacedLetter } from '../../../../src/cli/dlq/read-letters.js';
import { loadConfig } from '../../../../src/config/index.js';
import { loadContracts } from '../../../../src/contracts/load.js';
import { readDeadLetter } from '../../../../src/protocol/dead-letter.js';
import { stderrOf } from '../terminal/stderr.js';

let broker: Server | undefined;
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  broker?.close();
});

/** One that takes connections, and never answers. */
async function silentBroker(): Promise<string> {
  const listening = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1');
  broker = listening;
  await once(listening, 'listening');
  return `127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const stderr = stderrOf({ isTTY: true });

it('a replay that takes longer than a second says on a terminal that it waits for Kafka', async () => {
  const KAFKA_BROKERS = await silentBroker();
  const headers = { original_topic: 't', original_partition: '0', original_offset: '7', code: 'invalid_field' };
  const letter: PlacedLetter = {
    id: '0-1',
    replayed: false,
    ...readDeadLetter({ timestamp: 0, key: null, value: Buffer.from('v'), headers }),
  };
  const sending = replay([letter], loadConfig({ KAFKA_BROKERS }), loadContracts(), {
    named: true,
    asked_by: { who: 'ada', why: null },
  });
  await expect(sending).rejects.toThrow(`Kafka at ${KAFKA_BROKERS}, after 0 of 1 replays, does not answer`);
  expect(stderr.text()).toContain(`waiting for Kafka at ${KAFKA_BROKERS} … 1 s`);
}, 15_000);
