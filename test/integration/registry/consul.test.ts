import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UNAVAILABLE, type EffectRequest } from '../../../activities/api.js';
import { consulDeregister } from '../../../activities/consul-deregister.js';
import { consulPass } from '../../../activities/consul-pass.js';
import { consulRegister } from '../../../activities/consul-register.js';
import { linksOf, serviceLink, withServices } from '../../../src/cli/terminal/links.js';
import { loadConfig } from '../../../src/config/index.js';
import { Catalog } from '../../../src/registry/consul/catalog.js';
import { servers } from '../servers.js';
import { assertProperty } from '../../run/properties.js';
import { apply, done, identity, request, run } from './requests.js';

let catalog: Catalog;
beforeAll(() => {
  catalog = new Catalog({ address: servers().consulAddress });
});
afterAll(() => catalog.close());

test("the page of a service in Consul's web UI has its datacenter in the address", async () => {
  const config = loadConfig({ ...process.env, CONSUL_HTTP_ADDR: servers().consulAddress });
  const links = await withServices(linksOf(config), config);
  expect(serviceLink(links, 'effect')).toBe(`${config.consul.address}/ui/dc1/services/onex-effect/instances`);

  const away = loadConfig({ ...process.env, CONSUL_HTTP_ADDR: 'http://127.0.0.1:1' });
  expect(serviceLink(await withServices(linksOf(away), away), 'effect')).toBe('http://127.0.0.1:1/ui');
});

