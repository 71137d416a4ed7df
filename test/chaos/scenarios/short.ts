import type { Scenario } from '../scenario.js';
import type { World } from '../world/world.js';
import { endRuns } from '../disturbances.js';

async function killBoth({ targets }: World): Promise<void> {
  await Promise.all([targets.kill('bridge'), targets.kill('worker')]);
  await Promise.all([targets.start('bridge'), targets.start('worker')]);
}

async function restart({ targets }: World): Promise<void> {
  await targets.stop('kafka');
  await targets.start('kafka');
}

/** The short form in `npm test`. */
export const scenario: Scenario = {
  what: 'bridge and worker killed, Kafka restarted, runs terminated and cancelled',
  async disturb(world) {
    const troubles = {
      'bridge and worker killed': () => killBoth(world),
      'Kafka restarted': () => restart(world),
      'a run terminated, another cancelled': () => endRuns(world),
    };
    for (const what of world.random.shuffled(Object.keys(troubles) as (keyof typeof troubles)[])) {
      await world.pause(2, 5);
      await world.disturb(what, troubles[what]);
    }
  },
};
