import { killedFrozenRestarted } from '../disturbances.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: "the bridge's clock five minutes fast",
  clocks: { bridge: 300 },
  disturb: (world) => killedFrozenRestarted(world, ['bridge']),
};
