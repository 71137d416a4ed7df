import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { askOwner, type ServerName } from '../../src/stack/index.js';
import { choosePorts, portOf } from '../../src/stack/ports.js';
import { serverOn, signal } from '../chaos/world/proc.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import type { RegistrarProcess } from './cli-process.js';
import { eventually, Installation } from './installation.js';
import { findPrometheus, Prometheus, type Programs } from './prometheus.js';

/** Bridge and worker as in production: processes of their own, each with the address to serve at in its environment. */
let registrar: Installation;
let bridge: string;
let worker: string;
let programs: Programs | undefined;
let processes: RegistrarProcess[];
beforeAll(async () => {
  const ports = await choosePorts({ bridge: 9464, worker: 9465 });
  [bridge, worker] = [`127.0.0.1:${portOf(ports, 'bridge')}`, `127.0.0.1:${portOf(ports, 'worker')}`];
  vi.stubEnv('REGISTRAR_BRIDGE_METRICS', bridge);
  vi.stubEnv('REGISTRAR_WORKER_METRICS', worker.split(':')[1]);
  programs = await findPrometheus();
  registrar = await Installation.prepare(
    contractDirectory({ orchestrator: 'reconcile: { interval_seconds: 2, again_after_seconds: 1 }' }),
  );
  processes = await Promise.all([registrar.replica('bridge'), registrar.replica('worker')]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await registrar.stop();
});

const scrape = async (address: string): Promise<string> => (await fetch(`http://${address}/metrics`)).text();

it('of bridge and worker show what a node’s registration has done', async () => {
  const node = registrar.node();
  await node.start();
  const text = await eventually(
    'the bridge shows a heartbeat and no lag, and has read self-preservation since the node has its lease',
    60,
    async () => {
      const text = await scrape(bridge);
      // Offsets are committed a moment after their records were handled, and a broker may not answer a scrape in time.
      return /^registrar_bridge_heartbeats_total [1-9]/m.test(text) &&
        /^registrar_self_preservation_active 1$/m.test(text) &&
        /^registrar_consumer_lag_records\{topic="[^"]+node-introspection\.v1"\} 0$/m.test(text)
        ? text
        : null;
    },
  );
  expect(text).toMatch(/^registrar_bridge_introspections_total 1$/m);
  expect(text).toMatch(/^registrar_bridge_acks_total 1$/m);
  expect(text).toMatch(/^registrar_self_preservation_held 0$/m);
  expect(text).toMatch(/^registrar_watermark_age_seconds\{topic="[^"]+node-heartbeat\.v1"\} \d/m);
  expect(await scrape(worker)).toMatch(
    /^temporal_activity_execution_latency_seconds_count\{[^}]*activity_type="consul\.register"[^}]*\} 1$/m,
  );
});

const MONITORING = join(import.meta.dirname, '../../docs/monitoring');
const read = (file: string): string => readFileSync(join(MONITORING, file), 'utf8');