describe('Consul', () => {
  const effects = () => ({
    register: consulRegister(catalog),
    pass: consulPass(catalog),
    deregister: consulDeregister(catalog),
  });

  function service(
    node_id: string,
    attempt: number,
    changes: { node_type?: string } & Record<string, unknown> = {},
  ): EffectRequest {
    const type = changes.node_type ?? 'effect';
    return request(node_id, attempt, 'consul', {
      ...identity(node_id),
      service_id: `onex-${type}-${node_id}`,
      service_name: `onex-${type}`,
      tags: [`node_type:${type}`, 'a', 'b'],
      ...changes,
    });
  }

  const passing = async (node_id: string) =>
    (await catalog.passingInstances()).filter((each) => each.node_id === node_id);

  test('a node is found by those who look for one only after pass, and not after deregister', async () => {
    const id = randomUUID();
    await apply(effects().register, service(id, 1));
    expect(await catalog.instance(id)).toMatchObject({
      status: 'critical',
      output: expect.stringContaining('waiting for the node to acknowledge') as string,
    });
    expect(await passing(id)).toEqual([]);
    await apply(effects().pass, service(id, 1));
    expect(await passing(id)).toEqual([
      {
        node_id: id,
        attempt: 1,
        service_id: `onex-effect-${id}`,
        service_name: 'onex-effect',
        address: '10.0.0.9',
        port: 8080,
        tags: ['node_type:effect', 'a', 'b'],
        meta: { node_id: id, node_version: '1.2.3', node_type: 'effect', attempt: '1', correlation_id: 'c-1' },
        status: 'passing',
        output: expect.stringContaining('Active') as string,
      },
    ]);
    await apply(effects().deregister, service(id, 1));
    expect(await passing(id)).toEqual([]);
    expect(await catalog.instance(id)).toBeNull();
  });

  test('two ids that differ only in their case are two nodes, and the goodbye of one leaves the other', async () => {
    const lower = `mailer-${randomUUID().slice(0, 8).toLowerCase()}-a`;
    const capital = lower.replace('m', 'M');
    const upper = lower.toUpperCase();
    const ids = [lower, capital, upper];
    for (const id of ids) {
      await apply(effects().register, service(id, 1));
      await apply(effects().pass, service(id, 1));
    }
    for (const id of ids) expect(await passing(id), id).toMatchObject([{ service_id: `onex-effect-${id}` }]);
    await apply(effects().deregister, service(capital, 1));
    expect(await passing(lower)).toHaveLength(1);
    expect(await passing(capital)).toEqual([]);
    expect(await passing(upper)).toHaveLength(1);
  });

  test('every effect may be repeated', async () => {
    const id = randomUUID();
    for (const effect of [effects().register, effects().pass, effects().deregister]) {
      await apply(effect, service(id, 1));
      await apply(effect, service(id, 1));
    }
  });

  test('a refresh of the same attempt changes the service and leaves it discoverable', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1));
    await run(
      effects().register,
      service(id, 1, { endpoints: { api: 'https://node.example/' }, tags: ['node_type:effect', 'z'] }),
    );
    expect(await passing(id)).toMatchObject([{ address: 'node.example', port: 443, tags: ['node_type:effect', 'z'] }]);
  });

  test('a refresh shows what the attempt says, and not what Consul remembers', async () => {
    const id = randomUUID();
    const url = `${catalog.url}/v1/catalog/deregister`;
    await run(effects().pass, service(id, 1));
    await fetch(url, { method: 'PUT', body: JSON.stringify({ Node: `onex-${id}` }) });
    await run(effects().register, service(id, 1, { passing: true }));
    expect(await passing(id)).toHaveLength(1);
    await run(effects().register, service(id, 1, { passing: false }));
    expect(await passing(id)).toEqual([]);
  });

  test('a new attempt is not discoverable before it is active, and fences the old one', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1));
    await run(effects().register, service(id, 2));
    expect(await passing(id)).toEqual([]);
    for (const effect of [effects().register, effects().pass, effects().deregister]) {
      expect(await run(effect, service(id, 1))).toEqual({ done: false, fenced_by: 2 });
    }
    expect(await catalog.instance(id)).toMatchObject({ attempt: 2, status: 'critical' });
  });

  test('a node that comes back as another type leaves no service of the old type behind', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1));
    await run(effects().register, service(id, 2, { node_type: 'compute' }));
    await run(effects().pass, service(id, 2, { node_type: 'compute' }));
    expect((await passing(id)).map((each) => each.service_name)).toEqual(['onex-compute']);
  });

  test('a registration that somebody wiped is set whole when the node passes', async () => {
    const id = randomUUID();
    await run(effects().register, service(id, 1));
    await run(effects().deregister, service(id, 1));
    await run(effects().pass, service(id, 1));
    expect(await passing(id)).toMatchObject([{ node_id: id, attempt: 1, tags: ['node_type:effect', 'a', 'b'] }]);
  });

  test('of attempts that write at once the highest is left; whoever lost the race tries again', async () => {
    const id = randomUUID();
    const attempts = [1, 2, 3, 4, 5, 6];
    const write = async (attempt: number): Promise<unknown> => {
      for (;;) {
        try {
          return await run(effects().register, service(id, attempt));
        } catch (error) {
          expect(error).toMatchObject({
            type: UNAVAILABLE,
            nonRetryable: false,
            message: expect.stringContaining('index is stale') as string,
          });
        }
      }
    };
    await Promise.all(attempts.map(write));
    expect(await catalog.instance(id)).toMatchObject({ attempt: 6 });
  });

  test('a refresh that runs into a pass cannot take it back', async () => {
    const race = async (): Promise<void> => {
      const id = randomUUID();
      await run(effects().register, service(id, 1));
      const [pass, refresh] = await Promise.allSettled([
        run(effects().pass, service(id, 1)),
        run(effects().register, service(id, 1, { tags: ['z'] })),
      ]);
      const held = await catalog.instance(id);
      if (pass.status === 'fulfilled') expect(held).toMatchObject({ status: 'passing' });
      if (refresh.status === 'fulfilled' && pass.status === 'rejected')
        expect(held).toMatchObject({ status: 'critical', tags: ['z'] });
      expect([pass.status, refresh.status]).toContain('fulfilled');
    };
    await Promise.all(Array.from({ length: 30 }, race));
  });

  test('two workers, each of which remembers what it wrote, do what one does that always reads', async () => {
    const other = new Catalog({ address: servers().consulAddress });
    const workers = [catalog, other] as const;
    const operation = fc.record({
      worker: fc.constantFrom(...workers),
      verb: fc.constantFrom('register', 'pass', 'deregister'),
      attempt: fc.integer({ min: 1, max: 3 }),
    });
    const life = fc.asyncProperty(fc.array(operation, { minLength: 4, maxLength: 8 }), async (operations) => {
      const id = randomUUID();
      const now = async (): Promise<{ attempt: number; status: string } | null> => {
        const held = await catalog.instance(id);
        return held && { attempt: held.attempt, status: held.status };
      };
      for (const { worker, verb, attempt } of operations) {
        const effect = { register: consulRegister, pass: consulPass, deregister: consulDeregister }[verb](worker);
        const before = await now();
        const isFenced = before !== null && before.attempt > attempt;
        expect(await run(effect, service(id, attempt))).toEqual(
          isFenced ? { done: false, fenced_by: before.attempt } : done(service(id, attempt)),
        );
        const stays = before?.attempt === attempt && before.status === 'passing';
        const after =
          verb === 'deregister' ? null : { attempt, status: verb === 'pass' || stays ? 'passing' : 'critical' };
        expect(await now()).toEqual(isFenced ? before : after);
      }
    });
    await assertProperty(life, { numRuns: 30 }).finally(() => other.close());
  });

  test('a node without endpoints is registered without an address', async () => {
    const id = randomUUID();
    await run(effects().pass, service(id, 1, { endpoints: {} }));
    expect(await passing(id)).toMatchObject([{ address: '', port: 0 }]);
  });
});
