import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentName } from '../../src/protocol/topics.js';
import { claimOwnDatabase, claimOwnNamespace } from '../../src/cli/claim.js';
import { checkRegistry } from '../../src/cli/doctor/registry-checks.js';
import { checkTemporal } from '../../src/cli/doctor/temporal-checks.js';
import { evictNode, unbanNode } from '../../src/cli/evict/evict-node.js';
import { forgetNode } from '../../src/cli/forget/forget-node.js';
import { listFleet } from '../../src/cli/list/fleet-list.js';
import { reconcileOnce } from '../../src/cli/reconcile/reconcile-once.js';
import { releaseKeyOf } from '../../src/cli/release-key/release-key.js';
import { statesOf } from '../../src/cli/terminal/states.js';
import { pageActions } from '../../src/cli/ui/page-actions.js';
import { startUi } from '../../src/cli/ui/start-ui.js';
import type { Config } from '../../src/config/index.js';
import { errorText } from '../../src/error-text.js';
import { Catalog } from '../../src/registry/consul/catalog.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import type { RegisteredNode } from '../../src/node/index.js';
import { eventually, Installation } from './installation.js';

const silent = pino({ level: 'silent' });

/** Two environments on the same Temporal, Kafka, Consul and PostgreSQL. */
let one: Installation;
let other: Installation;

beforeAll(async () => {
  [one, other] = [await Installation.start(), await Installation.start()];
  for (const { config } of [one, other]) await Promise.all([claimOwnDatabase(config), claimOwnNamespace(config)]);
});
afterAll(() => Promise.all([one.stop(), other.stop()]));

const shownBy = async ({ config }: Installation, node_id: string) => {
  const catalog = new Catalog(config.consul, environmentName(config));
  return catalog.instance(node_id).finally(() => catalog.close());
};
const stateIn = async ({ pool }: Installation, node_id: string) => (await readRegistryRow(pool, node_id))?.state;

