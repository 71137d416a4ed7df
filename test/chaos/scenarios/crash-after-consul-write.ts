import { attemptInConsul, crash } from '../crashes.js';
import type { Scenario } from '../scenario.js';

export const scenario: Scenario = {
  what: 'the worker killed after a write to Consul and before its completion',
  proxied: true,
  async disturb(world) {
    for (let time = 1; time <= 3; time += 1) {
      const ids = world.random.shuffled(world.load.idle).slice(0, 3);
      await crash(world, {
        role: 'worker',
        // Consul has the write at once; its answer is on its way while the worker dies.
        slow: 'consul',
        does: async () => {
          const before = await Promise.all(ids.map((id) => attemptInConsul(world, id)));
          world.load.restart(ids);
          return before;
        },
        until: async (before) => {
          const now = await Promise.all(ids.map((id) => attemptInConsul(world, id)));
          return now.some((attempt, index) => attempt > (before[index] ?? 0));
        },
      });
    }
  },
};
