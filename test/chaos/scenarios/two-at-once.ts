import { setTimeout as delay } from 'node:timers/promises';
import { TARGETS, type Scenario } from '../scenario.js';
import type { Target } from '../world/targets.js';

export const scenario: Scenario = {
  what: 'two of bridge, worker and the servers killed at once, three times',
  async disturb(world) {
    for (let time = 1; time <= 3; time += 1) {
      await world.pause(4, 8);
      const both = world.random.shuffled(TARGETS).slice(0, 2);
      const away = new Map(both.map((target) => [target, world.random.between(1, 10) * 1_000]));
      await world.disturb(`${both.join(' and ')} killed`, () => {
        const kill = async (target: Target): Promise<void> => {
          await world.targets.kill(target);
          await delay(away.get(target));
          await world.targets.start(target);
        };
        return Promise.all(both.map(kill));
      });
    }
  },
};
