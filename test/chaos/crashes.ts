import { setTimeout as delay } from 'node:timers/promises';
import type { ServerName } from '../../src/stack/index.js';
import type { Role } from './world/targets.js';
import type { World } from './world/world.js';

/** How late answers are while a worker or a bridge is to die. Kafka's clients give up on the way to it after 1.35 s. */
const SLOW_MS: Readonly<Record<ServerName, number>> = { temporal: 2_500, kafka: 1_000, consul: 2_500, postgres: 1_200 };
const MOMENT_PASSES_AFTER_MS = 60_000;

export interface Crash<Before> {
  readonly role: Role;
  /** Whose answers come late: so long the moment lasts. */
  readonly slow: ServerName;
  /** What leads to the moment. */
  readonly does: () => Promise<Before>;
  /** Whether it has come: the effect is there, its answer is not. */
  readonly until: (before: Before) => Promise<boolean>;
}

/** Kills a process at one point of its work. */
export function crash<Before>(world: World, { role, slow, does, until }: Crash<Before>): Promise<void> {
  return world.disturb(`${role} killed while ${slow}'s answer is on its way`, async () => {
    await world.pause(6, 9);
    await world.network.slow(slow, SLOW_MS[slow], [role]);
    const before = await does();
    const end = Date.now() + MOMENT_PASSES_AFTER_MS;
    while (!(await until(before))) {
      if (Date.now() > end) throw new Error(`the moment in which the ${role} was to be killed never came`);
      await delay(10);
    }
    await world.targets.kill(role);
    await world.network.restore();
    await world.targets.start(role);
  });
}

/** The attempt that Consul shows for a node; 0 where it has none. */
export async function attemptInConsul({ parts: { config } }: World, node_id: string): Promise<number> {
  const response = await fetch(`${config.consul.address}/v1/catalog/node/onex-${node_id}`);
  const found = (await response.json()) as { readonly Node: { readonly Meta: Record<string, string> } } | null;
  return Number(found?.Node.Meta['attempt'] ?? 0);
}
