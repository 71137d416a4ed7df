import { killedFrozenRestarted } from '../disturbances.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: "the nodes' clocks five minutes slow",
  clocks: { nodes: -300 },
  disturb: (world) => killedFrozenRestarted(world, ['bridge']),
};
