import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorkflows } from '../../src/bundle.js';
import { checkTemporal } from '../../src/cli/doctor/temporal-checks.js';
import { simulateFleet, type Fleet } from '../../src/node/index.js';
import { openWorker } from '../../src/worker.js';
import { REPAIR_SIGNAL, workflowId } from '../../workflows/messages.js';
import type { RegistrarProcess } from './cli-process.js';
import { eventually, Installation } from './installation.js';
import { temporalCli } from './temporal-cli.js';

/** `npm run test:rollout` has 200. */
const NODES = Number(process.env['ROLLING_DEPLOY_NODES'] ?? 10);
/** How long a step may take for all of them, in seconds: a busy machine replays a few runs a second. */
const WITHIN = 30 + NODES;
const DEPLOYMENT = 'node-registrar';
/** The workflow of a later version. */
const NEWER = fileURLToPath(new URL('../fixtures/newer-workflows.ts', import.meta.url));

let registrar: Installation;
let fleet: Fleet;
let ids: readonly string[];
let older: RegistrarProcess;
/** How many nodes the registry called ACTIVE, each time it was asked. */
const active: number[] = [];
let watching: NodeJS.Timeout | undefined;

beforeAll(
  async () => {
    registrar = await Installation.prepare();
    [older] = await Promise.all([registrar.replica('worker', '--version', 'v1'), registrar.startBridge()]);
    await makeCurrent('v1');
    fleet = simulateFleet({ nodes: NODES, brokers: registrar.config.kafka.brokers, env: registrar.config.env });
    ids = fleet.members.map(({ node }) => node.node_id);
    await fleet.start({ timeoutMs: WITHIN * 1_000 });
    watching = setInterval(() => void countActive().then((count) => active.push(count)), 250);
  },
  (WITHIN + 90) * 1_000,
);
afterAll(async () => {
  clearInterval(watching);
  // Nobody waits for their goodbyes: the whole installation is dropped.
  await fleet.hub.close();
  await registrar.stop();
});

/** As an operator does it. A version is known once a worker of it has polled. */
function makeCurrent(version: string): Promise<unknown> {
  const args = ['worker', 'deployment', 'set-current-version', '--deployment-name', DEPLOYMENT, '--yes'];
  return eventually(`${version} is current`, 30, async () => {
    try {
      return (await temporalCli([...args, '--build-id', version], registrar.environment)) !== '';
    } catch (error) {
      if (/not found|no Worker Deployment found/.test(String(error))) return false;
      throw error;
    }
  });
}

/** What doctor finds of the workers. */
async function diagnosed(): Promise<string> {
  const checks = await checkTemporal(registrar.config, { running: true });
  return checks.find(({ what }) => what.startsWith('a worker polls'))?.found ?? '';
}

async function countActive(): Promise<number> {
  const { rows } = await registrar.pool.query<{ count: number }>(
    "select count(*) as count from node_registrations where state = 'ACTIVE' and node_id = any($1)",
    [ids],
  );
  return rows[0]?.count ?? 0;
}

/** The version of the worker that had the last task of each run. */
async function versions(): Promise<Map<string, string>> {
  const runs = await Promise.all(ids.map((id) => registrar.handle(id).describe()));
  return new Map(
    runs.map(({ raw }, at) => {
      const { buildId } = raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion ?? {};
      return [ids[at] ?? '', buildId ?? 'none'] as const;
    }),
  );
}

/** Gives every run of the fleet something to do, each time it is asked, until so many had their last task from it. */
async function moveTo(version: string, count: number): Promise<void> {
  await eventually(`${count} runs had their last task from ${version}`, WITHIN, async () => {
    const elsewhere = [...(await versions())].filter(([, one]) => one !== version);
    if (elsewhere.length === ids.length - count) return true;
    // Whoever was within a task when the version became current has moved with the one after that.
    await Promise.all(elsewhere.map(([id]) => registrar.handle(id).signal(REPAIR_SIGNAL)));
    await delay(1_000);
    return false;
  });
}

/** What went wrong in workflow tasks of the fleet's runs, in words. */
async function taskFailures(): Promise<string[]> {
  const histories = await Promise.all(ids.map((id) => registrar.handle(id).fetchHistory()));
  return histories.flatMap(({ events }) =>
    (events ?? []).flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? []),
  );
}

describe('a new version of the worker beside the old one, with a fleet that is active', () => {
  it(
    'gets every run at its next task but the pinned one, replays all, and no node stops being active',
    async () => {
      const { code } = await bundleWorkflows(NEWER);
      const version = { deploymentName: DEPLOYMENT, buildId: 'v2' };
      const newer = await openWorker(registrar.config, { bundle: { code }, version });
      const running = newer.run();
      try {
        // Side by side: the old version is current, and has every run.
        await Promise.all(ids.map((id) => registrar.handle(id).signal(REPAIR_SIGNAL)));
        expect(new Set((await versions()).values())).toEqual(new Set(['v1']));

        const [pinned = ''] = ids;
        const override = [
          '--versioning-override-behavior',
          'pinned',
          '--versioning-override-deployment-name',
          DEPLOYMENT,
        ];
        const pin = ['workflow', 'update-options', '--workflow-id', workflowId(pinned)];
        await temporalCli([...pin, ...override, '--versioning-override-build-id', 'v1'], registrar.environment);
        await makeCurrent('v2');
        await moveTo('v2', NODES - 1);
        expect((await versions()).get(pinned)).toBe('v1');

        await temporalCli([...pin, '--versioning-override-behavior', 'unspecified'], registrar.environment);
        older.kill('SIGTERM');
        expect((await older.ends()).code).toBe(0);
        await moveTo('v2', NODES);

        const added = registrar.node();
        await added.start();
        const { events } = await registrar.handle(added.node_id).fetchHistory();
        expect(events?.some((event) => event.markerRecordedEventAttributes?.markerName === 'core_patch')).toBe(true);

        expect(await diagnosed()).toMatch(/@/);
        expect(await taskFailures()).toEqual([]);
        expect(new Set(active)).toEqual(new Set([NODES]));
        expect(await countActive()).toBe(NODES);
        console.log(`rolling deploy: ${NODES} nodes, ${active.length} looks, all ACTIVE in each; no task failed`);
      } finally {
        newer.shutdown();
        await running;
      }
    },
    4 * WITHIN * 1_000,
  );
});
