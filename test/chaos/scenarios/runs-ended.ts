import { endRuns } from '../disturbances.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'runs terminated and cancelled at random',
  async disturb(world) {
    for (let time = 1; time <= 5; time += 1) {
      await world.pause(5, 8);
      await world.disturb('a run terminated, another cancelled', () => endRuns(world));
    }
  },
};
