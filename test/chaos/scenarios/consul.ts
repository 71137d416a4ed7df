import { killedFrozenRestarted } from '../disturbances.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'Consul killed, frozen, restarted',
  disturb: (world) => killedFrozenRestarted(world, ['consul']),
};
