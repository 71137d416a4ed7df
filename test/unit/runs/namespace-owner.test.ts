import { Connection } from '@temporalio/client';
import { afterEach, beforeEach, describe, it, vi } from 'vitest';
import { claimNamespace } from '../../../src/runs/namespace-owner.js';
import { createSearchAttributes } from '../../../src/stack/index.js';
import { temporal } from '../../../src/stack/servers/temporal.js';
import {
  endsByDeadline,
  frozenAfterConnect,
  neverAnswering,
  shortDeadlines,
  type SilentServer,
} from './silent-temporal.js';

describe('a Temporal that accepts connections and answers nothing', () => {
  let server: SilentServer;
  beforeEach(async () => {
    server = await neverAnswering();
    shortDeadlines();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    server.close();
  });

  it('does not hold who takes its namespace', async () => {
    const connection = Connection.lazy({ address: server.address });
    await endsByDeadline(claimNamespace(connection, 'default', 'dev'));
    await connection.close();
  });
});

describe('a Temporal that freezes once it has been connected to', () => {
  let server: SilentServer;
  beforeEach(async () => {
    server = await frozenAfterConnect();
    shortDeadlines();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    server.close();
  });

  it('does not hold who takes its namespace', async () => {
    const connection = await Connection.connect({ address: server.address });
    await endsByDeadline(claimNamespace(connection, 'default', 'dev'));
    await connection.close();
  });

  it('does not hold who creates search attributes', async () => {
    await endsByDeadline(createSearchAttributes(server.address, 'default'));
  });

  it('does not hold a probe: the next one may find it again', async () => {
    const places = { temporal: server.address } as Parameters<typeof temporal.probe>[0];
    await endsByDeadline(temporal.probe(places, { kafka: {}, temporal: { namespace: 'default' } }));
  });
});
