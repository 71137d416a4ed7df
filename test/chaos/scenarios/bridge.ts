import { killedFrozenRestarted } from '../disturbances.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'bridge killed, frozen, restarted',
  disturb: (world) => killedFrozenRestarted(world, ['bridge']),
};
