import { killedFrozenRestarted } from '../disturbances.js';
import { SERVERS, TARGETS, type Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'everything in turn; then the servers alone, while worker and bridge grow old',
  async disturb(world) {
    while (world.share < 1 / 3) await killedFrozenRestarted(world, [world.random.one(TARGETS)]);
    while (world.share < 0.95) await killedFrozenRestarted(world, [world.random.one(SERVERS)]);
  },
};