describe('two environments on the same servers', () => {
  it('have a node of the same id each: one ends, and the other is still there', async () => {
    const node_id = `same-${randomUUID()}`;
    const nodes: RegisteredNode[] = [];
    for (const [at, installation] of [one, other].entries()) {
      const node = installation.node({ node_id, endpoints: { health: `http://10.0.0.${at + 1}:8080/health` } });
      nodes.push(node);
      await node.start();
    }
    expect(await shownBy(one, node_id)).toMatchObject({ address: '10.0.0.1', status: 'passing' });
    expect(await shownBy(other, node_id)).toMatchObject({ address: '10.0.0.2', status: 'passing' });

    await nodes[0]?.stop();
    await eventually('it has left the one', 20, async () => (await stateIn(one, node_id)) === 'DEREGISTERED');
    await eventually('it has left Consul there', 20, async () => (await shownBy(one, node_id)) === null);
    expect(await stateIn(other, node_id)).toBe('ACTIVE');
    expect(await shownBy(other, node_id)).toMatchObject({ address: '10.0.0.2', status: 'passing' });

    // The usual name is free now, and the node that is left stays where it is.
    const again = one.node({ node_id, endpoints: { health: 'http://10.0.0.3:8080/health' } });
    await again.start();
    expect(await shownBy(one, node_id)).toMatchObject({ address: '10.0.0.3', status: 'passing' });
    expect(await shownBy(other, node_id)).toMatchObject({ address: '10.0.0.2', status: 'passing' });
  });

  it('leave a catalog node alone that somebody else has registered under the name of theirs', async () => {
    const node_id = `taken-${randomUUID()}`;
    const taken = { Node: `onex-${node_id}`, Address: '192.0.2.1', NodeMeta: { owner: 'somebody' } };
    const consul = one.config.consul.address;
    await fetch(`${consul}/v1/catalog/register`, { method: 'PUT', body: JSON.stringify(taken) });
    const node = one.node({ node_id });
    await node.start();
    expect(await shownBy(one, node_id)).toMatchObject({ status: 'passing' });
    await node.stop();
    await eventually('it has left Consul', 20, async () => (await shownBy(one, node_id)) === null);
    const left = (await (await fetch(`${consul}/v1/catalog/node/${taken.Node}`)).json()) as { readonly Node: object };
    expect(left.Node).toMatchObject({ Address: '192.0.2.1', Meta: { owner: 'somebody' } });
    await fetch(`${consul}/v1/catalog/deregister`, { method: 'PUT', body: JSON.stringify({ Node: taken.Node }) });
  });

  it('do not start on a database or a namespace of the other: they say whose it is, and what to set', async () => {
    const mine = environmentName(one.config);
    const theirs = environmentName(other.config);
    const refusals = [
      ['worker', 'DATABASE_URL', /The database at .* belongs to the installation/],
      ['bridge', 'TEMPORAL_NAMESPACE', /Namespace .* belongs to the installation/],
      ['setup', 'TEMPORAL_NAMESPACE', /Namespace .* belongs to the installation/],
    ] as const;
    await Promise.all(
      refusals.map(async ([role, variable, words]) => {
        const theirServer = { [variable]: other.environment[variable] };
        const { code, stderr } = await one.processWith(theirServer, role).ends();
        expect(stderr).toMatch(words);
        expect(stderr).toContain(`'${theirs}', and this one is '${mine}'`);
        expect(stderr).toContain(`set ${variable}`);
        expect(code).toBe(4);
      }),
    );
  });

  it('are not changed by a command that has a database or a namespace of the other: it says whose it is', async () => {
    const node = one.node();
    await node.start();
    const { node_id } = node;
    const wish = { who: 'somebody', why: 'by mistake' };
    const actions = (config: Config): Record<string, () => Promise<unknown>> => ({
      acknowledge: () => pageActions(config).acknowledge(node_id, wish),
      retry: () => pageActions(config).retry(node_id, wish),
      drain: () => pageActions(config).drain(node_id, wish),
      undrain: () => pageActions(config).undrain(node_id, wish),
      evict: () => pageActions(config).evict(node_id, wish),
      ban: () => evictNode(`${node_id}-else`, config, wish, { ban: true }),
      forget: () => forgetNode(`${node_id}-else`, config),
      reconcile: () => reconcileOnce(config, false),
      page: () => startUi(config, { host: '127.0.0.1', port: 0, hostNames: [], actions: true }, silent),
    });
    const inDatabaseOnly = (config: Config): ReturnType<typeof actions> => ({
      unban: () => unbanNode(node_id, config),
      'release-key': () => releaseKeyOf(node_id, config),
      release: () => pageActions(config).release(wish, 0),
      replay: () => pageActions(config).replay('0-0', wish),
      list: () => listFleet(config, { limit: 1 }, statesOf(one.contracts.compiled)),
    });
    const { temporal, postgres } = other.config;
    const theirDatabase = { ...one.config, postgres };
    const theirNamespace = { ...one.config, temporal };
    const tried = [
      ...Object.entries({ ...actions(theirDatabase), ...inDatabaseOnly(theirDatabase) }),
      ...Object.entries(actions(theirNamespace)),
    ];
    const answers: (readonly [string, string])[] = [];
    // One after the other: each opens connections of its own.
    for (const [name, act] of tried)
      answers.push([
        name,
        await act().then(
          () => 'done',
          (error: unknown) => errorText(error),
        ),
      ]);
    const isTheirs = `belongs to the installation '${environmentName(other.config)}'`;
    expect(answers.filter(([, answer]) => !answer.includes(isTheirs))).toEqual([]);

    // Nothing came of it there.
    for (const table of ['operator_actions', 'node_bans'])
      expect((await other.pool.query(`select * from ${table}`)).rows).toEqual([]);
    await expect(other.handle(node_id).describe()).rejects.toThrow(WorkflowNotFoundError);
    expect(await stateIn(one, node_id)).toBe('ACTIVE');

    const evict = ['evict', node_id, '--ban', '--reason', 'by mistake'];
    const { code, stderr } = await one
      .processWith({ DATABASE_URL: other.environment['DATABASE_URL'] }, ...evict)
      .ends();
    expect(stderr).toContain(`${isTheirs}, and this one is '${environmentName(one.config)}'`);
    expect(stderr).toContain('set DATABASE_URL');
    expect(code).toBe(4);
  });

  it('are kept apart by doctor too', async () => {
    const { config } = one;
    const [temporal, postgres] = [other.config.temporal, other.config.postgres];
    const checks = [
      ...(await checkTemporal({ ...config, temporal }, { running: false })),
      ...(await checkRegistry({ ...config, postgres }, one.contracts, { running: false })),
    ];
    const found = checks.filter(({ ok }) => !ok).map(({ found }) => found);
    expect(found).toEqual(Array(2).fill(`belongs to '${environmentName(other.config)}'`));
  });
});
