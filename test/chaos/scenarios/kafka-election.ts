import type { Scenario } from '../scenario.js';
import type { BrokerId } from '../world/kafka-cluster.js';
import type { World } from '../world/world.js';

async function killed(world: World, who: string, id: BrokerId): Promise<void> {
  await world.disturb(`${who} killed`, async () => {
    await world.cluster.kill(id);
    await world.registersAgain();
  });
  await world.pause(1, 6);
  await world.disturb(`${who} back`, () => world.cluster.startAgain(id));
}

/** Three brokers, replication factor 3 and min.insync.replicas 2: what is taken is never lost. */
export const scenario: Scenario = {
  what: 'elections: who leads most partitions killed, then the controller, then all partitions given to others',
  threeBrokers: true,
  async disturb(world) {
    const prefix = `${world.parts.config.env}.`;
    await world.pause(6, 9);
    await killed(world, 'the leader', await world.cluster.leader(prefix));
    await world.pause(2, 5);
    await killed(world, 'the controller', await world.cluster.controller());
    await world.pause(2, 5);
    await world.disturb('partitions reassigned', async () => {
      await world.cluster.reassign(prefix);
      await world.registersAgain();
    });
  },
};
