import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRegistrarActions } from '../../src/registry/registrar-actions.js';
import { readReconciliation } from '../../src/registry/reconciliations.js';
import { readRegistryRow } from '../../src/registry/rows/read-registry-row.js';
import { bridgeTopics } from '../../src/bridge/bridge-topics.js';
import { environmentName } from '../../src/protocol/topics.js';
import { contractDirectory } from '../unit/contracts/contract-files.js';
import { registrar as command, type Result } from './cli-process.js';
import { eventually, Installation } from './installation.js';

const FLEET = 20;
/** As shipped, but sooner: a minute between two comparisons is not waited for here. */
const SOON = 'reconcile: { interval_seconds: 2, again_after_seconds: 1, mends_per_second: 20 }';

let registrar: Installation;
const ids: string[] = [];
/** Nodes of other environments, which earlier files have left in this Consul. */
const strangers = new Set<string>();
beforeAll(async () => {
  registrar = await Installation.start(contractDirectory({ orchestrator: SOON }));
  // What other files have left in these tables is not this fleet's.
  await registrar.pool.query('truncate node_registrations, node_leases');
  for (const { node_id } of await registrar.catalog.passingInstances()) strangers.add(node_id);
  const nodes = registrar.nodes(FLEET);
  await Promise.all(nodes.map((node) => node.start()));
  ids.push(...nodes.map(({ node_id }) => node_id));
});
afterAll(async () => {
  await registrar.stop();
});

async function consul(method: 'GET' | 'PUT', path: string, body?: object | Blob): Promise<Response> {
  const answer = await fetch(`${registrar.catalog.url}/v1${path}`, {
    method,
    ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
  });
  expect(answer.status, path).toBe(200);
  return answer;
}

/** Takes a catalog node out, as an operator does it by hand, or a wiped Consul. */
const deregister = (Node: string): Promise<Response> => consul('PUT', '/catalog/deregister', { Node });

/** Somebody else's node, or one that is left behind, with one passing service. */
async function registerByHand(Node: string, Meta: Record<string, string>, serviceMeta = {}): Promise<void> {
  const Service = { ID: `service-of-${Node}`, Service: 'by-hand', Address: '10.9.9.9', Port: 1, Meta: serviceMeta };
  const Check = { CheckID: `${Node}:registration`, Name: 'by hand', Status: 'passing', ServiceID: Service.ID };
  await consul('PUT', '/catalog/register', { Node, Address: '10.9.9.9', NodeMeta: Meta, Service, Check });
}

const isThere = async (Node: string): Promise<boolean> => {
  const found = await (await consul('GET', `/catalog/node/${Node}`)).json();
  return found !== null;
};

const passing = async (): Promise<Set<string>> =>
  new Set(
    (await registrar.catalog.passingInstances()).map(({ node_id }) => node_id).filter((id) => !strangers.has(id)),
  );

const allArePassing = (seconds: number) =>
  eventually('the whole fleet is passing', seconds, async () => {
    const found = await passing();
    return ids.every((id) => found.has(id));
  });

function run(...args: string[]): Promise<Result> {
  return command(registrar.environment, ...args);
}

const attemptsOf = async (): Promise<Set<number | undefined>> =>
  new Set(await Promise.all(ids.map(async (id) => (await registrar.catalog.instance(id))?.attempt)));

