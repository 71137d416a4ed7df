import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { bridgeMetrics } from '../../../src/bridge/bridge-metrics.js';
import { serveMetrics } from '../../../src/metrics.js';
import type { SelfPreservationState } from '../../../src/registry/leases/self-preservation.js';
import { messageOf, signingWorld } from './signing/world.js';
import { batchOf, bridgeWorld, recordOf, watermarks } from './support.js';

const held: SelfPreservationState = {
  held_since: '2026-01-31T12:00:00.000Z',
  held_seconds: 30,
  suspects: 5,
  expired: 1,
  active: 11,
  changed_by: 'itself',
  changed_at: '2026-01-31T12:00:00.000Z',
};

const admin = (committed: Readonly<Record<number, string>>) => ({
  topicEnds: () =>
    Promise.resolve([
      { partition: 0, low: '10', high: '110' },
      { partition: 1, low: '0', high: '7' },
    ]),
  committed: () =>
    Promise.resolve(new Map(Object.entries(committed).map(([partition, offset]) => [Number(partition), offset]))),
  partitions: () => Promise.resolve([0, 1]),
  close: () => Promise.resolve(),
});

/** Samples by name and labels, as Prometheus reads them. */
async function scrape(address: string): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(`http://${address}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const serve = (registry: Registry, address = '127.0.0.1:0') =>
  serveMetrics({
    address,
    variable: 'REGISTRAR_BRIDGE_METRICS',
    read: [() => registry.metrics()],
    notReady: () => null,
  });

const beats = { ...watermarks(), topic: 'beats' };
const STREAMS: Parameters<typeof bridgeMetrics>[2] = [
  { topics: ['beats'], groupId: 'g', watermarks: [beats] },
  { topics: ['hello'], groupId: 'h', watermarks: [] },
];

describe('the metrics of a bridge', () => {
  it('show every counter as it is when they are read', async () => {
    const { context } = bridgeWorld();
    const names = Object.keys(context.counters) as (keyof typeof context.counters)[];
    const server = await serve(bridgeMetrics(context, admin({}), STREAMS, () => null, 90));
    for (const round of [1, 2]) {
      names.forEach((name, index) => (context.counters[name] = 100 * round + index));
      expect(await scrape(server.address)).toMatchObject(
        Object.fromEntries(names.map((name, index) => [`registrar_bridge_${name}_total`, 100 * round + index])),
      );
    }
    await server.close();
  });

  it('show the dead letters by their reason', async () => {
    const { context } = bridgeWorld();
    const registry = bridgeMetrics(context, admin({}), STREAMS, () => null, 90);
    const record = recordOf(null);
    for (const code of ['not_json', 'not_json', 'invalid_field'] as const)
      await context.deadLetters.put([{ record, code, reason: 'r' }], new AbortController().signal);
    for (const shown of [await registry.metrics(), await registry.metrics()]) {
      expect(shown).toMatch(/^registrar_bridge_dead_letters_total\{reason="not_json"\} 2$/m);
      expect(shown).toMatch(/^registrar_bridge_dead_letters_total\{reason="invalid_field"\} 1$/m);
    }
  });

  it('show lag, the age of the watermark, and self-preservation', async () => {
    const watermark = new Date(Date.now() - 60_000).toISOString();
    const { context, asked } = bridgeWorld({ rows: [{ watermark, nodes: 2 }] });
    const server = await serve(bridgeMetrics(context, admin({ 0: '60' }), STREAMS, () => held, 90));
    const found = await scrape(server.address);
    expect(found).toMatchObject({
      'registrar_consumer_lag_records{topic="beats"}': 57,
      'registrar_consumer_lag_records{topic="hello"}': 57,
      registrar_conflicting_nodes: 2,
      registrar_self_preservation_held: 1,
      registrar_self_preservation_share: 0.5,
      registrar_self_preservation_suspects: 5,
      registrar_self_preservation_expired: 1,
      registrar_self_preservation_active: 11,
    });
    expect(asked).toContainEqual([['beats']]);
    const age = found['registrar_watermark_age_seconds{topic="beats"}'];
    expect(age).toBeGreaterThanOrEqual(60);
    expect(age).toBeLessThanOrEqual((Date.now() - Date.parse(watermark)) / 1_000);
    expect(found).not.toHaveProperty('registrar_watermark_age_seconds{topic="hello"}');
    await server.close();
  });

  it('leave out what was never read, or has never been written', async () => {
    const { context } = bridgeWorld({ rows: [{ watermark: null }] });
    const shown = await bridgeMetrics(context, admin({}), STREAMS, () => null, 90).metrics();
    expect(shown).toContain('registrar_bridge_heartbeats_total 0');
    expect(shown).not.toMatch(/^registrar_(self_preservation|watermark)/m);
  });

  it('count what nodes have not signed by kind and fault, from 0 on, where signatures are looked at', async () => {
    const { context, signing } = signingWorld('warn');
    const shown = (of: typeof context) => bridgeMetrics(of, admin({}), STREAMS, () => null, 90).metrics();
    expect(await shown(context)).toContain(
      '# HELP registrar_bridge_signature_faults_total messages that their nodes have not signed, since this bridge ' +
        'was started: accepted where the contract has signing: warn, refused where it has enforce',
    );
    expect((await shown(context)).match(/^registrar_bridge_signature_faults_total\{.*\} 0$/gm)).toHaveLength(28);
    const { batch } = batchOf([messageOf.ack('a').value]);
    for (const record of batch.records) await signing?.check('acks', record, { node_id: 'a' }, batch.signal);
    expect(await shown(context)).toMatch(
      /^registrar_bridge_signature_faults_total\{kind="acks",fault="unsigned"\} 1$/m,
    );
    expect(await shown({ ...context, signing: null })).not.toMatch(/^registrar_bridge_signature/m);
  });

  it('leave out what does not answer, and show the rest', async () => {
    const { context } = bridgeWorld();
    const away = { ...admin({}), topicEnds: () => Promise.reject(new Error('connect ECONNREFUSED')) };
    const server = await serve(bridgeMetrics(context, away, STREAMS, () => ({ ...held, held_since: null }), 90));
    const found = await scrape(server.address);
    expect(found).toMatchObject({ registrar_bridge_heartbeats_total: 0, registrar_self_preservation_held: 0 });
    expect(Object.keys(found).filter((name) => /lag|watermark/.test(name))).toEqual([]);
    await server.close();
  });

  it('leave out what a database that is away would say', async () => {
    const away = { query: () => Promise.reject(new Error('connect ECONNREFUSED')) } as unknown as Pool;
    const { context } = bridgeWorld({ pool: away });
    const shown = await bridgeMetrics(context, admin({}), STREAMS, () => held, 90).metrics();
    expect(shown).toMatch(/^registrar_self_preservation_held 1$/m);
    expect(shown).not.toMatch(/^registrar_(watermark|conflicting)/m);
  });

  it('are nowhere else, and the error of an address in use says what to do', async () => {
    const { context } = bridgeWorld();
    const registry = bridgeMetrics(context, admin({}), STREAMS, () => null, 90);
    const server = await serve(registry);
    expect((await fetch(`http://${server.address}/`)).status).toBe(404);
    await expect(serve(registry, server.address)).rejects.toThrow(
      /^metrics cannot be served at 127\.0\.0\.1:\d+: .*EADDRINUSE.*REGISTRAR_BRIDGE_METRICS/,
    );
    await server.close();
  });
});
