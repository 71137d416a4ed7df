import { killedFrozenRestarted } from '../disturbances.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'PostgreSQL killed, frozen, restarted',
  disturb: (world) => killedFrozenRestarted(world, ['postgres']),
};
