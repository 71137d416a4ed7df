import { join } from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOptions, runStart } from '../../src/bridge/run-options.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { findStuckRuns } from '../../src/runs/stuck-runs.js';
import { REPAIR_SIGNAL, WORKFLOW_TYPE } from '../../workflows/messages.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { eventually, Installation } from './installation.js';
import { servers } from './servers.js';

let registrar: Installation;
beforeAll(async () => {
  const reconcile = 'reconcile: { interval_seconds: 2, again_after_seconds: 1, mends_per_second: 20 }';
  registrar = await Installation.start(contractDirectory({ orchestrator: reconcile }));
});
afterAll(async () => {
  await registrar.stop();
});

/** What a worker of the registrar cannot replay: a run of this node that another program has begun. */
async function beginsWithAnotherWorkflow(node_id: string): Promise<string> {
  const { client, contracts, config } = registrar;
  const connection = await NativeConnection.connect({ address: servers().temporalAddress });
  const worker = await Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue: config.taskQueue,
    workflowsPath: join(import.meta.dirname, 'another-workflow.ts'),
  });
  const run_id = await worker.runUntil(async () => {
    const node = { node_id, node_type: 'effect', node_version: '1.2.3' };
    const handle = await client.workflow.start(WORKFLOW_TYPE, {
      ...runOptions(node, runStart(contracts, config.taskQueue)),
      // Sooner than as shipped: a task that nobody completes is tried again after this long.
      workflowTaskTimeout: '1s',
    });
    await eventually('it has done something', 20, async () => {
      const { events } = await handle.fetchHistory();
      return events?.some(({ timerFiredEventAttributes: fired }) => fired !== null && fired !== undefined);
    });
    return handle.firstExecutionRunId;
  });
  await connection.close();
  return run_id;
}

describe('a run whose history its worker cannot replay', () => {
  it('is replaced: its node goes on in the same attempt, passing all the while', async () => {
    const node = registrar.node();
    await node.start();
    const { node_id } = node;
    // The replay of a broken history is to begin with a task: the server hands one out for the signal below.
    await registrar.stopWorker();
    await registrar.handle(node_id).terminate('another one takes its place');
    const broken = await beginsWithAnotherWorkflow(node_id);
    await registrar.startWorker();
    await registrar.handle(node_id).signal(REPAIR_SIGNAL);

    const [stuck] = await eventually('Temporal reports it', 60, async () => {
      const found = await findStuckRuns(registrar.client, registrar.config.taskQueue, AbortSignal.timeout(60_000));
      return found.length > 0 ? found : null;
    });
    expect(stuck).toMatchObject({ node_id, run_id: broken, failure: expect.stringMatching(/TMPRL1100/) as string });

    const { journal } = await eventually('another run has taken over', 60, async () => {
      const { runId } = await registrar.handle(node_id).describe();
      return runId === broken ? null : registrar.status(node_id);
    });
    expect(journal.map(({ what }) => what)).toContain('adopts registration attempt 1 in ACTIVE: its run is gone');
    expect(await registrar.catalog.instance(node_id)).toMatchObject({ attempt: 1, status: 'passing' });
    expect(await readRegistryRow(registrar.pool, node_id)).toMatchObject({ state: 'ACTIVE', attempt: 1 });
  });
});