describe('the reconciler', () => {
  it('finds the whole fleet again after Consul was wiped, in the same attempts, and leaves others alone', async () => {
    const foreign = `foreign-${randomUUID()}`;
    const neighbour = `onex-${randomUUID()}`;
    await registerByHand(foreign, {});
    await registerByHand(neighbour, { 'registered-by': 'node-registrar', environment: 'another', attempt: '1' });
    await Promise.all(ids.map((id) => deregister(`onex-${id}`)));
    await allArePassing(60);
    expect(await attemptsOf()).toEqual(new Set([1]));
    expect(await isThere(foreign)).toBe(true);
    expect(await isThere(neighbour)).toBe(true);
  });

  it('removes what is left behind of a node that the registry does not know, and not what others registered on it', async () => {
    const marks = { 'registered-by': 'node-registrar', environment: environmentName(registrar.config), attempt: '3' };
    const left = `left-${randomUUID()}`;
    const shared = `shared-${randomUUID()}`;
    await registerByHand(`onex-${left}`, { ...marks, node_id: left }, { node_id: left, correlation_id: 'c-1' });
    await registerByHand(`onex-${shared}`, { ...marks, node_id: shared }, { node_id: shared, correlation_id: 'c-1' });
    const Service = { ID: 'theirs', Service: 'theirs', Address: '10.9.9.9', Port: 2 };
    await consul('PUT', '/catalog/register', { Node: `onex-${shared}`, SkipNodeUpdate: true, Service });
    await eventually('it is gone', 60, async () => !(await isThere(`onex-${left}`)));
    await eventually('the registrar has left the shared one', 60, async () => !(await passing()).has(shared));
    expect(await (await consul('GET', '/catalog/service/theirs')).json()).toHaveLength(1);
    expect(await passing()).toEqual(new Set(ids));
    await eventually('what was done is kept', 20, async () =>
      (await readRegistrarActions(registrar.pool, 100)).some(({ node_id, what }) => {
        const done = 'Consul shows its attempt 3, and the registry has no row of it: it is removed from Consul';
        return node_id === left && what === done;
      }),
    );
  });

  it('shows no node passing that has ended, after a snapshot of Consul was restored', async () => {
    const gone = registrar.node();
    await gone.start();
    const snapshot = await (await consul('GET', '/snapshot')).blob();
    await gone.stop();
    await eventually('it has left', 20, async () => (await registrar.catalog.instance(gone.node_id)) === null);
    await consul('PUT', '/snapshot', snapshot);
    expect(await passing()).toContain(gone.node_id);
    await eventually('it is out of Consul', 60, async () => (await registrar.catalog.instance(gone.node_id)) === null);
    expect(await passing()).toEqual(new Set(ids));
  });

  it('brings a row back that was deleted by hand, with its lease, from the run of its node', async () => {
    const [id = ''] = ids;
    await registrar.pool.query('delete from node_registrations where node_id = $1', [id]);
    await registrar.pool.query('delete from node_leases where node_id = $1', [id]);
    const row = await eventually('the row is back', 60, () => readRegistryRow(registrar.pool, id));
    expect(row).toMatchObject({ state: 'ACTIVE', attempt: 1, lease_deadline: expect.any(String) as string });
    expect(await passing()).toContain(id);
  });

  it('says what it has found where doctor and metrics read it', async () => {
    const [fleet] = bridgeTopics(registrar.contracts, registrar.config).heartbeats;
    const last = await eventually('both agree', 30, async () => {
      const found = await readReconciliation(registrar.pool, fleet);
      return found !== null && Object.keys(found.differences).length === 0 ? found : null;
    });
    expect(last).toMatchObject({ rows: FLEET, failure: null, outcomes: {} });
    const doctor = await run('doctor');
    expect(doctor.stdout).toMatch(/✓ consul .*shows what the registry says: compared \d+ .* ago: 20 in the registry/);
  });
});

describe('by hand, while no bridge does it', () => {
  it('a dry run says what differs and changes nothing; without it the same is mended', async () => {
    await registrar.stopBridge();
    const [, lost = '', unsure = ''] = ids;
    await deregister(`onex-${lost}`);
    await registrar.pool.query(`update node_registrations set state = 'PENDING_REGISTRATION' where node_id = $1`, [
      unsure,
    ]);

    const dry = await run('reconcile', '--dry-run');
    expect(dry.code, dry.stderr).toBe(0);
    expect(dry.stdout).toMatch(
      new RegExp(`${lost} +not_in_consul +ACTIVE in the registry \\(attempt 1\\), and Consul`),
    );
    expect(dry.stdout).toMatch(new RegExp(`${unsure} +passing_early .*not changed: a dry run`));
    expect(await registrar.catalog.instance(lost)).toBeNull();

    const mended = await run('reconcile', '--json');
    expect(mended.code, mended.stderr).toBe(0);
    expect(JSON.parse(mended.stdout)).toMatchObject({
      mended: expect.arrayContaining([
        expect.objectContaining({ node_id: lost, kind: 'not_in_consul', outcome: 'signalled' }),
        expect.objectContaining({ node_id: unsure, kind: 'passing_early', outcome: 'signalled' }),
      ]) as unknown,
    });
    await allArePassing(20);
    await eventually('its row is ACTIVE', 20, async () => {
      return (await readRegistryRow(registrar.pool, unsure))?.state === 'ACTIVE';
    });
    expect((await run('reconcile', '--dry-run')).stdout).toMatch(/They agree\.\n$/);
  });
});
