import { killedFrozenRestarted } from '../disturbances.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: "the worker's clock five minutes slow",
  clocks: { worker: -300 },
  disturb: (world) => killedFrozenRestarted(world, ['worker']),
};
