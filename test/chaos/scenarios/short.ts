import type { Scenario } from '../scenario.js';
import type { World } from '../world/world.js';

async function killBoth({ targets }: World): Promise<void> {
  await Promise.all([targets.kill('bridge'), targets.kill('worker')]);
  await Promise.all([targets.start('bridge'), targets.start('worker')]);
}

async function restart({ targets }: World): Promise<void> {
  await targets.stop('kafka');
  await targets.start('kafka');
}

/** The short form in `npm test`: kills and a restart of Kafka under a small load. */
export const scenario: Scenario = {
  what: 'bridge and worker killed, Kafka restarted',
  async disturb(world) {
    const troubles = {
      'bridge and worker killed': () => killBoth(world),
      'Kafka restarted': () => restart(world),
    };
    for (const what of world.random.shuffled(Object.keys(troubles) as (keyof typeof troubles)[])) {
      await world.pause(2, 5);
      await world.disturb(what, troubles[what]);
    }
  },
};