/** What each panel of the dashboard asks Prometheus. */
function expressions(): readonly string[] {
  const { panels } = JSON.parse(read('dashboard.json')) as {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

/** Metrics that somebody sees only after what they are about has happened. */
const AFTER_A_FAILURE = [
  'registrar_bridge_dead_letters_total',
  'registrar_bridge_signature_faults_total',
  'registrar_reconciliation_mended',
  'temporal_activity_execution_failed_total',
  'temporal_workflow_task_execution_failed_total',
];

describe('what ships for Prometheus and Grafana', () => {
  it('holds together: promtool finds nothing in the alerts and in the example, and each alert fires when it must', async ({
    skip,
  }) => {
    if (programs === undefined) return skip('Prometheus is not on the PATH, and Debian\u2019s package cannot be had');
    for (const args of [
      ['check', 'rules', 'alerts.yaml'],
      ['check', 'config', 'prometheus.yaml'],
      ['test', 'rules', 'alerts.test.yaml'],
    ]) {
      const { exitCode, stdout, stderr } = await execa(programs.promtool, args, { cwd: MONITORING, reject: false });
      expect(exitCode, stdout + stderr).toBe(0);
    }
  });

  it('asks only for what a real Prometheus has of bridge and worker, and each panel gets an answer', async ({
    skip,
  }) => {
    if (programs === undefined) return skip('Prometheus is not on the PATH, and Debian\u2019s package cannot be had');
    const prometheus = await Prometheus.start(programs, { 'registrar-bridge': bridge, 'registrar-worker': worker });
    try {
      await eventually(
        'it has scraped both, after Consul was compared once',
        30,
        async () =>
          (await prometheus.query('up == 1')).length === 2 &&
          (await prometheus.query('registrar_reconciliation_timestamp_seconds')).length === 1,
      );
      const asked = `${read('alerts.yaml')} ${read('dashboard.json')}`;
      const names = new Set(asked.match(/\b(registrar|temporal|process|nodejs)_[a-z0-9_]+/g));
      expect(names.size).toBeGreaterThan(20);
      const missing: string[] = [];
      for (const name of names)
        if (!AFTER_A_FAILURE.includes(name) && (await prometheus.query(name)).length === 0) missing.push(name);
      expect(missing).toEqual([]);

      const whole = expressions().filter((expression) => !AFTER_A_FAILURE.some((name) => expression.includes(name)));
      expect(whole.length).toBeGreaterThan(15);
      // A rate needs two looks at a series.
      const silent = async (): Promise<readonly string[]> => {
        const answers = await Promise.all(whole.map((expression) => prometheus.query(expression)));
        return whole.filter((_, index) => answers[index]?.length === 0);
      };
      await expect.poll(silent, { timeout: 30_000, interval: 500 }).toEqual([]);
    } finally {
      await prometheus.stop();
    }
  });
});

describe('the probes of bridge and worker', () => {
  const SERVERS = ['temporal', 'kafka', 'consul', 'postgres'] as const;
  const stack = (action: 'stop' | 'start', ...which: readonly ServerName[]) =>
    Promise.all(which.map((server) => askOwner(registrar.config.dataDir, { action, server })));
  const probe = async (address: string, path: string): Promise<string> =>
    (await fetch(`http://${address}${path}`)).text();
  const becomesReady = (address: string) =>
    eventually(`${address} is ready`, 60, async () => (await probe(address, '/readyz')) === 'ready\n');
  const isNotReady = (address: string, why: RegExp) =>
    eventually(`${address} is not ready`, 60, async () => why.test(await probe(address, '/readyz')));

  it('say that each is ready; that it is not while its server is away or frozen, and is live all the same; and that it is again', async () => {
    await Promise.all([becomesReady(bridge), becomesReady(worker)]);
    // A frozen broker ends no connection and refuses none.
    const kafka = serverOn(join(registrar.config.dataDir, 'kafka')) ?? expect.fail('no Kafka runs there');
    signal(kafka, 'SIGSTOP');
    await stack('stop', 'temporal');
    try {
      await Promise.all([
        isNotReady(bridge, /^not ready: it has not got on with .*node-heartbeat\.v1 for \d+ s/),
        isNotReady(worker, /^not ready: Temporal does not answer/),
      ]);
      for (const address of [bridge, worker]) expect(await probe(address, '/livez')).toBe('live\n');
    } finally {
      signal(kafka, 'SIGCONT');
      await stack('start', 'temporal');
    }
    await Promise.all([becomesReady(bridge), becomesReady(worker)]);
  });

  it('are answered by processes that end in time on SIGTERM, though every server is away', async () => {
    await stack('stop', ...SERVERS);
    try {
      const asked = Date.now();
      for (const one of processes) one.kill('SIGTERM');
      await Promise.all(processes.map((one) => one.ends()));
      // Kubernetes kills after 30 s.
      expect(Date.now() - asked).toBeLessThan(30_000);
    } finally {
      await stack('start', ...SERVERS);
    }
  });
});
